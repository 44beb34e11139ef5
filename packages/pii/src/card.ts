/** Payment cards: the issuers' ranges and lengths, the groups they are printed in, the check digit of ISO/IEC 7812 (Luhn). */
import { isUniform, lengthOf, type NumberRun } from './number-run.ts'
import { type Candidate, closes, isOfThing, opens, type Scan, saidWithin } from './scan.ts'
import { says } from './vocabulary.ts'

const digits = new Uint8Array(24)

/** The card number at the beginning of a run. */
export function cardAt(scan: Scan, run: NumberRun): Candidate | undefined {
  if (run.digits < 13) return undefined
  const groups = groupsOfCard(run)
  if (groups === 0) return undefined
  // Three more digits belong to a number of nineteen when all of them pass the check, and are a security code otherwise.
  const longer = groups === 4 && lengthOf(run, 4) === 3 ? candidateOf(scan, run, 5) : undefined
  return longer ?? candidateOf(scan, run, groups)
}

function candidateOf(scan: Scan, run: NumberRun, groups: number): Candidate | undefined {
  const start = run.starts[0] ?? 0
  const end = run.ends[groups - 1] ?? 0
  if (!opens(scan, start) || !closesCard(scan, run, groups)) return undefined
  const length = digitsOf(scan, run, groups)
  if (!isIssued(length) || !passesLuhn(length)) return undefined
  const isNamed = saidWithin(scan, says.card, start, 60)
  if (!isNamed && isOfThing(scan, says.card, start, 30)) return undefined
  return { entity: 'Card', start, end, score: groups > 1 || isNamed ? 0.99 : 0.9 }
}

/** How many groups make the card number: one block, 4-4-4-4, 4-6-5, 4-6-4, 4-4-4-4-3, 4-4-4-1; 0 when none does. */
function groupsOfCard(run: NumberRun): number {
  const first = lengthOf(run, 0)
  if (first >= 13) return first <= 19 ? 1 : 0
  const gap = run.gaps[1]
  if (gap !== 0x20 && gap !== 0x2d && gap !== 0x2e) return 0
  if (first === 8 && lengthOf(run, 1) === 8) return 2
  if (first === 6 && lengthOf(run, 1) === 10) return 2
  if (first !== 4) return 0
  const second = lengthOf(run, 1)
  const third = lengthOf(run, 2)
  if (second === 6 && (third === 5 || third === 4)) return isUniform(run, 1, 3) ? 3 : 0
  if (second !== 4 || third !== 4) return 0
  const fourth = lengthOf(run, 3)
  if (fourth !== 4) return fourth === 1 && isUniform(run, 1, 4) ? 4 : 0
  if (!isUniform(run, 1, 4)) return 0
  return 4
}

function closesCard(scan: Scan, run: NumberRun, groups: number): boolean {
  if (!closes(scan, run.ends[groups - 1] ?? 0)) return false
  // A security code or a date may follow after a space; one more group of four makes it something else.
  return lengthOf(run, groups) !== 4 || groups < 4
}

function digitsOf({ reading: { codes } }: Scan, run: NumberRun, groups: number): number {
  let length = 0
  for (let group = 0; group < groups; group += 1)
    for (let at = run.starts[group] ?? 0; at < (run.ends[group] ?? 0); at += 1) {
      digits[length] = (codes[at] ?? 0) - 0x30
      length += 1
    }
  return length
}

const prefix = (size: number): number => {
  let value = 0
  for (let at = 0; at < size; at += 1) value = value * 10 + (digits[at] ?? 0)
  return value
}

const between = (value: number, low: number, high: number): boolean => value >= low && value <= high

/** Ranges of the networks: Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro, Mir, RuPay, Elo, UATP. */
function isIssued(length: number): boolean {
  const two = prefix(2)
  const four = prefix(4)
  const first = digits[0] ?? 0
  if (first === 4) return length === 13 || length === 16 || length === 19
  if (two === 34 || two === 37) return length === 15
  if (between(two, 51, 55) || between(four, 2221, 2720)) return length === 16
  if (between(four, 2200, 2204)) return between(length, 16, 19)
  if (between(four, 3528, 3589)) return between(length, 16, 19)
  if (between(four, 3000, 3059) || four === 3095 || two === 36 || two === 38 || two === 39) return between(length, 14, 19)
  if (four === 6011 || between(prefix(3), 644, 649) || two === 65 || two === 60) return between(length, 16, 19)
  if (two === 62 || two === 81 || two === 82) return between(length, 16, 19)
  if (two === 50 || between(two, 56, 59) || between(two, 61, 69)) return between(length, 13, 19)
  return false
}

function passesLuhn(length: number): boolean {
  let sum = 0
  let isMixed = false
  for (let at = 0; at < length; at += 1) {
    const value = digits[length - 1 - at] ?? 0
    const counted = at % 2 === 1 ? value * 2 : value
    sum += counted > 9 ? counted - 9 : counted
    isMixed ||= value !== digits[0]
  }
  return isMixed && sum % 10 === 0
}
