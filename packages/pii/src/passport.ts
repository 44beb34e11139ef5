/**
 * Passports: the lines that machines read, by their check digits (ICAO 9303), and numbers beside a word for passport.
 *
 * Numbers of passports have no check of their own and look like any other; without such a word they are not found.
 */
import { capital, digit, kindOf, lower, upper } from './letters.ts'
import { type Candidate, closes, distance, opens, type Scan } from './scan.ts'
import { says } from './vocabulary.ts'

const filler = 0x3c
const lineLength = 44

const isZoneUnit = (code: number): boolean => (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || code === filler
const zoneValue = (code: number): number => (code === filler ? 0 : code >= 0x41 ? code - 0x37 : code - 0x30)
const weights = [7, 3, 1]

function checks(codes: Uint16Array, from: number, size: number): boolean {
  let sum = 0
  for (let at = 0; at < size; at += 1) sum += zoneValue(codes[from + at] ?? 0) * (weights[at % 3] ?? 0)
  return (codes[from + size] ?? 0) - 0x30 === sum % 10
}

/** The second line of a passport's zone that begins with token `at`, with the first line when it stands before. */
export function zoneAt(scan: Scan, at: number): Candidate | undefined {
  const { codes, length } = scan.reading
  const start = scan.tokens.starts[at] ?? 0
  const end = start + lineLength
  if (end > length || kindOf(codes[start + 9] ?? 0) !== digit || kindOf(codes[start + 19] ?? 0) !== digit) return undefined
  if (kindOf(codes[start + 27] ?? 0) !== digit || !checks(codes, start + 13, 6) || !checks(codes, start + 21, 6)) return undefined
  for (let unit = start; unit < end; unit += 1) if (!isZoneUnit(codes[unit] ?? 0)) return undefined
  if (!checks(codes, start, 9) || (start > 0 && isZoneUnit(codes[start - 1] ?? 0))) return undefined
  return { entity: 'Passport', start: firstLine(codes, start), end, score: 0.99 }
}

/** Where the first line begins when it stands right before this one; otherwise where this one does. */
function firstLine(codes: Uint16Array, second: number): number {
  let end = second
  while (end > 0 && second - end < 4 && (codes[end - 1] ?? 0) <= 0x20) end -= 1
  const first = end - lineLength
  if (first < 0 || end === second || codes[first] !== 0x50) return second
  for (let unit = first; unit < end; unit += 1) if (!isZoneUnit(codes[unit] ?? 0)) return second
  return first
}

/** A number near a word for passport, before or after it, that begins with token `at`. */
export function passportAt(scan: Scan, at: number): Candidate | undefined {
  const { tokens } = scan
  const start = tokens.starts[at] ?? 0
  const before = distance(scan, says.passport, start)
  const isBefore = before <= 48 && before <= distance(scan, says.thing, start) && before < distance(scan, says.phone, start)
  if (!isBefore && tokens.kinds[at] === digit) return undefined
  const end = endOfNumber(scan, at)
  if (end === 0 || !opens(scan, start) || !closes(scan, end)) return undefined
  if (isBefore) return { entity: 'Passport', start, end, score: 0.85 }
  return (tokens.kinds[at] ?? 0) !== digit && followed(scan, at) ? { entity: 'Passport', start, end, score: 0.8 } : undefined
}

/** Unit after the number: six to ten letters and digits, or a series and a number; 0 when it is none. */
function endOfNumber(scan: Scan, at: number): number {
  const { tokens, reading } = scan
  const start = tokens.starts[at] ?? 0
  const end = tokens.ends[at] ?? 0
  const kinds = tokens.kinds[at] ?? 0
  const size = end - start
  if ((kinds & digit) === 0) {
    // A series of two letters and the number after a space: AB 1234567
    const isSeries = size <= 2 && (kinds & upper) !== 0 && (kinds & lower) === 0 && capital(reading.codes[start] ?? 0) !== 0
    return isSeries && isAfterGap(scan, at) && tokens.kinds[at + 1] === digit && between(sizeOf(scan, at + 1), 6, 8)
      ? (tokens.ends[at + 1] ?? 0)
      : 0
  }
  const digits = countDigits(reading.codes, start, end)
  if (kinds === digit) {
    // Russian series: 4509 123456, 45 09 123456, 71 1234567
    const next = sizeOf(scan, at + 1)
    if (isAfterGap(scan, at) && tokens.kinds[at + 1] === digit) {
      if ((size === 4 && next === 6) || (size === 2 && next === 7) || (size === 3 && next === 6)) return tokens.ends[at + 1] ?? 0
      if (size === 2 && next === 2 && isAfterGap(scan, at + 1) && sizeOf(scan, at + 2) === 6) return tokens.ends[at + 2] ?? 0
    }
    return between(size, 7, 10) && !isDay(reading.codes, start, size) ? end : 0
  }
  return between(size, 7, 10) && digits >= (size >= 9 ? 3 : 5) && (kinds & (upper | lower)) !== (upper | lower) ? end : 0
}

const between = (value: number, low: number, high: number): boolean => value >= low && value <= high
const sizeOf = ({ tokens }: Scan, at: number): number => (at < tokens.count ? (tokens.ends[at] ?? 0) - (tokens.starts[at] ?? 0) : 0)

function isAfterGap({ tokens, reading: { codes } }: Scan, at: number): boolean {
  const end = tokens.ends[at] ?? 0
  return at + 1 < tokens.count && tokens.starts[at + 1] === end + 1 && (codes[end] === 0x20 || codes[end] === 0x2d)
}

function countDigits(codes: Uint16Array, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at += 1) if (kindOf(codes[at] ?? 0) === digit) count += 1
  return count
}

/** 20310412 beside "expires" is a day. */
function isDay(codes: Uint16Array, start: number, size: number): boolean {
  if (size !== 8) return false
  const text = String.fromCharCode(...codes.subarray(start, start + 8))
  return /^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d)$/.test(text)
}

/** Whether a word for passport comes within the next words. */
function followed({ tokens, reading: { codes } }: Scan, at: number): boolean {
  const from = tokens.ends[at] ?? 0
  for (let next = at + 1; next < tokens.count && next <= at + 6; next += 1) {
    const start = tokens.starts[next] ?? 0
    if (start - from > 32 || codes[start - 1] === 0x0a) return false
    if (((tokens.meanings[next] ?? 0) & says.passport) !== 0) return true
    if ((tokens.meanings[next] ?? 0) & says.thing) return false
  }
  return false
}
