/**
 * Telephone numbers: international (E.164, `00`, `011`), and as people write them at home.
 *
 * With a plus sign the plan of the country decides. Without one the grouping must be of a country's own kind (North America;
 * a trunk zero with an area code; French pairs; Russian 8; Brazilian and other brackets), or a word nearby must say that it is a
 * telephone number. Dates, decimals, amounts and numbers of orders are not.
 */
import { isUniform, lengthOf, type NumberRun } from './number-run.ts'
import { callingCodeLength } from './phone-plans.ts'
import { type Candidate, closes, distance, isOfThing, opens, type Scan, saidWithin } from './scan.ts'
import { says } from './vocabulary.ts'

const plus = 0x2b
const open = 0x28
const close = 0x29
const digits = new Uint8Array(24)

/** The number at the beginning of a run. */
export function phoneAt(scan: Scan, run: NumberRun): Candidate | undefined {
  const { codes } = scan.reading
  const first = run.starts[0] ?? 0
  const before = first > 0 ? codes[first - 1] : 0
  const further = first > 1 ? codes[first - 2] : 0
  if (before === plus || (before === open && further === plus)) return international(scan, run, before === plus ? first - 1 : first - 2, 0)
  if (before === 0x20 && further === plus && lengthOf(run, 0) <= 3) return international(scan, run, first - 2, 0)
  if (run.digits < 7) return undefined
  // The middle of a longer row of groups, unless what stands before was a number by itself.
  const isInside = before === 0x20 && (further ?? 0) >= 0x30 && (further ?? 0) <= 0x39
  if (isInside && !saidWithin(scan, says.phone, first, 2)) return undefined
  const start = before === open && closingFollows(codes, run) ? first - 1 : first
  if (!opens(scan, start) || before === plus) return undefined
  fill(scan, run, run.count)
  const exit = exitLength(run)
  if (exit > 0) {
    const abroad = international(scan, run, start, exit)
    if (abroad !== undefined && (run.count > 1 || saidWithin(scan, says.phone, start, 40))) return abroad
  }
  return national(scan, run, start)
}

/** 00 of most countries, 011 of North America. */
function exitLength(run: NumberRun): number {
  if (digits[0] !== 0) return 0
  if (digits[1] === 0 && digits[2] !== 0) return 2
  return digits[1] === 1 && digits[2] === 1 && (lengthOf(run, 0) === 3 || lengthOf(run, 0) > 11) ? 3 : 0
}

/** A number with a calling code after a plus or an exit code, as long as groups go on and the plan allows. */
function international(scan: Scan, run: NumberRun, start: number, skip: number): Candidate | undefined {
  const { codes } = scan.reading
  if (start > 0 && skip === 0 && isPartOfSum(codes, start)) return undefined
  for (let groups = Math.min(run.count, 7); groups > 0; groups -= 1) {
    const count = fill(scan, run, groups) - skip
    if (count < 7 || count > 16) continue
    const end = run.ends[groups - 1] ?? 0
    if (!closes(scan, end)) continue
    for (let at = 0; at < count; at += 1) digits[at] = digits[at + skip] ?? 0
    if (callingCodeLength(digits, count) === 0) continue
    // The rest of the run would be one more group of the same number: something else than a telephone number.
    if (groups < run.count && run.gaps[groups] !== 0x20 && run.gaps[groups] !== 0x2f) continue
    return { entity: 'Phone', start, end, score: 0.96 }
  }
  return undefined
}

/** 3+4, C++20 and a+1 are no telephone numbers. */
function isPartOfSum(codes: Uint16Array, start: number): boolean {
  const before = codes[start - 1] ?? 0
  return (
    before === plus ||
    (before >= 0x30 && before <= 0x39) ||
    before === 0x29 ||
    (before >= 0x41 && before <= 0x5a && start > 1 && codes[start - 2] === plus)
  )
}

function fill({ reading: { codes } }: Scan, run: NumberRun, groups: number): number {
  let count = 0
  for (let group = 0; group < groups; group += 1)
    for (let at = run.starts[group] ?? 0; at < (run.ends[group] ?? 0); at += 1) {
      digits[count] = (codes[at] ?? 0) - 0x30
      count += 1
    }
  return count
}

function closingFollows(codes: Uint16Array, run: NumberRun): boolean {
  return codes[run.ends[0] ?? 0] === close
}

