/** YAML and JSON files as people name them on the command line: one file, or a folder with all that are below it. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScalarTag, Tags } from 'yaml'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/** The files of a path, in order. @throws CliError for a path that does not exist */
export async function yamlFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new CliError(`there is no file ${path}`, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage })
  if (!found.isDirectory()) return [path]
  const names = await readdir(path, { recursive: true })
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .map((name) => join(path, name))
    .sort()
}

/** kubectl reads YAML 1.1 but for times of day and dates, which are texts to it, and knows the octal numbers of 1.2. */
function asKubectlReads(tags: Tags): Tags {
  const others = tags.filter(
    (tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  )
  const octal: ScalarTag = {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?0o[0-7_]+$/,
    resolve: (text) => Number(text.replaceAll('_', '').replace(/^\+/, '').replace(/^-/, '')) * (text.startsWith('-') ? -1 : 1),
  }
  return [octal, ...others]
}

/** The documents of a text, as kubectl reads it. @throws CliError, with the line, for a text that cannot be read */
export async function documentsOf(text: string, file: string): Promise<unknown[]> {
  const { LineCounter, parseAllDocuments } = await import('yaml')
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter, version: '1.1', customTags: asKubectlReads })
  if (!Array.isArray(documents)) return []
  return documents.map((document) => {
    const [broken] = document.errors
    if (broken === undefined) return document.toJS() as unknown
    const message = `${file}:${lineCounter.linePos(broken.pos[0]).line}: ${broken.message.split('\n')[0] ?? ''}`
    throw new CliError(message, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage })
  })
}

/** All documents of a file or folder. @throws CliError for a path that does not exist or cannot be read */
export async function readDocuments(path: string): Promise<unknown[]> {
  const files = await yamlFiles(path)
  return (await Promise.all(files.map(async (file) => documentsOf(await readFile(file, 'utf8'), file)))).flat()
}
