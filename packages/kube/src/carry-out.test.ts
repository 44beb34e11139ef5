import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type MemoryClient, memoryClient } from '@mnemos/testkit'
import { type CarryOutContext, carryOut, statusDiffers } from './carry-out.ts'
import { KubeError } from './errors.ts'
import { controllerReference } from './owners.ts'
import type { Plan } from './plan.ts'
import { type KubeObject, resource } from './types.ts'

interface Widget extends KubeObject {
  readonly spec: { readonly parts: number }
  readonly status?: object
}

const widgets = resource<Widget>({ group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true })
const parts = resource<Widget>({ group: 'example.dev', version: 'v1', plural: 'parts', kind: 'Part', namespaced: true })
const name = { namespace: 'default', name: 'w' }
const nothing = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } } as const
const signal = new AbortController().signal

interface Bench {
  readonly client: MemoryClient
  readonly widget: Widget
  readonly effects: string[]
  readonly context: CarryOutContext<string>
  readonly carryOut: (plan: Partial<Plan<object, string>>, from?: Widget) => Promise<Widget | undefined>
  readonly fresh: () => Promise<Widget>
}

async function bench(): Promise<Bench> {
  const client = memoryClient()
  const widget = await client.create<Widget>(widgets, {
    ...{ apiVersion: 'example.dev/v1', kind: 'Widget', metadata: name },
    ...{ spec: { parts: 1 } },
  })
  const effects: string[] = []
  const recorder = { record: (): Promise<void> => Promise.resolve(void effects.push('event')) }
  const perform = (effect: string): void => void effects.push(effect)
  const context: CarryOutContext<string> = {
    ...{ client, fieldManager: 'test', resources: [widgets, parts], recorder, perform, signal, now: () => 0 },
  }
  return {
    client,
    widget,
    effects,
    context,
    carryOut: (plan, from = widget) => carryOut(context, widgets, from, { ...nothing, ...plan }),
    fresh: async () => (await client.get(widgets, name)) ?? widget,
  }
}

const part = (owner: KubeObject, partName: string, size = 1): Widget & { readonly spec: { readonly parts: number } } => ({
  apiVersion: 'example.dev/v1',
  kind: 'Part',
  metadata: { namespace: 'default', name: partName, ownerReferences: [controllerReference(owner)] },
  spec: { parts: size },
})

describe('carrying a plan out', () => {
  it('writes a status that changes, with its conditions, and returns the object as it is then', async () => {
    const { carryOut } = await bench()
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Done', message: 'all parts are there' }] as const
    const written = await carryOut({ status: { phase: 'Ready' }, conditions })
    assert.deepEqual(written?.status, {
      phase: 'Ready',
      conditions: [{ ...conditions[0], observedGeneration: 1, lastTransitionTime: '1970-01-01T00:00:00Z' }],
      observedGeneration: 1,
    })
  })

  it('writes no status that is stored already', async () => {
    const { client, carryOut, fresh } = await bench()
    await carryOut({ status: { phase: 'Ready' } })
    const before = client.writes.length
    assert.equal(await carryOut({ status: { phase: 'Ready' } }, await fresh()), undefined)
    assert.equal(client.writes.length, before)
  })

  it('does status, children, removals, events and effects in this order', async () => {
    const { client, widget, effects, carryOut } = await bench()
    const old = await client.create(parts, part(widget, 'old'))
    client.afterWrite = (write) => void effects.push(write)
    await carryOut({
      status: { phase: 'Ready' },
      apply: [part(widget, 'applied')],
      create: [part(widget, 'created')],
      remove: [{ apiVersion: 'example.dev/v1', kind: 'Part', ...old.metadata, uid: old.metadata.uid ?? '' }],
      events: [{ type: 'Normal', reason: 'Made', action: 'Make', note: 'made' }],
      effects: ['effect'],
    })
    assert.deepEqual(effects, [
      'STATUS default/w',
      'APPLY default/applied',
      'POST default/created',
      'DELETE default/old',
      'event',
      'effect',
    ])
  })

  it('throws a conflict and leaves all that would follow undone', async () => {
    const { client, widget, effects, carryOut } = await bench()
    await client.patch(widgets, name, { spec: { parts: 2 } })
    const before = client.writes.length
    await assert.rejects(carryOut({ status: { phase: 'Ready' }, apply: [part(widget, 'a')], effects: ['effect'] }), { status: 409 })
    assert.equal(client.writes.length, before + 1, 'the status was tried once and not sent again')
    assert.deepEqual(effects, [])
  })

  it('takes a child that is there for created if it is ours, and refuses one of somebody else', async () => {
    const { client, widget, carryOut } = await bench()
    await client.create(parts, part(widget, 'ours'))
    await carryOut({ create: [part(widget, 'ours', 7)] })
    assert.equal((await client.get(parts, { ...name, name: 'ours' }))?.spec.parts, 1, 'a child is created, never overwritten')
    await client.create(parts, { ...part(widget, 'theirs'), metadata: { namespace: 'default', name: 'theirs' } })
    await assert.rejects(carryOut({ create: [part(widget, 'theirs')] }), { reason: 'NotOurs', message: /Part theirs exists already/ })
  })

  it('creates many children side by side, tells of those that are refused, and creates the others', async () => {
    const { client, widget, context } = await bench()
    client.beforeWrite = (write) => {
      if (write.endsWith('/p7')) throw new KubeError('p7 is not allowed', { status: 403, reason: 'Forbidden' })
    }
    const refused: string[] = []
    const create = Array.from({ length: 40 }, (_, index) => part(widget, `p${index}`))
    const plan = { ...nothing, create, effects: ['effect'] }
    await carryOut(
      { ...context, refused: (child, { message }) => refused.push(`${child.metadata.name}: ${message}`) },
      widgets,
      widget,
      plan,
    )
    assert.equal(client.stored(parts).length, 39)
    assert.deepEqual(refused, ['p7: p7 is not allowed'])
    await assert.rejects(carryOut(context, widgets, widget, plan), { status: 403 })
  })

  it('changes only the very object that was meant, and one that is gone not at all', async () => {
    const { client, widget, carryOut: carry } = await bench()
    const old = await client.create(parts, part(widget, 'old'))
    const at = { apiVersion: 'example.dev/v1', kind: 'Part', namespace: 'default', name: 'old', patch: { spec: { parts: 5 } } }
    await carry({ patch: [{ ...at, uid: old.metadata.uid ?? '' }] })
    assert.equal((await client.get(parts, { ...name, name: 'old' }))?.spec.parts, 5)
    await assert.rejects(carry({ patch: [{ ...at, uid: 'another' }] }), { status: 409 })
    await carry({ patch: [{ ...at, name: 'gone', uid: 'any' }] })
  })

  it('tells of a change that is refused when it is asked to, and goes on', async () => {
    const { client, widget, context } = await bench()
    const old = await client.create(parts, part(widget, 'old'))
    client.beforeWrite = (write) => {
      if (write.endsWith('/old')) throw new KubeError('old is not allowed', { status: 403, reason: 'Forbidden' })
    }
    const refused: string[] = []
    const tells = { ...context, refused: (child: KubeObject, { message }: KubeError) => refused.push(`${child.metadata.name}: ${message}`) }
    const change = { apiVersion: 'example.dev/v1', kind: 'Part', namespace: 'default', name: 'old', uid: old.metadata.uid ?? '', patch: {} }
    await carryOut(tells, widgets, widget, { ...nothing, patch: [{ ...change, tellsRefusal: true }] })
    assert.deepEqual(refused, ['old: old is not allowed'])
    await assert.rejects(carryOut(tells, widgets, widget, { ...nothing, patch: [change] }), { status: 403 })
  })

  it('removes only the very object that was meant', async () => {
    const { client, widget, carryOut } = await bench()
    await client.create(parts, part(widget, 'again'))
    await carryOut({
      remove: [{ apiVersion: 'example.dev/v1', kind: 'Part', namespace: 'default', name: 'again', uid: 'of-the-one-before' }],
    })
    assert.equal(client.stored(parts).length, 1)
  })

  it('refuses a kind that nobody declared', async () => {
    const { carryOut } = await bench()
    await assert.rejects(carryOut({ apply: [{ apiVersion: 'v1', kind: 'Pod', metadata: name }] }), /the plan names v1 Pod/)
  })
})

