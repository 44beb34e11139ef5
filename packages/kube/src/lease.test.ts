import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type MemoryClient, memoryClient, type VirtualClock, virtualClock } from '@mnemos/testkit'
import { isFenceClosed, KubeError } from './errors.ts'
import { createElector, type Leadership, leases } from './lease.ts'

const lease = { namespace: 'default', name: 'leader' }
const timing = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2000, fenceMs: 6000 }

interface Candidate {
  /** The terms it led, the last one maybe still. */
  readonly terms: Leadership[]
  readonly leads: boolean
  stop(): Promise<void>
}

function candidate(identity: string, client: MemoryClient, clock: VirtualClock): Candidate {
  const terms: Leadership[] = []
  const stopped = new AbortController()
  const running = createElector({ client, clock, lease, identity, timing, random: () => 0 }).run(
    stopped.signal,
    (leadership) =>
      new Promise<void>((resolve) => {
        terms.push(leadership)
        leadership.signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  )
  return {
    terms,
    get leads() {
      return terms.at(-1)?.signal.aborted === false
    },
    stop: async () => {
      stopped.abort()
      await running
    },
  }
}

const isOpen = ({ fence }: Leadership): boolean => {
  try {
    fence.check()
    return true
  } catch (error) {
    assert.ok(isFenceClosed(error))
    return false
  }
}

const unreachable = (): never => {
  throw new KubeError('no answer', { status: 0, reason: 'Unreachable' })
}

describe('two electors of one lease', () => {
  it('one leads and the other waits, and takes over at once when the first stops', async () => {
    const clock = virtualClock()
    const client = memoryClient({ now: clock.now })
    const first = candidate('a', client, clock)
    await clock.advance(0)
    const second = candidate('b', client, clock)
    await clock.advance(60_000)
    assert.equal(first.leads, true)
    assert.equal(second.terms.length, 0)
    await first.stop()
    assert.equal((await client.get(leases, lease))?.spec.holderIdentity, '', 'released')
    await clock.advance(timing.retryMs)
    assert.equal(second.leads, true)
    await second.stop()
  })

  it('the other takes over one lease after the first fell silent, and its epoch is higher', async () => {
    const clock = virtualClock()
    const network = memoryClient({ now: clock.now })
    let isCut = false
    const first = candidate(
      'a',
      withCut(network, () => isCut),
      clock,
    )
    await clock.advance(0)
    const second = candidate('b', network, clock)
    await clock.advance(20_000)
    isCut = true
    await clock.advance(timing.leaseMs - timing.fenceMs - timing.retryMs)
    assert.equal(second.terms.length, 0)
    await clock.advance(timing.leaseMs + 2 * timing.retryMs)
    assert.equal(second.leads, true)
    assert.equal(first.leads, false)
    assert.ok(Number(second.terms[0]?.epoch) > Number(first.terms[0]?.epoch))
    await first.stop()
    await second.stop()
  })
})

describe('the fence', () => {
  it('closes by time alone, before the lease can expire, and the term ends', async () => {
    const clock = virtualClock()
    const client = memoryClient({ now: clock.now })
    const only = candidate('a', client, clock)
    await clock.advance(0)
    const [term] = only.terms
    assert.ok(term !== undefined && isOpen(term))
    client.beforeWrite = unreachable
    await clock.advance(timing.leaseMs - timing.fenceMs)
    assert.equal(isOpen(term), true)
    await clock.advance(1)
    assert.equal(isOpen(term), false, 'with less than fenceMs left')
    await clock.advance(2 * timing.retryMs)
    assert.equal(term.signal.aborted, true)
    await only.stop()
  })

  it('is closed after a pause longer than the lease, before anything else ran', async () => {
    const paused = { ms: 0 }
    const clock = virtualClock()
    const client = memoryClient({ now: clock.now })
    const jumping = { ...clock, monotonic: () => clock.monotonic() + paused.ms }
    const only = candidate('a', client, jumping)
    await clock.advance(0)
    const [term] = only.terms
    assert.ok(term !== undefined && isOpen(term))
    paused.ms = 20_000
    assert.equal(isOpen(term), false)
    await clock.advance(timing.retryMs)
    assert.equal(term.signal.aborted, true, 'the term is over even though nobody else took the lease')
    await clock.advance(2 * timing.retryMs)
    assert.equal(only.terms.length, 2, 'and a new one begins')
    await only.stop()
  })
})

describe('a lease', () => {
  it('that nobody renews is taken when it was seen unchanged for its whole time, whatever its times say', async () => {
    const clock = virtualClock()
    const client = memoryClient({ now: clock.now })
    // Written by a host whose clock is a year behind: by its own times this lease expired long ago.
    await client.create(leases, {
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease },
      ...{ spec: { holderIdentity: 'old', leaseDurationSeconds: 15, renewTime: '2025-01-01T00:00:00.000000Z' } },
    })
    const only = candidate('a', client, clock)
    await clock.advance(timing.leaseMs)
    assert.equal(only.terms.length, 0)
    await clock.advance(timing.retryMs)
    assert.equal(only.leads, true)
    await only.stop()
  })

  it('counts its transitions, and keeps its time of acquisition while it is renewed', async () => {
    const clock = virtualClock()
    const client = memoryClient({ now: clock.now })
    const first = candidate('a', client, clock)
    await clock.advance(10_000)
    const renewed = (await client.get(leases, lease))?.spec
    assert.equal(renewed?.acquireTime, '2026-01-01T00:00:00.000000Z')
    assert.notEqual(renewed.renewTime, renewed.acquireTime)
    assert.equal(renewed.leaseTransitions, 1)
    await first.stop()
    const second = candidate('b', client, clock)
    await clock.advance(0)
    assert.equal((await client.get(leases, lease))?.spec.leaseTransitions, 2)
    await second.stop()
  })

  it('is kept through a renewal whose answer was lost', async () => {
    const clock = virtualClock()
    const client = memoryClient({ now: clock.now })
    const only = candidate('a', client, clock)
    await clock.advance(0)
    let lost = 0
    client.afterWrite = () => {
      if (lost++ === 0) unreachable()
    }
    await clock.advance(30_000)
    assert.equal(lost > 1, true)
    assert.equal(only.terms.length, 1)
    assert.equal(only.leads, true)
    await only.stop()
  })
})

/** The same API server over a connection that can be cut. */
function withCut(client: MemoryClient, isCut: () => boolean): MemoryClient {
  const reach = (): MemoryClient => (isCut() ? unreachable() : client)
  return Object.assign(Object.create(client) as MemoryClient, {
    get: async (...args: Parameters<MemoryClient['get']>) => reach().get(...args),
    create: async (...args: Parameters<MemoryClient['create']>) => reach().create(...args),
    patch: async (...args: Parameters<MemoryClient['patch']>) => reach().patch(...args),
  })
}
