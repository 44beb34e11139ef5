/**
 * Two texts as a unified diff, as `diff -u` writes it: three lines around each change.
 *
 * Myers' greedy algorithm (1986), which takes time and memory by the number of differing lines; texts that differ in more than five hundred are
 * told as one change, so that a pipeline of a thousand steps that was written anew costs no more than one that was not.
 */

interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

const around = 3
/** Differing lines beyond which no shortest way is looked for. */
const maxDifferences = 500

/** Empty when the texts are the same. @param names of the texts, for its head */
export function unifiedDiff(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  if (before === after) return ''
  const lines = linesOf(linesIn(before), linesIn(after))
  return [`--- ${names.before}`, `+++ ${names.after}`, ...hunks(lines)].map((line) => `${line}\n`).join('')
}

function linesIn(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** Every line of both texts, those that they share once. */
function linesOf(a: readonly string[], b: readonly string[]): readonly Line[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1
  const shared = (text: string): Line => ({ sign: ' ', text })
  return [
    ...a.slice(0, start).map(shared),
    ...shortest(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(shared),
  ]
}

/** The fewest lines taken out and put in. */
function shortest(a: readonly string[], b: readonly string[]): readonly Line[] {
  const furthest = furthestByDifferences(a, b)
  if (furthest === undefined) return [...a.map((text): Line => ({ sign: '-', text })), ...b.map((text): Line => ({ sign: '+', text }))]
  const lines: Line[] = []
  let [x, y] = [a.length, b.length]
  for (let d = furthest.length - 1; d >= 0; d -= 1) {
    const reached = furthest[d] ?? new Map<number, number>()
    const diagonal = x - y
    const isDown = comesDown(reached, diagonal, d)
    const fromDiagonal = isDown ? diagonal + 1 : diagonal - 1
    const fromX = d === 0 ? 0 : (reached.get(fromDiagonal) ?? 0)
    const fromY = d === 0 ? 0 : fromX - fromDiagonal
    const [stepX, stepY] = d === 0 ? [0, 0] : isDown ? [fromX, fromY + 1] : [fromX + 1, fromY]
    for (; x > stepX && y > stepY; x -= 1, y -= 1) lines.push({ sign: ' ', text: a[x - 1] ?? '' })
    if (d > 0) lines.push(isDown ? { sign: '+', text: b[fromY] ?? '' } : { sign: '-', text: a[fromX] ?? '' })
    ;[x, y] = [fromX, fromY]
  }
  return lines.reverse()
}

/** For each number of differences, how far the diagonals had been reached before it; undefined when there are too many. */
function furthestByDifferences(a: readonly string[], b: readonly string[]): readonly ReadonlyMap<number, number>[] | undefined {
  const trace: ReadonlyMap<number, number>[] = []
  let reached: ReadonlyMap<number, number> = new Map()
  for (let d = 0; d <= maxDifferences; d += 1) {
    trace.push(reached)
    const next = new Map<number, number>()
    for (let diagonal = -d; diagonal <= d; diagonal += 2) {
      let x = d === 0 ? 0 : comesDown(reached, diagonal, d) ? (reached.get(diagonal + 1) ?? 0) : (reached.get(diagonal - 1) ?? 0) + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1
      if (x >= a.length && x - diagonal >= b.length) return trace
      next.set(diagonal, x)
    }
    reached = next
  }
  return undefined
}

function comesDown(reached: ReadonlyMap<number, number>, diagonal: number, d: number): boolean {
  return diagonal === -d || (diagonal !== d && (reached.get(diagonal - 1) ?? 0) < (reached.get(diagonal + 1) ?? 0))
}

function hunks(lines: readonly Line[]): readonly string[] {
  const changed = lines.flatMap(({ sign }, at) => (sign === ' ' ? [] : [at]))
  const parts: { from: number; to: number }[] = []
  for (const at of changed) {
    const last = parts.at(-1)
    if (last !== undefined && at - around <= last.to) last.to = at + around + 1
    else parts.push({ from: Math.max(0, at - around), to: at + around + 1 })
  }
  let [seen, older, newer] = [0, 0, 0]
  return parts.flatMap(({ from, to }) => {
    for (const { sign } of lines.slice(seen, from)) {
      older += sign === '+' ? 0 : 1
      newer += sign === '-' ? 0 : 1
    }
    const part = lines.slice(from, to)
    const counts = { older: part.filter(({ sign }) => sign !== '+').length, newer: part.filter(({ sign }) => sign !== '-').length }
    const head = `@@ -${rangeOf(older, counts.older)} +${rangeOf(newer, counts.newer)} @@`
    seen = from + part.length
    older += counts.older
    newer += counts.newer
    return [head, ...part.map(({ sign, text }) => `${sign}${text}`)]
  })
}

/** Lines count from 1; an empty range stands behind the line before. */
function rangeOf(start: number, count: number): string {
  if (count === 1) return String(start + 1)
  return `${count === 0 ? start : start + 1},${count}`
}
