import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ObjectStore } from './cache.ts'
import type { KubeObject } from './types.ts'

interface Pod extends KubeObject {
  readonly node: string
}

const pod = (name: string, uid: string, node = 'n1'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name, uid },
  node,
})
const store = (): ObjectStore<Pod> => new ObjectStore({ byNode: ({ node }) => [node] })

test('an object is found by name, by UID and by each value of its index', () => {
  const pods = store()
  pods.set(pod('a', '1'))
  assert.equal(pods.get({ namespace: 'default', name: 'a' })?.metadata.uid, '1')
  assert.equal(pods.byUid('1')?.metadata.name, 'a')
  assert.deepEqual(
    pods.byIndex('byNode', 'n1').map(({ metadata }) => metadata.name),
    ['a'],
  )
  assert.equal(pods.get({ name: 'a' }), undefined, 'another namespace')
})

test('an object that moved is in the new place of the index only', () => {
  const pods = store()
  pods.set(pod('a', '1', 'n1'))
  const previous = pods.set(pod('a', '1', 'n2'))
  assert.equal(previous?.node, 'n1')
  assert.deepEqual(pods.byIndex('byNode', 'n1'), [])
  assert.equal(pods.byIndex('byNode', 'n2').length, 1)
})

test('the deletion of an object that was made again under its name takes nothing out', () => {
  const pods = store()
  pods.set(pod('a', '1'))
  pods.set(pod('a', '2'))
  assert.equal(pods.delete(pod('a', '1')), undefined)
  assert.equal(pods.get({ namespace: 'default', name: 'a' })?.metadata.uid, '2')
  assert.equal(pods.byUid('1'), undefined)
})

test('an index that nobody declared is a mistake of the program', () => {
  assert.throws(() => store().byIndex('byImage', 'x'), /no index byImage was declared/)
})

test('after any sequence of changes, every index equals what a scan finds', () => {
  const change = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    uid: fc.constantFrom('1', '2'),
    node: fc.constantFrom('n1', 'n2'),
    isDeletion: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const pods = store()
      for (const { name, uid, node, isDeletion } of changes) {
        const object = pod(name, `${name}${uid}`, node)
        if (isDeletion) pods.delete(object)
        else pods.set(object)
      }
      for (const node of ['n1', 'n2'])
        assert.deepEqual(new Set(pods.byIndex('byNode', node)), new Set(pods.list().filter((each) => each.node === node)))
      for (const each of pods.list()) assert.equal(pods.byUid(each.metadata.uid ?? ''), each)
      assert.equal(pods.size, pods.list().length)
    }),
  )
})
