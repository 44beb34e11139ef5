/**
 * Postal addresses by their structure: number and street in the order of the country, and what follows.
 *
 * `12 High Street`, `12 rue de la Paix`, `Calle Mayor 12`, `Hauptstraße 12`, `ul. Długa 5/7`, `Unter den Linden 77, 10117 Berlin`,
 * `PO Box 12`. Names of streets are capitalised; in small letters an address needs a postcode. Bounded work at each token.
 */
import { tailAfter } from './address-tail.ts'
import { dense, digit, kindOf, lower, upper } from './letters.ts'
import { type Candidate, distance, type Scan, saidWithin } from './scan.ts'
import { capitalised } from './tokens.ts'
import { says } from './vocabulary.ts'

const kindsOf = (scan: Scan, at: number): number => (at >= 0 && at < scan.tokens.count ? (scan.tokens.kinds[at] ?? 0) : 0)
const saidBy = (scan: Scan, at: number): number => (at >= 0 && at < scan.tokens.count ? (scan.tokens.meanings[at] ?? 0) : 0)
const sizeOf = ({ tokens }: Scan, at: number): number => (tokens.ends[at] ?? 0) - (tokens.starts[at] ?? 0)

/** A house number: up to five digits and perhaps a letter. */
function isHouse(scan: Scan, at: number): boolean {
  const kinds = kindsOf(scan, at)
  if ((kinds & digit) === 0 || kindOf(scan.reading.codes[scan.tokens.starts[at] ?? 0] ?? 0) !== digit) return false
  const size = sizeOf(scan, at)
  return kinds === digit ? size <= 5 : size <= 5 && kindOf(scan.reading.codes[(scan.tokens.ends[at] ?? 0) - 2] ?? 0) === digit
}

/** Units that may stand between two tokens of an address: 1 at their place, 0 elsewhere. */
type Gap = Uint8Array
const gapOf = (units: string): Gap => {
  const gap = new Uint8Array(256)
  for (const unit of units) gap[unit.charCodeAt(0)] = 1
  return gap
}
const blank = gapOf(' ')
const blankOrComma = gapOf(' ,')
const hyphen = gapOf('-')
const inName = gapOf(" .'-")
const blankOrDot = gapOf(' .')
const commaOrLine = gapOf(' ,\n')
const commaLineOrHyphen = gapOf(' ,\n-')
const slashOrHyphen = gapOf('/-')
const blankOrHyphen = gapOf(' -')
const apostrophe = gapOf("'")
const beforeNumber = gapOf(" .,'-ºn°/")

/** Whether token `at` stands right after the one before, with at most a comma, a full stop or a hyphen between. */
function follows({ tokens, reading: { codes } }: Scan, at: number, allowed: Gap): boolean {
  if (at <= 0 || at >= tokens.count) return false
  const from = tokens.ends[at - 1] ?? 0
  const to = tokens.starts[at] ?? 0
  if (to - from > 3) return false
  for (let unit = from; unit < to; unit += 1) if (allowed[codes[unit] ?? 0] !== 1) return false
  return true
}

const isName = (scan: Scan, at: number): boolean => (kindsOf(scan, at) & capitalised) !== 0 && (kindsOf(scan, at) & dense) === 0
const isOrdinal = (scan: Scan, at: number): boolean => (kindsOf(scan, at) & (digit | lower)) === (digit | lower) && sizeOf(scan, at) <= 5

