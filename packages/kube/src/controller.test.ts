import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type MemoryClient, memoryClient } from '@mnemos/testkit'
import { type Controller, controller, ownerKey, type Pass, type Reader } from './controller.ts'
import { controllerReference } from './owners.ts'
import { type KubeObject, type ObjectName, type Resource, resource } from './types.ts'

interface Counter extends KubeObject {
  readonly spec: { readonly wanted: number }
  readonly status?: { readonly count: number }
}

const counters = resource<Counter>({ group: 'example.dev', version: 'v1', plural: 'counters', kind: 'Counter', namespaced: true })
const name = { namespace: 'default', name: 'c' }

interface Bench {
  readonly client: MemoryClient
  readonly decided: number[]
  readonly gone: ObjectName[]
  /** Lets the cache catch up with what is stored. */
  readonly catchUp: () => Promise<void>
  readonly pass: () => ReturnType<Controller['reconcile']>
}

/** A controller that counts up to `wanted`, over a cache that lags until it is told to catch up. */
async function bench(): Promise<Bench> {
  const client = memoryClient()
  await client.create(counters, { ...{ apiVersion: 'example.dev/v1', kind: 'Counter', metadata: name }, ...{ spec: { wanted: 2 } } })
  let cached = await client.get(counters, name)
  const reader: Reader = {
    get: <T extends KubeObject>(_resource: Resource<T>) => cached as unknown as T | undefined,
    list: () => [],
    byIndex: () => [],
  }
  const decided: number[] = []
  const gone: ObjectName[] = []
  const counting = controller(counters, {
    observe: (_reader, object) => object,
    decide: ({ spec, status }) => {
      const count = Math.min(spec.wanted, (status?.count ?? 0) + 1)
      decided.push(count)
      return { status: { count }, apply: [], remove: [], events: [], next: { kind: 'after', seconds: 5 } }
    },
    absent: (each) => void gone.push(each),
  })
  const signal = new AbortController().signal
  const pass: Pass = { client, fieldManager: 'test', resources: [counters], reader, signal, now: () => 0 }
  return {
    client,
    decided,
    gone,
    catchUp: async () => {
      cached = await client.get(counters, name)
    },
    pass: () => counting.reconcile('default/c', pass),
  }
}

describe('one pass of a controller', () => {
  it('does not decide again before the cache holds what it wrote itself', async () => {
    const { decided, pass, catchUp } = await bench()
    assert.deepEqual(await pass(), { kind: 'after', seconds: 5 })
    assert.equal(await pass(), undefined, 'the cache is behind')
    assert.deepEqual(decided, [1])
    await catchUp()
    await pass()
    assert.deepEqual(decided, [1, 2])
  })

  it('is not held back by what it wrote to an object that was deleted and made again', async () => {
    const { client, decided, pass, catchUp } = await bench()
    await pass()
    await client.delete(counters, name)
    await client.create(counters, { ...{ apiVersion: 'example.dev/v1', kind: 'Counter', metadata: name }, ...{ spec: { wanted: 2 } } })
    await catchUp()
    await pass()
    assert.deepEqual(decided, [1, 1])
  })

  it('throws a conflict, so that the key is decided anew', async () => {
    const { client, pass } = await bench()
    await client.patch(counters, name, { spec: { wanted: 9 } })
    await assert.rejects(pass(), { status: 409 })
  })

  it('says when the object is gone, and decides nothing', async () => {
    const { client, decided, gone, pass, catchUp } = await bench()
    await client.delete(counters, name)
    await catchUp()
    assert.equal(await pass(), undefined)
    assert.deepEqual(gone, [name])
    assert.deepEqual(decided, [])
  })
})

describe('a change of a child wakes its controlling owner', () => {
  const owner: Counter = { apiVersion: 'example.dev/v1', kind: 'Counter', metadata: { ...name, uid: 'u' }, spec: { wanted: 1 } }
  const changeOf = (metadata: Partial<KubeObject['metadata']>): Parameters<typeof ownerKey>[0] => ({
    type: 'added',
    initial: false,
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'p', ...metadata } },
  })
  it('by kind and group', () => {
    assert.equal(ownerKey(changeOf({ ownerReferences: [controllerReference(owner)] }), counters), 'default/c')
    assert.equal(ownerKey(changeOf({ ownerReferences: [controllerReference(owner)] }), { ...counters, group: 'other.dev' }), undefined)
  })
  it('but no owner that does not control it', () => {
    assert.equal(ownerKey(changeOf({ ownerReferences: [{ ...controllerReference(owner), controller: false }] }), counters), undefined)
    assert.equal(ownerKey(changeOf({}), counters), undefined)
  })
})
