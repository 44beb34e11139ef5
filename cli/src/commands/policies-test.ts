/** `mnemos policies test FILE|FOLDER`: holds policies to cases with expected verdicts. Needs no cluster. */
import { writeFile } from 'node:fs/promises'
import { type CaseResult, type PolicyCase, runCase } from '@mnemos/domain'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { junitXml } from '../junit.ts'
import { parseFormat, renderObject } from '../output.ts'
import { type CaseFile, hasCases, readCaseFile } from '../policy-case-file.ts'
import { fileWorld, readPolicies } from '../policy-world.ts'
import { readDocuments, yamlFiles } from '../yaml-files.ts'

export interface PoliciesTestFlags {
  /** Where to write JUnit XML. */
  readonly junit?: string
}

interface Ran extends CaseResult {
  readonly file: string
  readonly name: string
  readonly expect: PolicyCase['expect']
  readonly seconds: number
}

export async function testPolicies({ globals, terminal }: Invocation, path: string, { junit }: PoliciesTestFlags): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const files = await caseFilesOf(path)
  const results = (await Promise.all(files.map((file) => runFile(file, globals.namespace)))).flat()
  if (junit !== undefined) await writeFile(junit, junitOf(files, results))
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ items: results }, format))
  else
    for (const { file, name, passed, problem } of results) {
      terminal.write(
        passed ? `${terminal.paint('green', '✔')} ${name}\n` : `${terminal.paint('red', '✖')} ${file}: ${name}: ${problem ?? ''}\n`,
      )
    }
  const failures = results.filter(({ passed }) => !passed).length
  terminal.say(`${results.length} cases in ${files.length} files, ${failures} failed`)
  return failures === 0 ? exitCodes.ok : exitCodes.failed
}

/** @throws CliError for a path without any: a mistyped one must not pass for success */
async function caseFilesOf(path: string): Promise<CaseFile[]> {
  const paths = await yamlFiles(path)
  const documents = await Promise.all(paths.map(async (file) => (await readDocuments(file)).map((document) => ({ file, document }))))
  const found = documents.flat().filter(({ document }) => hasCases(document))
  if (found.length > 0) return Promise.all(found.map(({ file, document }) => readCaseFile(file, document)))
  const hint = 'name a file with `policies` and `cases`, or a folder that holds some; docs/policies.md shows the form'
  throw new CliError(`${path} holds no cases`, { code: 'MNEMOS_USAGE', hint, exitCode: exitCodes.usage })
}

async function runFile({ path, policies, objects, cases }: CaseFile, namespace: string | undefined): Promise<Ran[]> {
  const rules = (await Promise.all(policies.map(readPolicies))).flat()
  const context = fileWorld({ rules, manifests: objects, namespace, now: () => Date.now() })
  return cases.map((each) => {
    const started = performance.now()
    const result = runCase(each, context, namespace)
    return { file: path, name: each.name, expect: each.expect, ...result, seconds: (performance.now() - started) / 1000 }
  })
}

function junitOf(files: readonly CaseFile[], results: readonly Ran[]): string {
  const suites = files.map(({ path }) => ({
    name: path,
    cases: results
      .filter(({ file }) => file === path)
      .map(({ name, seconds, problem, said }) => ({
        ...{ name, classname: path, seconds },
        ...(problem === undefined ? {} : { failure: problem, details: said.join('\n') }),
      })),
  }))
  return junitXml(suites, new Date().toISOString())
}
