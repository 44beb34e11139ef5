/**
 * JSON values as this package sees them: their kinds, a canonical text, exact decimal arithmetic.
 *
 * Guarantees: equality is JSON Schema's (1 and 1.0 are one value, the order of keys does not matter); nothing here throws
 * on a value that was measured before.
 */

export type JsonObject = Readonly<Record<string, unknown>>
export type JsonKind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'
export type JsonType = JsonKind | 'integer'

export const jsonTypes: readonly JsonType[] = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object']

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** undefined for what JSON cannot say. */
export function kindOf(value: unknown): JsonKind | undefined {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  switch (typeof value) {
    case 'boolean':
      return 'boolean'
    case 'string':
      return 'string'
    case 'object':
      return 'object'
    case 'number':
      return Number.isFinite(value) ? 'number' : undefined
    default:
      return undefined
  }
}

/** Whether a value has a type; `integer` holds for every number without a fraction. */
export function isOfType(value: unknown, type: JsonType): boolean {
  return type === 'integer' ? Number.isInteger(value) : kindOf(value) === type
}

/** One text for equal values: keys sorted, -0 written as 0. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    return `{${members.join(',')}}`
  }
  return value === 0 ? '0' : JSON.stringify(value)
}

/** Unicode characters, not UTF-16 units. */
export function lengthOf(text: string): number {
  let length = text.length
  for (let at = 0; at < text.length - 1; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0xd800 || unit > 0xdbff) continue
    const next = text.charCodeAt(at + 1)
    if (next < 0xdc00 || next > 0xdfff) continue
    length -= 1
    at += 1
  }
  return length
}

/** A finite number as digits × 10^exponent. */
function decimalOf(value: number): { digits: bigint; exponent: number } {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
}

/** Whether `value` is a whole multiple of `step`, by the decimals that were written, so 0.3 is one of 0.1. */
export function isMultipleOf(value: number, step: number): boolean {
  const a = decimalOf(value)
  const b = decimalOf(step)
  const lowest = Math.min(a.exponent, b.exponent)
  const scaledStep = b.digits * 10n ** BigInt(b.exponent - lowest)
  return scaledStep !== 0n && (a.digits * 10n ** BigInt(a.exponent - lowest)) % scaledStep === 0n
}

export type Measure = 'bytes' | 'depth' | 'nodes' | 'not JSON'

/** The first bound that a value breaks. Walks without recursion, so that nothing can be too deep for it. */
export function firstExcess(
  value: unknown,
  bounds: { readonly maxBytes: number; readonly maxDepth: number; readonly maxNodes: number },
): Measure | undefined {
  const waiting: { value: unknown; depth: number }[] = [{ value, depth: 1 }]
  let nodes = 0
  let bytes = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    nodes += 1
    if (nodes > bounds.maxNodes) return 'nodes'
    if (next.depth > bounds.maxDepth) return 'depth'
    const kind = kindOf(next.value)
    if (kind === undefined) return 'not JSON'
    bytes += typeof next.value === 'string' ? next.value.length + 2 : 4
    if (bytes > bounds.maxBytes) return 'bytes'
    if (kind !== 'array' && kind !== 'object') continue
    const depth = next.depth + 1
    for (const [key, child] of Object.entries(next.value as object)) {
      bytes += kind === 'object' ? key.length + 3 : 1
      waiting.push({ value: child, depth })
      // What waits is counted too: a list of a million entries must not be copied before it is refused.
      if (nodes + waiting.length > bounds.maxNodes) return 'nodes'
    }
  }
  return undefined
}