describe('a process that ends at any write, before or after it is stored', () => {
  const plan = (widget: Widget): Partial<Plan<object, string>> => ({
    status: { phase: 'Ready' },
    apply: [part(widget, 'applied', 2)],
    create: [part(widget, 'created')],
    remove: [{ apiVersion: 'example.dev/v1', kind: 'Part', namespace: 'default', name: 'old', uid: 'uid-2' }],
    effects: ['told'],
  })
  const withoutVersions = (client: MemoryClient): unknown[] =>
    [...client.stored(widgets), ...client.stored(parts)].map(({ metadata, ...rest }) => [metadata.name, metadata.uid === '', rest])
  const started = async (): Promise<Bench> => {
    const it = await bench()
    await it.client.create(parts, part(it.widget, 'old'))
    return it
  }

  for (const when of ['beforeWrite', 'afterWrite'] as const) {
    for (const nth of [0, 1, 2, 3]) {
      it(`write ${nth + 1}, ${when}: starting over from a fresh look ends as if nothing had happened`, async () => {
        const clean = await started()
        await clean.carryOut(plan(clean.widget))
        const cut = await started()
        let count = 0
        cut.client[when] = () => {
          if (count++ === nth) throw new KubeError('the process ended', { status: 0, reason: 'Unreachable' })
        }
        await assert.rejects(cut.carryOut(plan(cut.widget)), /the process ended/)
        await cut.carryOut(plan(cut.widget), await cut.fresh())
        assert.deepEqual(withoutVersions(cut.client), withoutVersions(clean.client))
        assert.equal(cut.effects.at(-1), 'told')
      })
    }
  }
})

describe('a status differs', () => {
  const with_ = (status: object | undefined): Widget => ({
    apiVersion: 'example.dev/v1',
    kind: 'Widget',
    metadata: name,
    spec: { parts: 1 },
    ...(status === undefined ? {} : { status }),
  })
  const cases: Record<string, { stored: object | undefined; wanted: unknown; want: boolean }> = {
    'when a field changed': { stored: { a: 1 }, wanted: { a: 2 }, want: true },
    'when a field is gone': { stored: { a: 1, b: 1 }, wanted: { a: 1 }, want: true },
    'when a list grew': { stored: { a: [1] }, wanted: { a: [1, 2] }, want: true },
    'when there was none': { stored: undefined, wanted: { a: 1 }, want: true },
    'when an object inside a list changed': { stored: { a: [{ b: 1 }] }, wanted: { a: [{ b: 2 }] }, want: true },
    'not when it equals the stored one, in any order of fields': {
      stored: { a: 1, b: { c: 1, d: 2 } },
      wanted: { b: { d: 2, c: 1 }, a: 1 },
      want: false,
    },
    'not when a field that is not stored is undefined': { stored: { a: 1 }, wanted: { a: 1, b: undefined }, want: false },
    'not when a plan has none': { stored: { a: 1 }, wanted: undefined, want: false },
  }
  for (const [sentence, { stored, wanted, want }] of Object.entries(cases))
    it(sentence, () => assert.equal(statusDiffers(with_(stored), wanted), want))
})
