import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { childName } from './child-name.ts'

const anyParent = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,100}[a-z0-9])?$/)

test('a child has a valid name, whatever its parent is called', () => {
  fc.assert(
    fc.property(anyParent, fc.string(), (parent, detail) => {
      const name = childName(parent, 'import', detail)
      assert.match(name, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
      assert.ok(name.length <= 63)
      assert.equal(childName(parent, 'import', detail), name)
    }),
  )
})

test('long parents that differ only at their end have children of different names', () => {
  const long = 'a'.repeat(80)
  assert.notEqual(childName(`${long}b`, 'import', 'x'), childName(`${long}c`, 'import', 'x'))
})

test('another detail is another child', () => {
  const names = new Set(Array.from({ length: 10_000 }, (_, index) => childName('m', 'import', `https://models.example/${index}`)))
  assert.equal(names.size, 10_000)
})
