import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryClient, virtualClock } from '@mnemos/testkit'
import { ObjectStore } from './cache.ts'
import { controller, onChange } from './controller.ts'
import { KubeError } from './errors.ts'
import type { Informer } from './informer.ts'
import type { Plan } from './plan.ts'
import type { Change } from './reflector.ts'
import { createRuntime } from './runtime.ts'
import { type KubeObject, type Resource, resource } from './types.ts'

const widgets = resource({ group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true })
const boxes = resource({ group: 'example.dev', version: 'v1', plural: 'boxes', kind: 'Box', namespaced: true })
const object = (of: Resource, name: string): KubeObject => ({
  apiVersion: 'example.dev/v1',
  kind: of.kind,
  metadata: { namespace: 'default', name, uid: name, resourceVersion: '1' },
})
const plan = (next: Plan<object>['next'] = { kind: 'change' }): Plan<object> => ({
  ...{ status: undefined, apply: [], remove: [], events: [], next },
})

/** An informer whose changes the test makes. */
function scripted(of: Resource): Informer<KubeObject> & { tell(name: string, initial?: boolean): void } {
  const cache = new ObjectStore<KubeObject>()
  const handlers = new Set<(change: Change<KubeObject>) => void>()
  return {
    resource: of,
    cache,
    run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    hasSynced: () => true,
    synced: () => Promise.resolve(),
    state: () => 'watching',
    silentForMs: () => 0,
    onChange: (handler) => {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
    tell: (name, initial = false) => {
      cache.set(object(of, name))
      for (const handler of handlers) handler({ type: 'added', object: object(of, name), initial })
    },
  }
}

interface Bench {
  readonly clock: ReturnType<typeof virtualClock>
  readonly widgets: ReturnType<typeof scripted>
  readonly boxes: ReturnType<typeof scripted>
  readonly passes: string[]
  readonly runtime: ReturnType<typeof createRuntime>
  readonly stop: () => Promise<void>
}

/** @param pass what one pass over a widget does; the passes are recorded by name */
function bench(pass: (name: string, nth: number) => Plan<object>, concurrency = 1): Bench {
  const clock = virtualClock()
  const passes: string[] = []
  const watched = { widgets: scripted(widgets), boxes: scripted(boxes) }
  const each = controller(widgets, {
    concurrency,
    wakes: [onChange(boxes, ({ object: { metadata } }) => [`default/of-${metadata.name}`])],
    observe: (_reader, { metadata }) => metadata.name,
    decide: (name) => {
      passes.push(name)
      return pass(name, passes.filter((one) => one === name).length)
    },
  })
  const runtime = createRuntime({
    ...{ client: memoryClient(), informers: [watched.widgets, watched.boxes], controllers: [each], fieldManager: 'test', clock },
  })
  const stopped = new AbortController()
  const running = runtime.run(stopped.signal)
  return {
    ...{ clock, passes, runtime, ...watched },
    stop: async () => {
      stopped.abort()
      await running
    },
  }
}

describe('a runtime', () => {
  it('works on what changed, and on whom a change of another resource wakes', async () => {
    const { clock, widgets, boxes, passes, stop } = bench(() => plan())
    await clock.advance(0)
    widgets.tell('a')
    widgets.tell('of-b')
    await clock.advance(0)
    boxes.tell('b')
    await clock.advance(0)
    assert.deepEqual(passes, ['a', 'of-b', 'of-b'])
    await stop()
  })

  it('looks at what changes now before the objects of the first list', async () => {
    const { clock, widgets, passes, stop } = bench(() => plan())
    widgets.tell('old', true)
    widgets.tell('older', true)
    widgets.tell('new')
    await clock.advance(0)
    assert.deepEqual(passes, ['new', 'old', 'older'])
    await stop()
  })

  it('comes back after the time a plan names', async () => {
    const { clock, widgets, passes, stop } = bench((_name, nth) => plan(nth < 3 ? { kind: 'after', seconds: 10 } : { kind: 'stalled' }))
    widgets.tell('a')
    await clock.advance(9999)
    assert.equal(passes.length, 1)
    await clock.advance(1)
    assert.equal(passes.length, 2)
    await clock.advance(3_600_000)
    assert.equal(passes.length, 3, 'a plan that is stalled waits for a change')
    await stop()
  })

  const failures: Record<string, Error> = {
    'a pass that throws': new TypeError('a mistake of the program'),
    'a request that was refused': new KubeError('no', { status: 422, reason: 'Invalid' }),
    'a conflict': new KubeError('changed', { status: 409, reason: 'Conflict' }),
    'a closed fence': new KubeError('closed', { status: 0, reason: 'FenceClosed' }),
  }
  for (const [what, error] of Object.entries(failures)) {
    it(`${what} is tried again after its own back-off, and stops nobody`, async () => {
      const { clock, widgets, passes, stop } = bench((name, nth) => {
        if (name === 'bad' && nth <= 3) throw error
        return plan()
      })
      widgets.tell('bad')
      widgets.tell('good')
      await clock.advance(0)
      assert.deepEqual(passes, ['bad', 'good'])
      await clock.advance(5 + 10 + 20)
      assert.deepEqual(passes, ['bad', 'good', 'bad', 'bad', 'bad'])
      await clock.advance(60_000)
      assert.equal(passes.length, 5, 'what succeeded is not tried again')
      await stop()
    })
  }

  it('wakes a key for what happened outside the API server', async () => {
    const { clock, widgets, passes, runtime, stop } = bench(() => plan())
    widgets.tell('a')
    await clock.advance(0)
    runtime.wake(widgets.resource, { namespace: 'default', name: 'a' }, { afterMs: 50 })
    await clock.advance(49)
    assert.equal(passes.length, 1)
    await clock.advance(1)
    assert.equal(passes.length, 2)
    await stop()
  })

  it('refuses a controller whose resource nobody watches', () => {
    const each = controller(widgets, { observe: () => 0, decide: () => plan() })
    assert.throws(
      () => createRuntime({ client: memoryClient(), informers: [scripted(boxes)], controllers: [each], fieldManager: 'test' }),
      /controller widgets needs an informer of widgets/,
    )
  })

  it('ends when its signal aborts, with every pass ended', async () => {
    const { clock, widgets, passes, stop } = bench(() => plan({ kind: 'after', seconds: 1 }), 4)
    widgets.tell('a')
    await clock.advance(0)
    await stop()
    await clock.advance(10_000)
    assert.equal(passes.length, 1)
  })
})
