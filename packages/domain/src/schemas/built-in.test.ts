import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from '@mnemos/api'
import { builtInSchemas } from './built-in.ts'
import { judgeByDocument, readDocument } from './document.ts'

/** Places of what the built-in Schema of the kind says is wrong. */
function placesOf(kind: string, spec: unknown): readonly string[] {
  const schema = builtInSchemas().find(({ spec: { appliesTo } }) => appliesTo?.some((target) => target.kind === kind))
  const read = readDocument(schema?.spec.document)
  assert.ok(read.ok)
  return judgeByDocument(read.schema, spec).map(({ pointer }) => pointer)
}

test('the built-in Schemas are right as Schemas, and switched off', () => {
  for (const schema of builtInSchemas()) {
    assert.deepEqual(judge('Schema', schema), [])
    assert.equal(schema.spec.mode, 'Off')
  }
})

const gate = (name: string): object => ({ name, gate: { expression: 'true' } })
const rows: Record<string, [spec: object, want: readonly string[]]> = {
  'takes plain names': [{ steps: [gate('draft'), gate('draft-2')], finally: [gate('tell')] }, []],
  'refuses a name that begins with a digit, which the kind takes': [{ steps: [gate('draft'), gate('2-draft')] }, ['/steps/1/name']],
  'looks at the steps at the end, too': [{ steps: [gate('draft')], finally: [gate('1')] }, ['/finally/0/name']],
  'refuses more steps than anybody reads': [{ steps: Array.from({ length: 101 }, (_, at) => gate(`s${at}`)) }, ['/steps']],
}
for (const [what, [spec, want]] of Object.entries(rows))
  test(`the strict form of a Pipeline: ${what}`, () => {
    assert.deepEqual(judge('Pipeline', { spec }), [])
    assert.deepEqual(placesOf('Pipeline', spec), want)
  })
