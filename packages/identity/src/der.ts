/**
 * DER encoding of the few ASN.1 shapes that a certificate is made of (X.690 §8–10).
 *
 * Writes only, never reads. Node issues no certificates itself, and a library for it costs 20 MB of memory and a patched
 * `Reflect` in a process that should stay under 96 MB; the result is read back by OpenSSL and by Go in the tests.
 */
const universal = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utc: 0x17,
  time: 0x18,
} as const
const constructed = { sequence: 0x30, set: 0x31 } as const

/** One tag-length-value. */
export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body])
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => tlv(constructed.sequence, ...items)
export const set = (...items: readonly Uint8Array[]): Buffer => tlv(constructed.set, ...items)
export const boolean = (value: boolean): Buffer => tlv(universal.boolean, Buffer.from([value ? 0xff : 0]))
export const octetString = (content: Uint8Array): Buffer => tlv(universal.octetString, content)
export const utf8String = (text: string): Buffer => tlv(universal.utf8, Buffer.from(text))

/** Context-specific tag around another value (`[n] EXPLICIT`). */
export const explicit = (number: number, content: Uint8Array): Buffer => tlv(0xa0 | number, content)

/** Context-specific tag in place of a primitive's own (`[n] IMPLICIT`). */
export const implicit = (number: number, content: Uint8Array): Buffer => tlv(0x80 | number, content)

/** A non-negative integer, big-endian, in the fewest bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const magnitude = bytes.subarray(start)
  const isHigh = (magnitude[0] ?? 0) >= 0x80
  return tlv(universal.integer, Buffer.from(isHigh ? [0] : []), magnitude)
}

/** A bit string of whole bytes, of whose last byte `unused` bits do not count. */
export function bitString(content: Uint8Array, unused = 0): Buffer {
  return tlv(universal.bitString, Buffer.from([unused]), content)
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(universal.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** A time with whole seconds: two-digit years until 2049, as RFC 5280 §4.1.2.5 demands. */
export function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/[-:T]|\.\d+/g, '')
  return Number(digits.slice(0, 4)) < 2050 ? tlv(universal.utc, Buffer.from(digits.slice(2))) : tlv(universal.time, Buffer.from(digits))
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

function base128(value: number): readonly number[] {
  const groups = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift(0x80 | (rest % 128))
  return groups
}
