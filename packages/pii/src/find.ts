/**
 * Finds personal data in any text in one pass and linear time: each finder looks at a bounded number of units around a token, and
 * no step goes back over what another has read.
 *
 * Of finds that overlap the surer one is kept. What is found never leaves this package: a match says where, not what.
 */

import { addressBeforePostcode, addressFromName, addressFromNumber, addressFromStreet, boxAt } from './address.ts'
import { denseAddressAt } from './address-dense.ts'
import { cardAt } from './card.ts'
import { emailsIn } from './email.ts'
import type { PiiEntity, PiiMatch } from './entities.ts'
import { ibanAt } from './iban.ts'
import { ipv4At, ipv6At } from './ip.ts'
import { dense, digit, lower, upper } from './letters.ts'
import { emptyRun, readRun } from './number-run.ts'
import { passportAt, zoneAt } from './passport.ts'
import { phoneAt } from './phone.ts'
import { type Reading, read } from './reading.ts'
import { type Candidate, hear, type Scan, silence } from './scan.ts'
import { ssnAt } from './ssn.ts'
import { capitalised, tokensOf } from './tokens.ts'
import { says } from './vocabulary.ts'

const colon = 0x3a

/**
 * Finds personal data.
 * @param entities kinds to report; all of them by default
 * @returns matches in order, none overlapping another; offsets are UTF-16 units of `text`
 */
export function findPii(text: string, entities?: readonly PiiEntity[]): PiiMatch[] {
  const reading = read(text)
  const wanted = entities === undefined ? undefined : new Set(entities)
  return candidatesIn(reading)
    .filter(({ entity }) => wanted === undefined || wanted.has(entity))
    .map(({ entity, start, end, score }) => ({ entity, start: reading.startOf(start), end: reading.endOf(end), score }))
}

/** What is kept of all finds, in units of what was read. */
export function candidatesIn(reading: Reading): readonly Candidate[] {
  const scan: Scan = { reading, tokens: tokensOf(reading), found: [], said: silence(), taken: 0, addressed: 0 }
  if (scan.tokens.count === 0) return []
  emailsIn(scan)
  scanTokens(scan)
  return resolved(scan.found)
}

function scanTokens(scan: Scan): void {
  const { tokens, reading } = scan
  const { codes } = reading
  const run = emptyRun()
  for (let at = 0; at < tokens.count; at += 1) {
    const start = tokens.starts[at] ?? 0
    const end = tokens.ends[at] ?? 0
    const kinds = tokens.kinds[at] ?? 0
    if (start >= scan.taken) {
      // A colon begins an address of version 6 once in a run of them.
      if (codes[end] === colon && end - start <= 4 && (start === 0 || codes[start - 1] !== colon)) keep(scan, ipv6At(scan, end))
      else if (start > 1 && codes[start - 1] === colon && codes[start - 2] === colon && (start === 2 || !isWordOrColon(codes, start - 3)))
        keep(scan, ipv6At(scan, start - 2))
      if (kinds === digit) {
        keep(scan, ipv4At(scan, at))
        if (start >= scan.taken) scanNumber(scan, at, run)
      }
      if ((kinds & (upper | lower)) !== 0 && mayBeIban(kinds, end - start)) keep(scan, ibanAt(scan, at))
      if (start >= scan.taken && (kinds & (digit | capitalised)) !== 0) {
        if ((kinds & lower) === 0 && end - start >= 6) keep(scan, zoneAt(scan, at))
        if (start >= scan.taken && mayBePassport(kinds, end - start)) keep(scan, passportAt(scan, at))
      }
    }
    scanAddress(scan, at)
    hear(scan, tokens.meanings[at] ?? 0, end)
  }
}

