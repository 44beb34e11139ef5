import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { lintText } from './lint-file.ts'

const files = globSync('examples/**/*.yaml').sort()
const wrongOnPurpose = 'examples/quickstart/mistyped-job.yaml'

for (const path of files.filter((file) => file !== wrongOnPurpose)) {
  test(`mnemos lint finds nothing in ${path}`, () => {
    const { findings } = lintText(readFileSync(path, 'utf8'))
    assert.deepEqual(findings, [])
  })
}

test('among the examples are objects of ours, and one file that is wrong on purpose', () => {
  const judged = files.reduce((sum, path) => sum + lintText(readFileSync(path, 'utf8')).judged, 0)
  assert.ok(judged >= 10, `${judged} objects`)
  assert.ok(lintText(readFileSync(wrongOnPurpose, 'utf8')).findings.length > 0)
})