/** The address that begins with the house number at token `at`. */
export function addressFromNumber(scan: Scan, at: number): Candidate | undefined {
  if (!isHouse(scan, at)) return undefined
  let street = at + 1
  // 12-14 High Street, 12 bis rue
  if (follows(scan, street, hyphen) && isHouse(scan, street)) street += 1
  if (
    follows(scan, street, blank) &&
    sizeOf(scan, street) === 1 &&
    (kindsOf(scan, street) & upper) !== 0 &&
    isName(scan, street + 1) &&
    follows(scan, street + 1, blank)
  ) {
    if ((saidBy(scan, street) & says.direction) === 0) street += 1
  } else if (follows(scan, street, blank) && sizeOf(scan, street) === 3 && (saidBy(scan, street + 1) & says.streetBefore) !== 0) street += 1
  if ((saidBy(scan, street) & says.streetBefore) !== 0 && follows(scan, street, blankOrComma)) {
    const french = nameAfter(scan, at, street)
    if (french !== undefined) return french
  }
  return nameBefore(scan, at, street)
}

/** 12 High Street: up to five words, the last a kind of street. */
function nameBefore(scan: Scan, first: number, from: number): Candidate | undefined {
  let isNamed = true
  let street = -1
  let perhaps = -1
  let last = -1
  for (let at = from; at <= from + 5 && follows(scan, at, at === from ? blank : inName); at += 1) {
    const isCapital = isName(scan, at)
    const isWord = (kindsOf(scan, at) & (upper | lower)) !== 0 && (kindsOf(scan, at) & (digit | dense)) === 0
    if (at > from && isWord && (saidBy(scan, at) & says.streetAfter) !== 0) {
      street = at
      // Park Avenue, Hill Road: the last kind in a row is the street's.
      if (!(follows(scan, at + 1, blank) && (saidBy(scan, at + 1) & says.streetAfter) !== 0)) break
      continue
    }
    if (!isWord && !isOrdinal(scan, at)) break
    if (at > from && isCapital && (saidBy(scan, at) & says.perhapsStreetAfter) !== 0) perhaps = at
    if ((saidBy(scan, at) & says.unit) !== 0 && last >= 0) break
    if (isCapital && isNamed) last = at
    if (
      !isCapital &&
      !isOrdinal(scan, at) &&
      kindsOf(scan, at) !== digit &&
      (saidBy(scan, at) & says.particle) === 0 &&
      !isPossessive(scan, at)
    )
      isNamed = false
  }
  if (street < 0) return withoutKind(scan, first, perhaps, last)
  let end = scan.tokens.ends[street] ?? 0
  let next = street + 1
  if (follows(scan, next, blankOrDot) && (saidBy(scan, next) & says.direction) !== 0 && isName(scan, next) && sizeOf(scan, next) <= 2) {
    end = scan.tokens.ends[next] ?? 0
    next += 1
  }
  const tail = tailAfter(scan, next, end)
  if (!isName(scan, street)) isNamed = false
  if (!tail.isSure && (!isNamed || isYearOf(scan, first))) return undefined
  return candidateOf(scan, first, tail.end, tail.isSure)
}

/** King's Road */
const isPossessive = (scan: Scan, at: number): boolean => sizeOf(scan, at) === 1 && follows(scan, at, apostrophe)

/** 572 Celia Pass, 12 Mantle Lake: only in words about addresses, or with a state or a postcode that nothing else looks like. */
function withoutKind(scan: Scan, first: number, perhaps: number, last: number): Candidate | undefined {
  const street = perhaps >= 0 ? perhaps : last
  if (street < 0) return undefined
  const tail = tailAfter(scan, street + 1, scan.tokens.ends[street] ?? 0)
  const isSaid = perhaps >= 0 && saidWithin(scan, says.address, scan.tokens.starts[first] ?? 0, 24)
  return tail.isFull || isSaid ? candidateOf(scan, first, tail.end, tail.isSure) : undefined
}

/** "in 2008 Wall Street" */
function isYearOf(scan: Scan, at: number): boolean {
  const start = scan.tokens.starts[at] ?? 0
  const century = (scan.reading.codes[start] ?? 0) * 100 + (scan.reading.codes[start + 1] ?? 0)
  return (
    sizeOf(scan, at) === 4 &&
    (century === 0x31 * 100 + 0x39 || century === 0x32 * 100 + 0x30) &&
    (saidBy(scan, at - 1) & says.beforeYear) !== 0
  )
}

