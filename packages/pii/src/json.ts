/**
 * Personal data in JSON values: every string, number and member name, and the records of a dataset that a string holds as JSON or JSON Lines.
 *
 * The name of a member counts as a word beside its value: `{"ssn": "123456789"}`. Looking is iterative, so that depth costs no stack; time
 * is linear in the size of the text. A dataset inside a string is looked into once, not again inside its own strings.
 */
import type { PiiEntity, PiiMatch } from './entities.ts'
import { findPii } from './find.ts'
import { type PiiActions, placeholderOf, redactPii } from './redact.ts'

/** A find in a JSON value. Offsets are those of the string at {@link pointer}, or of what {@link record} points to when it is given. */
export interface PiiJsonMatch extends PiiMatch {
  /** JSON Pointer (RFC 6901) of the string, number or, with {@link isName}, of the member whose name it is. */
  readonly pointer: string
  /** The find is in the member's name. */
  readonly isName?: true
  /** Place inside a string that holds a dataset: line, from 1, and JSON Pointer inside that line. */
  readonly record?: { readonly line: number; readonly pointer: string }
}

export interface FindInJsonOptions {
  /** Kinds to report; all by default. */
  readonly entities?: readonly PiiEntity[]
  /** Pointer of the value itself in the document it comes from; empty by default. */
  readonly pointer?: string
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

interface Place {
  readonly value: unknown
  readonly pointer: string
  readonly name: string
}

/** Calls `visit` for each string and number below a value, and each member's name, in order. */
function walk(root: unknown, pointer: string, visit: (text: string, place: Place, isName: boolean) => void): void {
  const stack: Place[] = [{ value: root, pointer, name: '' }]
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { value, name } = place
    if (typeof value === 'string') visit(value, place, false)
    else if (typeof value === 'number') visit(String(value), place, false)
    else if (typeof value === 'object' && value !== null) {
      const below = Array.isArray(value)
        ? value.map((item: unknown, index) => ({ value: item, pointer: `${place.pointer}/${index}`, name }))
        : Object.entries(value).map(([key, item]: [string, unknown]) => {
            const at = `${place.pointer}/${escaped(key)}`
            visit(key, { value: item, pointer: at, name: key }, true)
            return { value: item, pointer: at, name: key }
          })
      for (const item of below.reverse()) stack.push(item)
    }
  }
}

/** Finds personal data in a JSON value, by JSON Pointer. */
export function findPiiInJson(value: unknown, { entities, pointer = '' }: FindInJsonOptions = {}): PiiJsonMatch[] {
  const found: PiiJsonMatch[] = []
  walk(value, pointer, (text, place, isName) => {
    if (isName) {
      if (text.length >= shortest)
        for (const match of findPii(text, entities)) found.push({ ...match, pointer: place.pointer, isName: true })
      return
    }
    const records = typeof place.value === 'string' ? recordsOf(text) : undefined
    if (records === undefined) for (const match of findNamed(text, place.name, entities)) found.push({ ...match, pointer: place.pointer })
    for (const [index, record] of (records ?? []).entries()) {
      const line = index + 1
      const at = (inner: string): Pick<PiiJsonMatch, 'pointer' | 'record'> => ({ pointer: place.pointer, record: { line, pointer: inner } })
      if (typeof record === 'string') for (const match of findPii(record, entities)) found.push({ ...match, ...at('') })
      else
        walk(record.value, '', (part, inner, isInnerName) => {
          const matches = isInnerName ? (part.length >= shortest ? findPii(part, entities) : []) : findNamed(part, inner.name, entities)
          for (const match of matches) found.push({ ...match, ...at(inner.pointer), ...(isInnerName ? { isName: true as const } : {}) })
        })
    }
  })
  return found
}

/** No kind of personal data is shorter. */
const shortest = 6
const longestName = 64

/** What a member's name says as a word: `phoneNumber` and `phone_number` both as `phone number`. */
const wordsOf = (name: string): string =>
  name.length > longestName
    ? ''
    : name
        .replace(/([a-z])([A-Z])/g, '$1 $2')
        .replace(/[^\p{L}\p{N}]+/gu, ' ')
        .toLowerCase()

function findNamed(text: string, name: string, entities: readonly PiiEntity[] | undefined): PiiMatch[] {
  if (text.length < shortest) return []
  const before = `${wordsOf(name)}: `
  if (before.length < 4) return findPii(text, entities)
  return findPii(before + text, entities)
    .filter(({ start }) => start >= before.length)
    .map((match) => ({ ...match, start: match.start - before.length, end: match.end - before.length }))
}

/** Lines of a dataset: parsed where they are JSON objects or lists, as text where not; undefined when the string is no dataset. */
function recordsOf(text: string): readonly (string | { readonly value: unknown })[] | undefined {
  const first = text.slice(0, 64).trimStart().charAt(0)
  if (first !== '{' && first !== '[') return undefined
  const whole = parsed(text)
  if (whole !== undefined) return [{ value: whole }]
  const lines = text.split('\n').map((line) => {
    const value = parsed(line)
    return value === undefined ? line : { value }
  })
  return lines.some((line) => typeof line !== 'string') ? lines : undefined
}

function parsed(text: string): unknown {
  const first = text.trimStart().charAt(0)
  if (first !== '{' && first !== '[') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface RedactedJson {
  readonly value: unknown
  /** Every find of a kind whose action is not `Allow`. */
  readonly matches: readonly PiiJsonMatch[]
}

/**
 * The value with what is to be redacted replaced: strings keep their other text, a number with a find becomes the placeholder,
 * names of members stay. Lines of a dataset in which nothing was found stay as they were written.
 */
export function redactPiiInJson(value: unknown, actions: PiiActions, options: FindInJsonOptions = {}): RedactedJson {
  const entities = (options.entities ?? (Object.keys(actions) as PiiEntity[])).filter((entity) => (actions[entity] ?? 'Allow') !== 'Allow')
  const matches = findPiiInJson(value, { ...options, entities })
  return { value: matches.some(({ entity }) => actions[entity] === 'Redact') ? rewritten(value, '', actions, true) : value, matches }
}

function rewritten(value: unknown, name: string, actions: PiiActions, mayHoldRecords: boolean): unknown {
  if (typeof value === 'string') return mayHoldRecords ? rewrittenRecords(value, name, actions) : redactNamed(value, name, actions)
  if (typeof value === 'number') {
    const hit = findNamed(String(value), name, undefined).find(({ entity }) => actions[entity] === 'Redact')
    return hit === undefined ? value : placeholderOf(hit.entity)
  }
  if (Array.isArray(value)) return value.map((item: unknown) => rewritten(item, name, actions, mayHoldRecords))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [key, rewritten(item, key, actions, mayHoldRecords)]),
  )
}

function rewrittenRecords(text: string, name: string, actions: PiiActions): string {
  const records = recordsOf(text)
  if (records === undefined) return redactNamed(text, name, actions)
  const lines = records.length === 1 ? [text] : text.split('\n')
  return records
    .map((record, index) => {
      const line = lines[index] ?? ''
      if (typeof record === 'string') return redactPii(line, actions).text
      const changed = JSON.stringify(rewritten(record.value, '', actions, false))
      return changed === JSON.stringify(record.value) ? line : changed
    })
    .join('\n')
}

function redactNamed(text: string, name: string, actions: PiiActions): string {
  const before = `${wordsOf(name)}: `
  if (before.length < 4 || text.length < shortest) return redactPii(text, actions).text
  const { text: redacted } = redactPii(before + text, actions)
  return redacted.startsWith(before) ? redacted.slice(before.length) : redactPii(text, actions).text
}
