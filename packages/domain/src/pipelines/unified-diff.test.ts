import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unifiedDiff } from './unified-diff.ts'

const names = { before: 'a', after: 'b' }
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

/** What `patch` does: takes the lines of the hunks and, between them, those of the older text. */
function patched(before: string, diff: string): string {
  const older = before === '' ? [] : before.replace(/\n$/, '').split('\n')
  const newer: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(2, -1)) {
    const [, from, count] = /^@@ -(\d+)(?:,(\d+))? /.exec(line) ?? []
    if (from !== undefined) {
      const start = count === '0' ? Number(from) : Number(from) - 1
      while (at < start) newer.push(older[at++] ?? '')
    } else if (line.startsWith('+')) newer.push(line.slice(1))
    else {
      assert.equal(older[at], line.slice(1))
      if (line.startsWith(' ')) newer.push(line.slice(1))
      at += 1
    }
  }
  return text([...newer, ...older.slice(at)])
}

test('a change is told with the lines around it', () => {
  const before = text(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  const diff = unifiedDiff(before, before.replace('5\n', 'five\n'), names)
  assert.equal(diff, '--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n')
})

test('the same text has no diff, and an empty one is all new', () => {
  assert.equal(unifiedDiff('a\n', 'a\n', names), '')
  assert.equal(unifiedDiff('', 'a\nb\n', names), '--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n')
})

test('applied to the older text it gives the newer one, whatever the texts', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 })
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const [before, after] = [text(a), text(b)]
      const diff = unifiedDiff(before, after, names)
      assert.equal(diff === '' ? before : patched(before, diff), after)
    }),
    { numRuns: 500 },
  )
})

test('a text that was written anew is told as one change, soon', () => {
  const many = (word: string): string => text(Array.from({ length: 20_000 }, (_, at) => `${word} ${at}`))
  const [before, after] = [many('x'), many('y')]
  assert.equal(patched(before, unifiedDiff(before, after, names)), after)
})
