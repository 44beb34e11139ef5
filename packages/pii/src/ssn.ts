/** Social security numbers of the United States: never 000, 666 or 9xx in front, never 00 or 0000 behind. */
import { isUniform, lengthOf, type NumberRun } from './number-run.ts'
import { type Candidate, closes, isOfThing, opens, type Scan, saidWithin } from './scan.ts'
import { says } from './vocabulary.ts'

/** Printed in advertisements for decades, and withdrawn: nobody's. */
const withdrawn = new Set([78_05_1120, 219_09_9999])

/** The number at the beginning of a run. Nine digits in one block need a word that says what they are. */
export function ssnAt(scan: Scan, run: NumberRun): Candidate | undefined {
  const start = run.starts[0] ?? 0
  const isNamed = saidWithin(scan, says.ssn, start, 48)
  const isGrouped = lengthOf(run, 0) === 3 && lengthOf(run, 1) === 2 && lengthOf(run, 2) === 4 && isUniform(run, 1, 3)
  if (!isGrouped && !(lengthOf(run, 0) === 9 && isNamed)) return undefined
  const gap = isGrouped ? run.gaps[1] : 0
  if (gap !== 0 && gap !== 0x2d && gap !== 0x20 && gap !== 0x2e) return undefined
  const end = run.ends[isGrouped ? 2 : 0] ?? 0
  if (!opens(scan, start) || !closes(scan, end)) return undefined
  if (isGrouped && run.count > 3 && run.gaps[3] === gap) return undefined
  if (isOfThing(scan, says.ssn, start, 30)) return undefined
  // Written with spaces or dots it may be any number of nine digits.
  if (!isNamed && gap !== 0x2d) return undefined
  const value = numberOf(scan, start, end)
  const area = Math.floor(value / 1_000_000)
  const group = Math.floor(value / 10_000) % 100
  if (area === 0 || area === 666 || area >= 900 || group === 0 || value % 10_000 === 0 || withdrawn.has(value)) return undefined
  return { entity: 'SSN', start, end, score: isNamed ? 0.97 : 0.85 }
}

function numberOf({ reading: { codes } }: Scan, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at += 1) {
    const code = codes[at] ?? 0
    if (code >= 0x30 && code <= 0x39) value = value * 10 + code - 0x30
  }
  return value
}
