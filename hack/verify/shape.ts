/** Size and names of source files: the hard limits of the house style. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { sourceFiles } from './source.ts'

const maxLines = 450
const forbidden = /^(utils?|helpers?|common|misc|manager)\b/

/** Every file that is too long, badly named, opens without a comment, or lets a type go. */
export function shapeBreaches(): string[] {
  return sourceFiles(/\.ts$/)
    .filter((path) => !/(^|\/)gen\//.test(path))
    .flatMap((path) => breachesOf(path, readFileSync(path, 'utf8')))
}

function breachesOf(path: string, text: string): string[] {
  const lines = text.split('\n').length
  const isTest = path.endsWith('.test.ts')
  const found: string[] = []
  if (lines > maxLines && !isTest) found.push(`${path}: ${lines} lines; the limit is ${maxLines}`)
  if (forbidden.test(basename(path))) found.push(`${path}: the name says nothing; name what the file is about`)
  if (!isTest && basename(path) !== 'index.ts' && !/^(#!.*\n)?\/\*\*/.test(text))
    found.push(`${path}: open the module with a comment that says what it guarantees`)
  if (/@ts-(ignore|nocheck)/.test(text) && !path.startsWith('hack/verify/')) found.push(`${path}: a silenced type`)
  return found
}