/** 12 rue de la Paix: the name goes on as long as words are capitalised or small words of names. */
function nameAfter(scan: Scan, first: number, street: number): Candidate | undefined {
  const last = lastOfName(scan, street + 1)
  if (last === 0) return undefined
  const tail = tailAfter(scan, last + 1, scan.tokens.ends[last] ?? 0)
  return candidateOf(scan, first, tail.end, tail.isSure)
}

/** Last token of a street's name that begins at `from`; 0 when there is none. */
function lastOfName(scan: Scan, from: number): number {
  let last = 0
  for (let at = from; at < from + 6 && follows(scan, at, inName); at += 1) {
    const isSmall = (saidBy(scan, at) & says.particle) !== 0
    if (isName(scan, at) || (last > 0 && isOrdinal(scan, at))) last = at
    else if (!isSmall && !(sizeOf(scan, at) <= 2 && (kindsOf(scan, at) & digit) === 0)) break
  }
  return last
}

/** The address that begins with a kind of street at token `at`: Calle Mayor 12, ul. Długa 5/7, via Roma 12. */
export function addressFromStreet(scan: Scan, at: number): Candidate | undefined {
  const { tokens, reading } = scan
  const isStrong = isName(scan, at) || (reading.codes[tokens.starts[at] ?? 0] ?? 0) >= 0x400 || reading.codes[tokens.ends[at] ?? 0] === 0x2e
  let number = -1
  for (let next = at + 1; next <= at + 7 && follows(scan, next, beforeNumber); next += 1) {
    if (isHouse(scan, next) && (next > at + 1 || (reading.codes[tokens.starts[at] ?? 0] ?? 0) >= 0x400)) {
      // ul. 3 Maja 12: a number with a name behind it is part of the name.
      if (
        !(follows(scan, next + 1, blankOrDot) && isName(scan, next + 1) && follows(scan, next + 2, blankOrComma) && isHouse(scan, next + 2))
      ) {
        number = next
        break
      }
    }
    const isPart =
      isName(scan, next) || (saidBy(scan, next) & (says.particle | says.unit)) !== 0 || sizeOf(scan, next) <= 3 || isHouse(scan, next)
    if (!isPart) break
  }
  if (number < 0) return undefined
  // In small letters "via" is a word of English as well.
  const isSaid = sizeOf(scan, at) > 3 && saidWithin(scan, says.address, tokens.starts[at] ?? 0, 60)
  // Russian puts the kind behind the name as well: Садовая ул., 8
  const isBehind = !hasName(scan, at + 1, number)
  if (isBehind && !((reading.codes[tokens.starts[at] ?? 0] ?? 0) >= 0x400 && follows(scan, at, blank) && isName(scan, at - 1)))
    return undefined
  return fromHouse(scan, isBehind ? at - 1 : at, number, isStrong || isSaid)
}

const hasName = (scan: Scan, from: number, to: number): boolean => {
  for (let at = from; at < to; at += 1) if (isName(scan, at) && sizeOf(scan, at) > 1) return true
  return false
}

/** The address of a street whose name contains its kind, at token `at`: Hauptstraße 12, Karl-Marx-Allee 3, Berliner Str. 5. */
export function addressFromName(scan: Scan, at: number): Candidate | undefined {
  if (!isName(scan, at) || !isHouse(scan, at + 1) || !follows(scan, at + 1, blankOrDot)) return undefined
  const isStrong = (saidBy(scan, at) & says.streetWithin) !== 0
  let first = at
  while (first > 0 && at - first < 4 && follows(scan, first, hyphen) && isName(scan, first - 1)) first -= 1
  const isShort = sizeOf(scan, at) <= 7 && first === at
  if (isShort && follows(scan, at, blank) && isName(scan, at - 1)) first = at - 1
  return fromHouse(scan, first, at + 1, isStrong || saidWithin(scan, says.address, scan.tokens.starts[first] ?? 0, 40))
}

