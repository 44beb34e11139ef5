import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { parseCliConfig } from './config.ts'
import { exitCodes } from './exit-codes.ts'
import { buildProgram } from './program.ts'

const program = buildProgram(parseCliConfig({}), () => undefined)
const page = await readFile(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')

function pathsOf(command: Command, path: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(' ')]
  return command.commands.flatMap((child) => pathsOf(child, [...path, child.name()]))
}

test('docs/cli.md names every command and every flag', () => {
  for (const path of pathsOf(program)) assert.match(page, new RegExp(`\`(mnemos )?${path}[ \`]`), `the command ${path} is missing`)
  const flagsOf = (command: Command): string[] => [
    ...command.options.flatMap(({ long }) => long ?? []),
    ...command.commands.flatMap((child) => flagsOf(child)),
  ]
  for (const flag of flagsOf(program)) assert.ok(page.includes(flag), `the flag ${flag} is missing`)
})

test('docs/cli.md lists exactly the exit codes that there are', () => {
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
  assert.deepEqual(listed, Object.values(exitCodes))
})
