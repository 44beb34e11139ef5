/** The word that somebody most likely meant, by edit distance (Damerau-Levenshtein, restricted). Bounded in words and length. */

const maxCandidates = 1000
const maxLength = 64

/** The nearest candidate, or undefined when none is near enough to be meant. */
export function nearestOf(word: string, candidates: Iterable<string>): string | undefined {
  const plain = fold(word)
  let best: { candidate: string; distance: number } | undefined
  let looked = 0
  for (const candidate of candidates) {
    looked += 1
    if (looked > maxCandidates) break
    const other = fold(candidate)
    const shorter = Math.min(plain.length, other.length)
    const limit = shorter < 4 ? 1 : Math.max(2, Math.floor(shorter / 3))
    const distance = editDistance(plain, other, limit)
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

/** `max_tokens`, `max-tokens` and `MaxTokens` are all slips of no letters for `maxTokens`. */
function fold(word: string): string {
  return word.slice(0, maxLength).toLowerCase().replaceAll(/[-_ ]/g, '')
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
