/** `mnemos schemas check OLD NEW`: what a change of a JSON Schema breaks, with documents that show it. Needs no cluster. */
import { type Compatibility, checkCompatibility, shownExample } from '@mnemos/domain'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderObject } from '../output.ts'
import { readDocuments } from '../yaml-files.ts'

export interface SchemaFiles {
  readonly older: string
  readonly newer: string
}

export interface SchemasCheckFlags {
  readonly compatibility: Compatibility
}

export async function checkSchemas(
  { globals, terminal }: Invocation,
  { older, newer }: SchemaFiles,
  { compatibility }: SchemasCheckFlags,
): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const answer = checkCompatibility(await readSchema(older), await readSchema(newer), compatibility)
  const isFine = answer.readable && answer.result === 'compatible'
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ compatibility, ...answer }, format))
  else if (!answer.readable) {
    for (const [file, findings] of [[older, answer.older] as const, [newer, answer.newer] as const]) {
      for (const { pointer, message } of findings) terminal.write(`${file}: ${pointer}: ${message}\n`)
    }
  } else {
    for (const { direction, pointer, message, counterExample } of answer.differences) {
      const [accepting, refusing] = direction === 'BACKWARD' ? [older, newer] : [newer, older]
      terminal.write(`${direction} ${pointer === '' ? '/' : pointer}: ${message}\n`)
      terminal.write(`  accepted by ${accepting}, refused by ${refusing}: ${shownExample(counterExample)}\n`)
    }
    for (const { direction, pointer, message } of answer.doubts) {
      terminal.write(`${direction} ${pointer === '' ? '/' : pointer}: not decided: ${message}\n`)
    }
  }
  terminal.say(`${newer} ${sentenceOf(answer, compatibility)} ${older}`)
  return isFine ? exitCodes.ok : exitCodes.failed
}

function sentenceOf(answer: ReturnType<typeof checkCompatibility>, mode: Compatibility): string {
  if (!answer.readable) return 'cannot be compared with'
  const said = { compatible: 'may follow', incompatible: 'may not follow', undecided: 'cannot be proved to be able to follow' }
  return `${said[answer.result]}, by compatibility ${mode},`
}

/** A JSON Schema, or the document of a Schema object. */
async function readSchema(path: string): Promise<unknown> {
  const documents = (await readDocuments(path)).filter((document) => document !== null)
  const [document] = documents
  if (documents.length !== 1) {
    const message = `${path} holds ${documents.length} documents, and one is compared`
    throw new CliError(message, { code: 'MNEMOS_USAGE', hint: 'name a file with one JSON Schema', exitCode: exitCodes.usage })
  }
  return isSchemaObject(document) ? document.spec.document : document
}

function isSchemaObject(document: unknown): document is { readonly spec: { readonly document: unknown } } {
  if (typeof document !== 'object' || document === null || !('kind' in document) || document.kind !== 'Schema') return false
  return 'spec' in document && typeof document.spec === 'object' && document.spec !== null && 'document' in document.spec
}
