import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, type Listing, parseFormat, renderList, size, span } from './output.ts'

interface Row {
  readonly name: string
  readonly where: string
}

const listing = (...items: readonly Row[]): Listing<Row> => ({
  items,
  columns: [
    { title: 'NAME', of: (row) => row.name },
    { title: 'WHERE', of: (row) => row.where, wide: true },
  ],
  name: (row) => `row/${row.name}`,
  empty: 'No rows.',
})

const cases: Record<string, { rows: readonly Row[]; format: string; want: string }> = {
  'a table hides wide columns': { rows: [{ name: 'a', where: 'x' }], format: 'table', want: 'NAME\na\n' },
  'wide shows them, and a dash for nothing': {
    rows: [{ name: 'abcdef', where: '' }],
    format: 'wide',
    want: 'NAME     WHERE\nabcdef   -\n',
  },
  'an empty table says so': { rows: [], format: 'table', want: 'No rows.\n' },
  'names are for pipes': { rows: [{ name: 'a', where: 'x' }], format: 'name', want: 'row/a\n' },
  'yaml keeps every field': { rows: [{ name: 'a', where: 'y' }], format: 'yaml', want: 'items:\n  - name: a\n    where: "y"\n' },
}

for (const [sentence, { rows, format, want }] of Object.entries(cases)) {
  test(sentence, async () => {
    assert.equal(await renderList(listing(...rows), parseFormat(format)), want)
  })
}

test('a format that does not exist is a usage error', () => {
  assert.throws(() => parseFormat('xml'), { code: 'MNEMOS_USAGE', exitCode: 64 })
})

test('spans, sizes and bars read as people write them', () => {
  assert.deepEqual([400, 61_000, 150_000, 720_000, 11_000_000, 200_000_000].map(span), ['0s', '61s', '2m30s', '12m', '3h', '2d'])
  assert.deepEqual([12, 97_900_000, 4_200_000_000].map(size), ['12 B', '97.9 MB', '4.20 GB'])
  assert.equal(bar(50, 4), '██░░')
})
