import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controllerOf, controllerReference, isControlledBy, withFinalizer, withoutFinalizer } from './owners.ts'
import type { KubeObject } from './types.ts'

const owner: KubeObject = { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name: 'w', uid: 'u' } }
const child: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ownerReferences: [controllerReference(owner)] } }

test('a child belongs to the very object that made it, not to one that took its name later', () => {
  assert.equal(controllerOf(child)?.name, 'w')
  assert.equal(isControlledBy(child, owner), true)
  assert.equal(isControlledBy(child, { ...owner, metadata: { name: 'w', uid: 'another' } }), false)
  assert.equal(isControlledBy(child, { ...owner, metadata: { name: 'w' } }), false)
})

test('an object that is not stored cannot own', () => {
  assert.throws(() => controllerReference({ ...owner, metadata: { name: 'w' } }), /Widget w has no UID/)
})

test('a finalizer is added once and taken once; undefined says that nothing is to be written', () => {
  const held: KubeObject = { ...child, metadata: { name: 'p', finalizers: ['a', 'b'] } }
  assert.deepEqual(withFinalizer(held, 'c'), ['a', 'b', 'c'])
  assert.equal(withFinalizer(held, 'a'), undefined)
  assert.deepEqual(withoutFinalizer(held, 'a'), ['b'])
  assert.equal(withoutFinalizer(held, 'c'), undefined)
  assert.deepEqual(withFinalizer(child, 'a'), ['a'])
})
