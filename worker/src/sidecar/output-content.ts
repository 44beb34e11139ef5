/**
 * What is in an output, where the Job asks for more than to store it: text that its result repeats, JSON that fits a schema.
 *
 * Guarantees: no failure repeats anything of the content; of a value that does not fit, place, expectation and kind are told.
 */
import { maxInlineOutputBytes, maxJudgedOutputBytes } from '@mnemos/api'
import { compileSchema, evaluate, type SchemaFinding } from '@mnemos/json-schema'
import { WorkFailure } from '../failure.ts'

/** An output as the Job describes it. */
export interface AskedOutput {
  readonly name: string
  /** In the container, as its user knows it. */
  readonly path: string
  /** The result repeats it. */
  readonly inline?: boolean | undefined
  /** JSON Schema that it must satisfy. */
  readonly schema?: unknown
}

/** Findings that are told; the others are counted. */
const maxTold = 3

/** Whether the content matters at all. */
export function asksForContent({ inline, schema }: AskedOutput): boolean {
  return inline === true || schema !== undefined
}

/** Before it is read. @throws WorkFailure ContainerFailed when it is too large for what is asked */
export function checkSize({ name, path, inline, schema }: AskedOutput, sizeBytes: number): void {
  const has = `Output ${name}: ${path} has ${sizeBytes} bytes;`
  if (inline === true && sizeBytes > maxInlineOutputBytes) {
    const hint = 'Leave less in it, or take inline off the output in a new Job; then the result names the file alone.'
    throw tooLarge(`${has} at most ${maxInlineOutputBytes} can be inline.`, hint)
  }
  if (schema !== undefined && sizeBytes > maxJudgedOutputBytes) {
    const hint = 'Split it into several outputs, or take schema off the output in a new Job.'
    throw tooLarge(`${has} at most ${maxJudgedOutputBytes} are judged by a schema.`, hint)
  }
}

/** What the result repeats of it, if anything. @throws WorkFailure ContainerFailed when it is not what was asked for */
export function checkContent(output: AskedOutput, bytes: Buffer): string | undefined {
  const text = textOf(output, bytes)
  if (output.schema !== undefined) checkSchema(output, text)
  return output.inline === true ? text : undefined
}

/** All that is inline goes into one report that a kubelet would cut. @throws WorkFailure ContainerFailed when it does not fit */
export function checkReport(names: readonly string[], reportBytes: number, maxBytes: number): void {
  if (names.length === 0 || reportBytes <= maxBytes) return
  const message = `The inline outputs (${names.join(', ')}) make a result that takes ${reportBytes} bytes to report; there is room for ${maxBytes}.`
  throw tooLarge(message, 'Leave less in them, let fewer outputs be inline, or declare fewer outputs in a new Job.')
}

function textOf({ name, path }: AskedOutput, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalid(`Output ${name}: ${path} is no text in UTF-8.`, 'Let the container write UTF-8.')
  }
}

function checkSchema({ name, path, schema }: AskedOutput, text: string): void {
  const compiled = compileSchema(schema, { formats: 'assert' })
  if (!compiled.ok) throw invalid(`Output ${name}: its schema is none.`, 'Correct schema of the output in a new Job.')
  const [first, ...others] = evaluate(compiled.schema, parsed(text, { name, path }))
  if (first === undefined) return
  const told = [first, ...others.slice(0, maxTold - 1)].map(sentenceOf).join('; ')
  const more = others.length < maxTold ? '' : ` (and ${others.length + 1 - maxTold} more)`
  const hint = first.suggestion ?? 'Let the container write what the schema asks for, or correct the schema in a new Job.'
  throw invalid(`Output ${name}: ${path} does not satisfy its schema: ${told}${more}.`, hint)
}

/** The message of a parser repeats what it could not read. */
function parsed(text: string, { name, path }: AskedOutput): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(`Output ${name}: ${path} is no JSON, and its schema asks for it.`, 'Let the container write one JSON value in UTF-8.')
  }
}

function sentenceOf({ pointer, message, expected, found }: SchemaFinding): string {
  const place = pointer === '' ? 'as a whole' : `at ${pointer}`
  const wanted = expected === undefined || message.includes(expected) ? '' : `, expected ${expected}`
  const had = found === undefined || message.includes(found) ? '' : `, found ${found}`
  return `${place} ${message}${wanted}${had}`
}

function tooLarge(message: string, hint: string): WorkFailure {
  return new WorkFailure({ class: 'ContainerFailed', reason: 'OutputTooLarge', message, hint })
}

function invalid(message: string, hint: string): WorkFailure {
  return new WorkFailure({ class: 'ContainerFailed', reason: 'OutputInvalid', message, hint })
}
