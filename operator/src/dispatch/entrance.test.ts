import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperatorMessage } from '@mnemos/contract'
import { type VirtualClock, virtualClock } from '@mnemos/testkit'
import { Entrance } from './entrance.ts'
import { type Session, Sessions } from './sessions.ts'

const times = { suspectMs: 30_000, offlineMs: 60_000, probeMs: 2000 }

interface Scene {
  readonly clock: VirtualClock
  readonly sessions: Sessions
  readonly entrance: Entrance
  readonly heard: string[]
  /** Somebody claims the Worker; resolves with the instance that entered, or the refusal. */
  claim(instance: string): Promise<string>
}

function aScene(): Scene {
  const clock = virtualClock()
  const sessions = new Sessions(times, () => clock.monotonic())
  const entrance = new Entrance({ sessions, clock, epoch: 1n, probeMs: times.probeMs })
  const heard: string[] = []
  const admission = { worker: 'w', workerUid: 'worker-uid', poolUid: 'pool-uid' }
  const open = (instance: string): Session => {
    const session: Session = {
      ...{ worker: 'a/w', poolKey: 'a/pool', instance, admission, connectedAt: clock.now(), heardAt: clock.monotonic() },
      capabilities: { $typeName: 'mnemos.dispatch.v1.Capabilities', engines: [], slots: 1, memoryBytes: 0n, version: '', models: [] },
      ...{ held: new Set(), isDraining: false, declines: false },
      send: ({ message }: OperatorMessage) => void heard.push(`${instance} ${message.case}`),
      hangUp: (why) => {
        heard.push(`${instance} ${why}`)
        session.send = undefined
        entrance.closed(session)
      },
    }
    sessions.open(session)
    return session
  }
  const claim = async (instance: string): Promise<string> => {
    const entered = await entrance.enter({ worker: 'a/w', instance, admission }, () => open(instance))
    return 'refusal' in entered ? entered.refusal : entered.instance
  }
  return { clock, sessions, entrance, heard, claim }
}

const current = ({ sessions }: Scene): Session => sessions.of('a/w') ?? assert.fail('nobody is connected')

test('the first one enters, and the same process enters again, at once', async () => {
  const scene = aScene()
  assert.equal(await scene.claim('i1'), 'i1')
  assert.equal(await scene.claim('i1'), 'i1')
  assert.deepEqual(scene.heard, ['i1 another stream of this worker took its place'])
})

test('a second process is refused while the first answers, and the refusal names both', async () => {
  const scene = aScene()
  await scene.claim('i1')
  const second = scene.claim('i2')
  await scene.clock.advance(100)
  assert.deepEqual(scene.heard, ['i1 ping'])
  scene.entrance.heard(current(scene))
  assert.match(await second, /^Worker a\/w is connected as instance i1 since .*; this process is instance i2\. .*MNEMOS_WORKER_NAME/)
  assert.equal(current(scene).instance, 'i1')
})

test('a predecessor that does not answer makes way after the probe, long before it is suspect', async () => {
  const scene = aScene()
  await scene.claim('i1')
  const second = scene.claim('i2')
  await scene.clock.advance(1999)
  assert.equal(current(scene).instance, 'i1')
  await scene.clock.advance(1)
  assert.equal(await second, 'i2')
})

test('a predecessor whose stream ends meanwhile makes way at once', async () => {
  const scene = aScene()
  await scene.claim('i1')
  const second = scene.claim('i2')
  const first = current(scene)
  first.send = undefined
  scene.entrance.closed(first)
  assert.equal(await second, 'i2')
})

test('a predecessor that is suspect is not even asked', async () => {
  const scene = aScene()
  await scene.claim('i1')
  await scene.clock.advance(30_000)
  assert.equal(await scene.claim('i2'), 'i2')
  assert.ok(!scene.heard.includes('i1 ping'))
})

test('of two that claim the place of a dead one, one enters, and the other is judged against it', async () => {
  const scene = aScene()
  await scene.claim('i1')
  const claims = [scene.claim('i2'), scene.claim('i3')]
  await scene.clock.advance(2000)
  assert.equal(await claims[0], 'i2')
  assert.deepEqual(
    scene.heard.filter((line) => line.endsWith('ping')),
    ['i1 ping', 'i2 ping'],
  )
  scene.entrance.heard(current(scene))
  assert.match((await claims[1]) ?? '', /connected as instance i2/)
})

test('two processes of one name come to rest: the one that was there stays', async () => {
  const scene = aScene()
  await scene.claim('i1')
  for (let turn = 0; turn < 20; turn += 1) {
    const other = scene.claim('i2')
    await scene.clock.advance(10)
    scene.entrance.heard(current(scene))
    assert.match(await other, /connected as instance i1/)
  }
})

for (const uid of ['worker-uid', 'pool-uid']) {
  test(`when the object of ${uid} is deleted, its worker is sent away, and one judged just before is not let in`, async () => {
    const scene = aScene()
    await scene.claim('i1')
    scene.entrance.deleted('another-uid', 'Something')
    assert.deepEqual(scene.heard, [])
    scene.entrance.deleted(uid, 'What it was let in for')
    assert.deepEqual(scene.heard, ['i1 What it was let in for was deleted'])
    assert.match(await scene.claim('i1'), /was deleted while this worker came in/)
  })
}