/** What stands beside a number says which of the forms may be there. */
function addressAtNumber(scan: Scan, at: number): Candidate | undefined {
  const { kinds, ends } = scan.tokens
  const before = at > 0 ? (kinds[at - 1] ?? 0) : 0
  const after = kinds[at + 1] ?? 0
  const mayBegin = (after & (upper | lower)) !== 0 || scan.reading.codes[ends[at] ?? 0] === 0x2d
  return (
    (mayBegin ? addressFromNumber(scan, at) : undefined) ??
    ((before & capitalised) !== 0 ? addressBeforePostcode(scan, at) : undefined) ??
    ((before & dense) !== 0 ? denseAddressAt(scan, at) : undefined)
  )
}

/** Addresses overlap numbers of other kinds, so they are looked for whatever else was found. */
function scanAddress(scan: Scan, at: number): void {
  const { tokens } = scan
  if ((tokens.starts[at] ?? 0) < scan.addressed) return
  const kinds = tokens.kinds[at] ?? 0
  const said = tokens.meanings[at] ?? 0
  let candidate: Candidate | undefined
  if ((kinds & digit) !== 0) candidate = addressAtNumber(scan, at)
  else if ((said & says.box) !== 0) candidate = boxAt(scan, at)
  else if ((said & (says.streetBefore | says.streetWithin | says.perhapsStreet)) !== 0)
    candidate =
      ((said & (says.streetWithin | says.perhapsStreet)) !== 0 ? addressFromName(scan, at) : undefined) ??
      ((said & says.streetBefore) !== 0 ? addressFromStreet(scan, at) : undefined)
  if (candidate === undefined) return
  scan.found.push(candidate)
  scan.addressed = candidate.end
}

/** Country and check digits in one token, or the country alone with the check digits after a space. */
const mayBeIban = (kinds: number, size: number): boolean => ((kinds & digit) === 0 ? size === 2 : size >= 4)
const mayBePassport = (kinds: number, size: number): boolean => size <= 10 && ((kinds & digit) !== 0 || size <= 2)
const isWordOrColon = (codes: Uint16Array, at: number): boolean => codes[at] === colon

function scanNumber(scan: Scan, at: number, run: ReturnType<typeof emptyRun>): void {
  const { starts, ends, kinds } = scan.tokens
  // A list of single digits is none of them.
  const isSingle = (place: number): boolean => (ends[place] ?? 0) - (starts[place] ?? 0) === 1
  if (isSingle(at) && kinds[at + 1] === digit && isSingle(at + 1)) return
  readRun(scan, at, run)
  if (run.count === 0) return
  const candidate = cardAt(scan, run) ?? ssnAt(scan, run)
  if (candidate !== undefined) {
    keep(scan, candidate)
    return
  }
  keep(scan, phoneAt(scan, run))
}

const meaningOf: Readonly<Partial<Record<PiiEntity, number>>> = {
  Phone: says.phone,
  SSN: says.ssn,
  Card: says.card,
  Passport: says.passport,
  IP: says.ip,
  IBAN: says.iban,
}

function keep(scan: Scan, candidate: Candidate | undefined): void {
  if (candidate === undefined) return
  scan.found.push(candidate)
  const { entity, end, score } = candidate
  if (score >= 0.9 && end > scan.taken) scan.taken = end
  // In a list the first is introduced by a word, and introduces the next.
  hear(scan, meaningOf[entity] ?? 0, end)
}

/** Of candidates that overlap the surest is kept, of equals the longest; in order of the text. */
function resolved(found: readonly Candidate[]): readonly Candidate[] {
  const ordered = [...found].sort((a, b) => a.start - b.start || b.score - a.score || b.end - a.end)
  const kept: Candidate[] = []
  for (const candidate of ordered) {
    const last = kept.at(-1)
    if (last === undefined || candidate.start >= last.end) kept.push(candidate)
    else if (candidate.score > last.score || (candidate.score === last.score && candidate.end - candidate.start > last.end - last.start)) {
      kept.pop()
      const before = kept.at(-1)
      if (before === undefined || candidate.start >= before.end) kept.push(candidate)
      else kept.push(last)
    }
  }
  return kept
}
