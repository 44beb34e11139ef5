import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFilePath, placedAt, readNamed } from './file-paths.ts'

const named: Record<string, { readonly named: string; readonly want: readonly [string | undefined, string, boolean] | undefined }> = {
  'a path is a file of the namespace': { named: 'books/one.txt', want: [undefined, 'books/one.txt', false] },
  'a slash at the end is a folder': { named: 'books//', want: [undefined, 'books/', true] },
  'a slash at the beginning is nothing': { named: '/books/one.txt', want: [undefined, 'books/one.txt', false] },
  'nothing is everything': { named: '', want: [undefined, '', true] },
  'a URI names its namespace': { named: 'artifact://files/team-a/books/one.txt', want: ['team-a', 'books/one.txt', false] },
  'a URI of a folder is one': { named: 'artifact://files/team-a/books/', want: ['team-a', 'books/', true] },
  'what leads up is no path': { named: '../other/x', want: undefined },
  'what leads up within a URI is no path': { named: 'artifact://files/team-a/../other/x', want: undefined },
  'an output is no file': { named: 'artifact://outputs/team-a/uid/a1/result.json', want: undefined },
  'a name with a space is no path': { named: 'my file', want: undefined },
}

for (const [sentence, { named: given, want }] of Object.entries(named)) {
  test(sentence, () => {
    if (want === undefined) assert.throws(() => readNamed(given), /cannot be stored/)
    else {
      const { namespace, path, isFolder } = readNamed(given)
      assert.deepEqual([namespace, path, isFolder], want)
    }
  })
}

test('files go below a prefix, however it is written', () => {
  assert.deepEqual(
    [undefined, '', '/', 'a', 'a/', '/a/b/'].map((prefix) => placedAt(prefix, 'x/y')),
    ['x/y', 'x/y', 'x/y', 'a/x/y', 'a/x/y', 'a/b/x/y'],
  )
})

test('a path is what the store takes', () => {
  for (const path of ['a', 'A/b-1_2.x', '0']) assert.ok(isFilePath(path), path)
  for (const path of ['', '.', '..', 'a//b', 'a/', '/a', 'ä', 'a b', 'a/.git', 'x.sha256', 'x'.repeat(441)])
    assert.ok(!isFilePath(path), path)
})
