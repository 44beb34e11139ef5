/** `mnemos lint FILE…`: every mistake with its file, line and field. Needs no cluster. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { lintText } from '../lint-file.ts'
import { parseFormat, renderObject } from '../output.ts'

export async function lint({ globals, terminal }: Invocation, paths: readonly string[]): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const files = (await Promise.all(paths.map(filesOf))).flat()
  const findings: object[] = []
  let judged = 0
  for (const file of files) {
    const report = lintText(await readFile(file, 'utf8'))
    judged += report.judged
    for (const finding of report.findings) {
      findings.push({ file, ...finding })
      if (format !== 'table' && format !== 'wide') continue
      const where = `${file}:${finding.line}: ${finding.field}${finding.field === '' ? '' : ': '}`
      terminal.write(`${where}${finding.message}${finding.suggestion === undefined ? '' : `; ${finding.suggestion}`}\n`)
    }
  }
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ items: findings }, format))
  terminal.say(`${judged} objects in ${files.length} files, ${findings.length} findings`)
  return findings.length === 0 ? exitCodes.ok : exitCodes.failed
}

/** A folder stands for the YAML and JSON files below it. @throws CliError for a path that does not exist */
async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new CliError(`there is no file ${path}`, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage })
  if (!found.isDirectory()) return [path]
  const names = await readdir(path, { recursive: true })
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .map((name) => join(path, name))
    .sort()
}