/** Any capitalised name before a house number, when a postcode and a town come after it: Unter den Linden 77, 10117 Berlin. */
export function addressBeforePostcode(scan: Scan, house: number): Candidate | undefined {
  if (!isHouse(scan, house) || !isName(scan, house - 1) || !follows(scan, house, blankOrComma) || sizeOf(scan, house) > 4) return undefined
  if ((saidBy(scan, house - 1) & (says.month | says.thing | says.version | says.unit | says.ip)) !== 0) return undefined
  let code = house + 1
  if (!follows(scan, code, commaOrLine)) return undefined
  if (follows(scan, code, blank) && isHouse(scan, code)) return undefined
  if (kindsOf(scan, code) !== digit) code += 1
  if (kindsOf(scan, code) !== digit || !follows(scan, code, commaLineOrHyphen) || sizeOf(scan, code) < 4 || sizeOf(scan, code) > 6)
    return undefined
  // Portugal: 1223-423
  if (kindsOf(scan, code + 1) === digit && sizeOf(scan, code + 1) === 3 && follows(scan, code + 1, hyphen)) code += 1
  const town = kindsOf(scan, code + 1) !== digit && sizeOf(scan, code + 1) === 2 && isName(scan, code + 2) ? code + 2 : code + 1
  if (!follows(scan, code + 1, blank) || !isName(scan, town)) return undefined
  let first = house - 1
  while (
    first > 0 &&
    house - first < 5 &&
    follows(scan, first, blankOrHyphen) &&
    (isName(scan, first - 1) || (saidBy(scan, first - 1) & says.particle) !== 0)
  )
    first -= 1
  while (first < house - 1 && !isName(scan, first)) first += 1
  return fromHouse(scan, first, house, false)
}

/** PO Box 123, Postfach 10 11 12. */
export function boxAt(scan: Scan, at: number): Candidate | undefined {
  if (kindsOf(scan, at + 1) !== digit || !follows(scan, at + 1, blankOrDot) || sizeOf(scan, at) < 3) return undefined
  let first = at
  if (sizeOf(scan, at) === 3) {
    const before = sizeOf(scan, at - 1)
    const isPo = follows(scan, at, blankOrDot) && (before === 2 || before === 1) && isName(scan, at - 1)
    if (!isPo) return undefined
    first = before === 2 ? at - 1 : at - 2
  }
  if (first < 0) return undefined
  const tail = tailAfter(scan, at + 2, scan.tokens.ends[at + 1] ?? 0)
  return candidateOf(scan, first, tail.end, tail.isSure)
}

function fromHouse(scan: Scan, first: number, house: number, isStrong: boolean): Candidate | undefined {
  let next = house + 1
  let end = scan.tokens.ends[house] ?? 0
  // 5/7, 12-14, 12 A, 12 bis
  if (follows(scan, next, slashOrHyphen) && sizeOf(scan, next) <= 4) next += 1
  else if (
    follows(scan, next, blank) &&
    sizeOf(scan, next) === 1 &&
    (kindsOf(scan, next) & (upper | lower)) !== 0 &&
    !isSmallWord(scan, next)
  )
    next += 1
  if (next > house + 1) end = scan.tokens.ends[next - 1] ?? 0
  const tail = tailAfter(scan, next, end)
  return isStrong || tail.isSure ? candidateOf(scan, first, tail.end, tail.isSure) : undefined
}

const isSmallWord = (scan: Scan, at: number): boolean => (kindsOf(scan, at) & capitalised) === 0

function candidateOf(scan: Scan, first: number, end: number, isSure: boolean): Candidate {
  const start = scan.tokens.starts[first] ?? 0
  const isSaid = distance(scan, says.address, start) < 60
  return { entity: 'PostalAddress', start, end, score: isSure ? 0.94 : isSaid ? 0.88 : 0.78 }
}
