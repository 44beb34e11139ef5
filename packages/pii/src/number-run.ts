/** Groups of digits that stand side by side: what cards, telephone and social security numbers are written as. */
import { digit } from './letters.ts'
import type { Scan } from './scan.ts'

/** A run of groups; one object is used again for each run, so nothing of it may be kept. */
export interface NumberRun {
  count: number
  /** Units at which groups begin and after which they end. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** What stands before each group: 0 before the first, otherwise its first unit, or a bracket when there is one. */
  readonly gaps: Int32Array
  digits: number
}

const maxGroups = 8
const maxDigits = 21

/** A run to read into. */
export const emptyRun = (): NumberRun => ({
  count: 0,
  starts: new Int32Array(maxGroups),
  ends: new Int32Array(maxGroups),
  gaps: new Int32Array(maxGroups),
  digits: 0,
})

/** Reads the run that begins with token `first`: at most eight groups and 21 digits. */
export function readRun({ tokens, reading: { codes } }: Scan, first: number, run: NumberRun): void {
  run.count = 0
  run.digits = 0
  let gap = 0
  for (let at = first; at < tokens.count && run.count < maxGroups; at += 1) {
    const start = tokens.starts[at] ?? 0
    const end = tokens.ends[at] ?? 0
    if (tokens.kinds[at] !== digit) return
    if (at > first) {
      gap = gapBetween(codes, tokens.ends[at - 1] ?? 0, start)
      if (gap === 0) return
    }
    run.digits += end - start
    if (run.digits > maxDigits) return
    run.starts[run.count] = start
    run.ends[run.count] = end
    run.gaps[run.count] = gap
    run.count += 1
    // Groups of one digit in a row are a list, and would make long runs of short groups dear.
    if (run.count >= 3 && end - start === 1 && (run.ends[run.count - 2] ?? 0) - (run.starts[run.count - 2] ?? 0) === 1) return
  }
}

/** Space, `-`, `.`, `/`, a bracket, or one of them with a space beside it; 0 for anything else. */
function gapBetween(codes: Uint16Array, from: number, to: number): number {
  if (to - from > 3) return 0
  let gap = 0
  for (let at = from; at < to; at += 1) {
    const code = codes[at] ?? 0
    if (code !== 0x20 && code !== 0x2d && code !== 0x2e && code !== 0x2f && code !== 0x28 && code !== 0x29) return 0
    if (code === 0x2e && to - from > 1) return 0
    if (gap === 0 || gap === 0x20 || code === 0x28 || code === 0x29) gap = code
  }
  return gap
}

/** Length of one group. */
export const lengthOf = (run: NumberRun, group: number): number =>
  group < run.count ? (run.ends[group] ?? 0) - (run.starts[group] ?? 0) : 0

/** Whether groups `from` up to before `to` have the same gap before them. */
export function isUniform(run: NumberRun, from: number, to: number): boolean {
  for (let group = from + 1; group < to; group += 1) if (run.gaps[group] !== run.gaps[from]) return false
  return true
}
