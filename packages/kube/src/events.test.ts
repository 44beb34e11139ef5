import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryClient, virtualClock } from '@mnemos/testkit'
import { createEventRecorder, events } from './events.ts'
import type { EventNote } from './plan.ts'
import type { KubeObject } from './types.ts'

const about: KubeObject = { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { namespace: 'default', name: 'w', uid: 'u' } }
const note: EventNote = { type: 'Normal', reason: 'Made', action: 'Make', note: 'made of 3 parts' }

function bench(): {
  clock: ReturnType<typeof virtualClock>
  client: ReturnType<typeof memoryClient>
  readonly record: (note: EventNote) => Promise<void>
} {
  const clock = virtualClock()
  const client = memoryClient({ now: clock.now })
  const recorder = createEventRecorder({ client, clock, controller: 'example.dev/operator', instance: 'operator-0' })
  return { clock, client, record: (each) => recorder.record(about, each) }
}

describe('an event', () => {
  it('says who did what to which object, and why', async () => {
    const { client, record } = bench()
    await record(note)
    assert.partialDeepStrictEqual(client.stored(events)[0], {
      ...note,
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.dev/operator',
      reportingInstance: 'operator-0',
      regarding: { apiVersion: 'example.dev/v1', kind: 'Widget', namespace: 'default', name: 'w', uid: 'u' },
    })
  })

  it('that is repeated within ten minutes is counted, not written again', async () => {
    const { clock, client, record } = bench()
    for (let count = 0; count < 3; count += 1) {
      await record(note)
      await clock.advance(60_000)
    }
    const stored = client.stored(events)
    assert.equal(stored.length, 1)
    assert.partialDeepStrictEqual(stored[0], { series: { count: 3, lastObservedTime: '2026-01-01T00:02:00.000000Z' } })
    await clock.advance(600_000)
    await record(note)
    assert.equal(client.stored(events).length, 2)
  })

  it('is one of at most 25 new ones of an object in ten minutes', async () => {
    const { clock, client, record } = bench()
    for (let count = 0; count < 40; count += 1) await record({ ...note, note: `try ${count}` })
    assert.equal(client.stored(events).length, 25)
    await clock.advance(600_001)
    await record({ ...note, note: 'later' })
    assert.equal(client.stored(events).length, 26)
  })

  it('that cannot be written stands in nobody’s way', async () => {
    const { client, record } = bench()
    client.beforeWrite = () => {
      throw new Error('no answer')
    }
    await record(note)
    client.beforeWrite = () => undefined
    await record(note)
    assert.equal(client.stored(events).length, 1)
  })
})