/** National forms: the longest row of groups that a form or a word nearby explains. */
function national(scan: Scan, run: NumberRun, start: number): Candidate | undefined {
  const near = saidWithin(scan, says.phone, start, 40) && distance(scan, says.phone, start) < distance(scan, says.passport, start)
  const isNamed = near && !isOfThing(scan, says.phone, start, 40)
  if (!isNamed && isOfThing(scan, says.phone, start, 26)) return undefined
  for (let groups = Math.min(run.count, 6); groups > 0; groups -= 1) {
    const end = run.ends[groups - 1] ?? 0
    if (!closes(scan, end) || (groups < run.count && run.gaps[groups] !== 0x20 && run.gaps[groups] !== 0x2f)) continue
    const count = fill(scan, run, groups)
    if (count < 7 || count > 13 || isDate(run, groups)) continue
    const isBracketed = start < (run.starts[0] ?? 0)
    if (hasForm(run, groups, count, isBracketed)) return { entity: 'Phone', start, end, score: isNamed ? 0.9 : 0.75 }
    if (isNamed && isPlausible(run, groups, count)) return { entity: 'Phone', start, end, score: 0.72 }
  }
  return undefined
}

const lengthsAre = (run: NumberRun, groups: number, ...wanted: readonly number[]): boolean =>
  groups === wanted.length && wanted.every((length, group) => lengthOf(run, group) === length)

/** Whether the grouping alone says that it is a telephone number. */
function hasForm(run: NumberRun, groups: number, count: number, isBracketed: boolean): boolean {
  const d0 = digits[0] ?? 0
  const first = lengthOf(run, 0)
  if (groups === 1) return false
  if (lengthsAre(run, groups, 3, 3, 4) && d0 >= 2 && (digits[3] ?? 0) >= 2) return true
  if (lengthsAre(run, groups, 1, 3, 3, 4) && d0 === 1 && (digits[1] ?? 0) >= 2 && (digits[4] ?? 0) >= 2) return true
  // Russia and its neighbours: 8 495 123-45-67
  if (d0 === 8 && first === 1 && count === 11 && groups >= 3) return true
  if (isBracketed) return count >= 8 && count <= 12 && first <= 5 && (first >= 2 || d0 === 0)
  if (d0 === 0 && digits[1] !== 0) {
    if (count < 9 || count > 12 || first < 2 || first > 6) return false
    for (let group = 1; group < groups; group += 1) if (lengthOf(run, group) < 2 || lengthOf(run, group) > 8) return false
    return (
      run.gaps[1] === 0x20 ||
      run.gaps[1] === 0x2d ||
      run.gaps[1] === 0x2f ||
      run.gaps[1] === close ||
      (run.gaps[1] === 0x2e && isUniform(run, 1, groups))
    )
  }
  // China: 138 0013 8000; India: 98765 43210; Spain: 612 34 56 78
  if (lengthsAre(run, groups, 3, 4, 4) && d0 === 1 && (digits[1] ?? 0) >= 3 && isUniform(run, 1, 3)) return true
  if (lengthsAre(run, groups, 5, 5) && d0 >= 6) return true
  return lengthsAre(run, groups, 3, 2, 2, 2) && (d0 === 6 || d0 === 7 || d0 === 9) && isUniform(run, 1, 4)
}

/** Whether it may be a telephone number when a word says so. */
function isPlausible(run: NumberRun, groups: number, count: number): boolean {
  if (groups > 1 && run.gaps[1] === 0x2e && !isUniform(run, 1, groups)) return false
  if (groups === 2 && run.gaps[1] === 0x2e) return lengthOf(run, 0) === 3 && lengthOf(run, 1) === 4
  if (groups === 2 && lengthOf(run, 0) === 4 && lengthOf(run, 1) === 4 && isYear(0) && isYear(4)) return false
  return count >= 7 && count <= 13
}

const isYear = (from: number): boolean => {
  const century = (digits[from] ?? 0) * 10 + (digits[from + 1] ?? 0)
  return century === 19 || century === 20
}

const number = (from: number, size: number): number => {
  let value = 0
  for (let at = from; at < from + size; at += 1) value = value * 10 + (digits[at] ?? 0)
  return value
}

/** Days and times of any order: 2024-01-31, 31.01.2024, 2024-01-31 10. */
function isDate(run: NumberRun, groups: number): boolean {
  if (groups < 3) return groups === 1 && run.digits === 8 && isYear(0) && number(4, 2) <= 12 && number(6, 2) <= 31
  const [a, b, c] = [lengthOf(run, 0), lengthOf(run, 1), lengthOf(run, 2)]
  if (a === 4 && b <= 2 && c <= 2) return isYear(0) && number(4, b) <= 12 && number(4 + b, c) <= 31
  if (a <= 2 && b <= 2 && c === 4) return number(0, a) <= 31 && number(a, b) <= 31 && isYear(a + b)
  return false
}
