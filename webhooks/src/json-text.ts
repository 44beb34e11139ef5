/**
 * Reads JSON from a stranger: one pass over the text refuses what `JSON.parse` would let through or choke on.
 *
 * Guarantees: bytes are valid UTF-8; nesting is at most `maxDepth`; no object has a member twice (of two, JSON.parse takes the
 * last, another reader the first: whoever disagrees can be deceived). Linear in the size of the text, and iterative.
 */
const maxDepth = 512
const utf8 = new TextDecoder('utf-8', { fatal: true })

export class JsonTextError extends Error {
  override readonly name = 'JsonTextError'
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const colon = 0x3a
const blanks = new Set([0x20, 0x09, 0x0a, 0x0d])

/** @throws JsonTextError that says what is wrong, without repeating any of the text */
export function parseJsonText(body: Uint8Array): unknown {
  const text = decode(body)
  checkStructure(text)
  try {
    return JSON.parse(text)
  } catch {
    throw new JsonTextError('the body is no JSON')
  }
}

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body)
  } catch {
    throw new JsonTextError('the body is not valid UTF-8')
  }
}

/** Walks strings and brackets only; whether the rest is JSON is for JSON.parse to say. */
function checkStructure(text: string): void {
  const scopes: (Set<string> | undefined)[] = []
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) {
      const end = endOfString(text, index)
      const members = scopes.at(-1)
      if (members !== undefined && isKey(text, end)) remember(members, text.slice(index, end))
      index = end - 1
    } else if (code === openBrace || code === openBracket) {
      scopes.push(code === openBrace ? new Set() : undefined)
      if (scopes.length > maxDepth) throw new JsonTextError(`the body is nested deeper than ${maxDepth} levels`)
    } else if (code === closeBrace || code === closeBracket) {
      scopes.pop()
    }
  }
}

/** Index behind the closing quote, or the end of an unfinished text. */
function endOfString(text: string, start: number): number {
  for (let index = text.indexOf('"', start + 1); index !== -1; index = text.indexOf('"', index + 1)) {
    let slashes = 0
    while (text.charCodeAt(index - 1 - slashes) === backslash) slashes += 1
    if (slashes % 2 === 0) return index + 1
  }
  return text.length
}

function isKey(text: string, end: number): boolean {
  let index = end
  while (blanks.has(text.charCodeAt(index))) index += 1
  return text.charCodeAt(index) === colon
}

function remember(members: Set<string>, literal: string): void {
  // "a" and "\u0061" are the same member; only a literal with a backslash needs to be read to know.
  const key = literal.includes('\\') ? unescaped(literal) : literal
  if (members.has(key)) throw new JsonTextError('the body has an object with the same member twice')
  members.add(key)
}

function unescaped(literal: string): string {
  try {
    return JSON.stringify(JSON.parse(literal))
  } catch {
    throw new JsonTextError('the body is no JSON')
  }
}
