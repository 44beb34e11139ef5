/** docs/conventions.md says what holds and by which test: here, that each row is there and each test exists. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

interface Row {
  readonly number: number
  readonly holds: string
  readonly proof: string
}

const page = readFileSync('docs/conventions.md', 'utf8')
const rows: readonly Row[] = [...page.matchAll(/^\| (\d+) \| .+? \| (\w+) \| (.+) \|$/gm)].map(([, number, holds = '', proof = '']) => ({
  number: Number(number),
  holds,
  proof,
}))
/** `file` › words, up to the next semicolon, full stop or bracket. */
const proofsOf = (proof: string): readonly (readonly [path: string, words: string])[] =>
  [...proof.matchAll(/`([^`]+\.(?:ts|yaml))` › ([^;.(]+?)(?=[;(]|\. |\.?$)/g)].map(([, path = '', words = '']) => [path, words.trim()])

test('every row is there, once, in order', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 43 }, (_, at) => at + 1),
  )
})

test('what holds names its proof, and what does not says what is missing', () => {
  for (const { number, holds, proof } of rows) {
    assert.match(holds, /^(yes|partly|no)$/, `row ${number}`)
    if (holds !== 'no') assert.ok(proofsOf(proof).length > 0, `row ${number} names no test`)
    assert.equal(proof.includes('Missing: '), holds !== 'yes', `row ${number}`)
  }
})

test('every proof is a test that exists, in its own words', () => {
  const missing = rows.flatMap(({ number, proof }) =>
    proofsOf(proof)
      .filter(([path, words]) => !existsSync(path) || !readFileSync(path, 'utf8').includes(words))
      .map(([path, words]) => `row ${number}: ${path} › ${words}`),
  )
  assert.deepEqual(missing, [])
})

test('every file that is named is there', () => {
  for (const [, path = ''] of page.matchAll(/`((?:test|packages|hack|charts)\/[^`]+)`/g)) assert.ok(existsSync(path), path)
})
