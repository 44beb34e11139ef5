/** `mnemos lint FILE…`: every mistake with its file, line and field, and what policies in files would say. Needs no cluster. */
import { readFile } from 'node:fs/promises'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { type LintFinding, lintText } from '../lint-file.ts'
import { parseFormat, renderObject } from '../output.ts'
import { fileWorld, readPolicies } from '../policy-world.ts'
import { documentsOf, yamlFiles } from '../yaml-files.ts'

export interface LintFlags {
  /** Files and folders with policies and Schemas. */
  readonly policies: readonly string[]
  readonly user?: string
  readonly group: readonly string[]
}

export async function lint({ globals, terminal }: Invocation, paths: readonly string[], flags: LintFlags): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const files = (await Promise.all(paths.map(yamlFiles))).flat()
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })))
  const rules = (await Promise.all(flags.policies.map(readPolicies))).flat()
  // What cannot be read is a finding below, and no manifest here.
  const manifests = (await Promise.all(texts.map(({ text, file }) => documentsOf(text, file).catch(() => [])))).flat()
  const { namespace } = globals
  const options = {
    context: fileWorld({ rules, manifests, namespace, now: () => Date.now() }),
    groups: flags.group,
    ...(namespace === undefined ? {} : { namespace }),
    ...(flags.user === undefined ? {} : { user: flags.user }),
  }
  const reports = texts.map(({ file, text }) => ({ file, ...lintText(text, options) }))
  const located = (of: 'findings' | 'warnings') => reports.flatMap((report) => report[of].map((each) => ({ file: report.file, ...each })))
  const [findings, warnings] = [located('findings'), located('warnings')]
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ items: findings, warnings }, format))
  else {
    for (const each of findings) terminal.write(`${lineOf(each)}\n`)
    for (const each of warnings) terminal.write(`${lineOf({ ...each, message: `warning: ${each.message}` })}\n`)
  }
  const judged = reports.reduce((sum, report) => sum + report.judged, 0)
  const warned = warnings.length === 0 ? '' : `, ${warnings.length} warnings`
  terminal.say(`${judged} objects in ${files.length} files, ${findings.length} findings${warned}`)
  return findings.length === 0 ? exitCodes.ok : exitCodes.failed
}

function lineOf({ file, line, field, message, suggestion }: LintFinding & { readonly file: string }): string {
  const where = `${file}:${line}: ${field}${field === '' ? '' : ': '}`
  return `${where}${message}${suggestion === undefined ? '' : `; ${suggestion}`}`
}
