import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type VirtualClock, virtualClock } from '@mnemos/testkit'
import { type Session, Sessions } from './sessions.ts'

const times = { suspectMs: 30_000, offlineMs: 60_000 }
const ref = { jobUid: 'u', attempt: 1 }
const given = { name: 'a/w', instance: 'i1' }

function aSession(clock: VirtualClock, of: Partial<Session> = {}): Session {
  return {
    worker: 'a/w',
    poolKey: 'a/pool',
    admission: { worker: 'w', workerUid: 'worker-uid', poolUid: 'pool-uid' },
    instance: 'i1',
    connectedAt: 0,
    capabilities: { $typeName: 'mnemos.dispatch.v1.Capabilities', engines: [], slots: 1, memoryBytes: 0n, version: '', models: [] },
    held: new Set(),
    heardAt: clock.monotonic(),
    isDraining: false,
    declines: false,
    send: () => undefined,
    hangUp: () => undefined,
    ...of,
  }
}

const fresh = (): { clock: VirtualClock; sessions: Sessions } => {
  const clock = virtualClock()
  return { clock, sessions: new Sessions(times, () => clock.monotonic()) }
}

test('silence makes a worker suspect, then offline, then its attempts are others’', async () => {
  const { clock, sessions } = fresh()
  const session = aSession(clock, { held: new Set(['u/1']) })
  sessions.open(session)
  assert.equal(sessions.linkTo(given, ref), 'has')
  await clock.advance(30_000)
  assert.equal(sessions.linkOf(session), 'suspect')
  assert.equal(sessions.linkTo(given, ref), 'has')
  await clock.advance(30_000)
  assert.equal(sessions.linkTo(given, ref), 'gone')
})

test('a process that does not have an attempt lacks it', () => {
  const { clock, sessions } = fresh()
  sessions.open(aSession(clock))
  assert.equal(sessions.linkTo(given, ref), 'lacks')
})

test('another process in its place means gone at once', () => {
  const { clock, sessions } = fresh()
  sessions.open(aSession(clock, { instance: 'i2' }))
  assert.equal(sessions.linkTo(given, ref), 'gone')
})

test('a new stream of the same worker ends the old one', () => {
  const { clock, sessions } = fresh()
  const ended: string[] = []
  sessions.open(aSession(clock, { hangUp: (why) => void ended.push(why) }))
  sessions.open(aSession(clock))
  assert.equal(ended.length, 1)
})

test('a worker that nobody heard yet is given up only some time after the first stream', async () => {
  const { clock, sessions } = fresh()
  await clock.advance(50_000)
  sessions.open(aSession(clock, { worker: 'a/other' }))
  await clock.advance(59_000)
  assert.equal(sessions.linkTo(given, ref), 'silent')
  await clock.advance(1000)
  assert.equal(sessions.linkTo(given, ref), 'gone')
})

test('a leader that nobody reaches gives up after twice the time', async () => {
  const { clock, sessions } = fresh()
  await clock.advance(119_000)
  assert.equal(sessions.linkTo(given, ref), 'silent')
  await clock.advance(1000)
  assert.equal(sessions.linkTo(given, ref), 'gone')
})
