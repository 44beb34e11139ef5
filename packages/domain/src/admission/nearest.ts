/**
 * The name somebody most likely meant: smallest edit distance, a shared beginning counting as near.
 *
 * Bounded: at most `maxCandidates` names are looked at, so the answer stays cheap in a namespace with thousands of objects.
 */
const maxCandidates = 2000

/** Returns the nearest candidate, or undefined when none is near enough to be a likely slip. Ties go to the first in order. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3))
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates.slice(0, maxCandidates)) {
    const distance = distanceOf(name, candidate, limit)
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

/** A name cut short (`smollm` for `smollm2-135m`) is one slip, however much is missing. */
function distanceOf(name: string, candidate: string, limit: number): number {
  if (name.length >= 3 && candidate.startsWith(name)) return 1
  return Math.abs(name.length - candidate.length) > limit ? Number.POSITIVE_INFINITY : editDistance(name, candidate)
}

/** Damerau-Levenshtein (optimal string alignment): insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        at(current, column - 1) + 1,
        at(last, column) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
