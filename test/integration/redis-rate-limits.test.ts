/** Rate limits on a real Redis: the suite that every counter passes, and what Redis and networks do on bad days. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Charge,
  createMemoryRateLimits,
  createRedisRateLimits,
  type RateLimits,
  RateLimitsError,
  rateLimitsConformance,
} from '@mnemos/stores'
import { eventually, startRedisServer, startTcpProxy, type TcpFault } from '@mnemos/testkit'
import fc from 'fast-check'

const redis = await startRedisServer()
const opened: RateLimits[] = []
after(() => Promise.all(opened.map((store) => store.close())))
let made = 0
const open = async (more: object = {}): Promise<RateLimits> => {
  const store = await createRedisRateLimits({ url: redis.url, password: redis.password, prefix: `t${made}:`, timeoutMs: 1000, ...more })
  opened.push(store)
  return store
}

rateLimitsConformance(
  'Redis',
  (timing) => {
    made += 1
    return open(timing)
  },
  (timing) => open(timing),
)

const proxy = await startTcpProxy(redis.port)
const throughProxy = (more: object = {}): Promise<RateLimits> => open({ url: `redis://127.0.0.1:${proxy.port}`, timeoutMs: 500, ...more })
const window = (requests: number, windowMs = 60_000, key = 'w'): Charge => ({
  key,
  limit: { algorithm: 'SlidingWindow', requests, windowMs },
})
const bucket = (requests: number, burst: number, windowMs = 60_000): Charge => ({
  key: 'b',
  limit: { algorithm: 'TokenBucket', requests, windowMs, burst },
})
const isError =
  (...codes: string[]) =>
  (error: unknown) =>
    error instanceof RateLimitsError && codes.includes(error.code)

/** Asks again with the same id until there is an answer. */
async function insist(store: RateLimits, id: string, charges: readonly Charge[]): Promise<boolean> {
  for (;;) {
    const outcome = await store.charge(id, charges).catch((error: unknown) => {
      assert.ok(isError('Unavailable')(error), String(error))
    })
    if (outcome !== undefined) return outcome.isAdmitted
    await sleep(20) // how often a caller that was failed comes back
  }
}

describe('Redis', () => {
  it('counts by its own clock', async () => {
    const [store, other] = [await open({ prefix: 'clock:' }), await open({ prefix: 'clock:' })]
    assert.ok((await store.charge('a', [window(1, 700)])).isAdmitted)
    const { isAdmitted, full } = await other.charge('b', [window(1, 700)])
    assert.ok(!isAdmitted)
    assert.ok((full[0]?.admitsInMs ?? 0) > 300 && (full[0]?.admitsInMs ?? 0) <= 700, JSON.stringify(full))
    await eventually(async () => (await other.charge('c', [window(1, 700)])).isAdmitted)
  })

  it('keeps nothing for longer than it matters', async () => {
    const store = await open({ prefix: 'brief:', provisionalMs: 200, lateMs: 400 })
    const charges = [window(5, 500), bucket(50, 5, 500)]
    for (const id of ['a', 'b', 'c']) await store.charge(id, charges)
    await store.confirm(['a'])
    await store.peek(charges)
    const keys = (): Promise<string> => redis.command('KEYS', 'brief:*')
    assert.match(await keys(), /brief:\{rates\}:c:w:w/)
    await eventually(async () => (await keys()) === '*0\r\n')
  })

  it('takes some hundred bytes for each request that counts', async () => {
    const store = await open({ prefix: 'bytes:' })
    const ids = Array.from({ length: 2000 }, (_, at) => `5c7b0c9e-0000-4000-8000-${String(at).padStart(12, '0')}`)
    await Promise.all(ids.map((id) => store.charge(id, [window(10_000)])))
    await store.confirm(ids)
    assert.deepEqual(await store.unconfirmed(0), [])
    const bytes = Number(/\d+/.exec((await redis.command('MEMORY', 'USAGE', 'bytes:{rates}:c:w:w', 'SAMPLES', '0')).replace(/^:/, ''))?.[0])
    assert.ok(bytes / ids.length < 200, `${bytes / ids.length} bytes`)
  })

  it('that forgot its scripts is told them again', async () => {
    const store = await open({ prefix: 'scripts:' })
    await store.charge('a', [window(2)])
    await redis.command('SCRIPT', 'FLUSH')
    assert.ok((await store.charge('b', [window(2)])).isAdmitted)
    await redis.command('SCRIPT', 'FLUSH')
    assert.deepEqual(await store.confirm(['a']), ['a'])
    await redis.command('SCRIPT', 'FLUSH')
    assert.deepEqual(await store.unconfirmed(0), ['b'])
  })

  it('needs no more rights than docs/stores.md names', async () => {
    const rights = /ACL SETUSER mnemos (.*)/
      .exec(await readFile('docs/stores.md', 'utf8'))?.[1]
      ?.replace('PASSWORD', 'pw')
      .split(' ')
    assert.match(await redis.command('ACL', 'SETUSER', 'mnemos', ...(rights ?? [])), /OK/)
    const limited = { username: 'mnemos', password: 'pw', prefix: 'mnemos:' }
    const store = await open({ ...limited, provisionalMs: 50 })
    const charges = [window(3), bucket(3, 3), window(1, 60_000, 'full')]
    await store.check()
    assert.ok((await store.charge('a', charges)).isAdmitted)
    assert.ok(!(await store.charge('b', charges)).isAdmitted)
    assert.ok(!(await store.peek(charges)).isAdmitted)
    assert.deepEqual(await store.unconfirmed(0), ['a'])
    await sleep(60) // past the provisional time, by the clock of Redis
    assert.deepEqual(await store.confirm(['a']), ['a'])
    assert.ok(!(await store.charge('c', charges)).isAdmitted)
    await assert.rejects((await open({ ...limited, prefix: 'others:' })).charge('a', charges), isError('Denied'))
  })

  it('says that credentials are refused, and repeats none', async () => {
    const store = await open({ password: 'a-wrong-secret' })
    const isPlain = (error: Error): boolean => !/a-wrong-secret|127\.0\.0\.1/.test(error.message)
    await assert.rejects(store.charge('a', [window(1)]), (error: Error) => isError('Denied')(error) && isPlain(error))
  })

  it('that is full goes on counting: it takes little, and goes soon', async () => {
    const store = await open({ prefix: 'full:' })
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    try {
      assert.ok((await store.charge('a', [window(1), bucket(1, 2)])).isAdmitted)
      assert.ok(!(await store.charge('b', [window(1), bucket(1, 2)])).isAdmitted)
      assert.deepEqual(await store.confirm(['a']), ['a'])
    } finally {
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    }
  })
})

/** What may happen to limits, with the time that passes before it. */
const step = fc.record({
  gapMs: fc.oneof(fc.nat(3000), fc.nat(90_000), fc.nat(900_000)),
  act: fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('charge' as const), id: fc.nat(40), charges: fc.nat(6), size: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('confirm' as const), id: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('peek' as const), charges: fc.nat(6), size: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('unconfirmed' as const), olderThanMs: fc.nat(60_000) }) },
  ),
})

/** Some charges, of sizes that policies may be edited to; of buckets only the burst, since from when on a new rate counts is theirs. */
const chargesOf = (which: number, size: number): readonly Charge[] =>
  [
    [window(3 + size)],
    [window(2, 30_000 * (1 + size))],
    [window(2 + size, 1_800_000, 'long')],
    [bucket(3, 3 + size)],
    [{ ...bucket(2, 4, 600_000), key: 'slow' }],
    [window(3), bucket(3, 2 + size)],
    [{ ...window(1 + size), isAdvisory: true }, bucket(3, 3), window(2, 1_800_000, 'long')],
  ][which] ?? []

describe('Redis and memory', () => {
  it('answer alike, whatever is asked and however windows and bursts are edited', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const clock = { ms: 1_800_000_000_000 }
        runs += 1
        const timing = { now: () => clock.ms }
        const both = [createMemoryRateLimits(timing), await open({ ...timing, prefix: `fuzz${runs}:` })] as const
        for (const { gapMs, act } of steps) {
          clock.ms += gapMs
          const ask = (store: RateLimits): Promise<unknown> => {
            if (act.do === 'charge') return store.charge(`id-${act.id}`, chargesOf(act.charges, act.size))
            if (act.do === 'peek') return store.peek(chargesOf(act.charges, act.size))
            if (act.do === 'confirm') return store.confirm([`id-${act.id}`])
            // Those of one moment come in any order.
            return store.unconfirmed(act.olderThanMs).then((ids) => ids.toSorted())
          }
          const [memory, other] = await Promise.all(both.map(ask))
          assert.deepEqual(withinOneMs(other, memory), memory, JSON.stringify(act))
        }
        await both[1].close()
      }),
      { numRuns: 60, seed: 26, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    )
  })
})

/** The same, where times that differ by the rounding of one millisecond are those of the other. */
function withinOneMs(answer: unknown, like: unknown): unknown {
  if (typeof answer === 'number' && typeof like === 'number' && Math.abs(answer - like) <= 1) return like
  if (Array.isArray(answer) && Array.isArray(like)) return answer.map((each, at) => withinOneMs(each, like[at]))
  if (typeof answer !== 'object' || answer === null || typeof like !== 'object' || like === null) return answer
  const others = new Map<string, unknown>(Object.entries(like))
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, withinOneMs(value, others.get(key))]))
}

const troubles: Record<string, TcpFault> = {
  'connections that are refused': { kind: 'refuse' },
  'a server that says nothing': { kind: 'halfOpen' },
  'a slow network': { kind: 'delay', ms: 30 },
  'answers that are cut': { kind: 'cut', direction: 'down', afterBytes: 100 },
  'answers that end early': { kind: 'truncate', direction: 'down', afterBytes: 100 },
  'requests that are cut': { kind: 'cut', direction: 'up', afterBytes: 3000 },
  'requests that end early': { kind: 'truncate', direction: 'up', afterBytes: 3000 },
}

describe('through trouble', () => {
  for (const [trouble, fault] of Object.entries(troubles)) {
    it(`${trouble}: 100 at once get exactly 10 of a limit of 10, and nothing hangs`, async () => {
      const [far, near] = [await throughProxy({ prefix: `${trouble}:` }), await open({ prefix: `${trouble}:` })]
      const charges = [window(10), bucket(1, 10)]
      await far.check()
      proxy.set(fault, { times: 3 })
      const began = performance.now()
      const asking = Array.from({ length: 100 }, (_, at) => insist(at % 4 === 0 ? near : far, `id-${at}`, charges))
      await eventually(() => proxy.fired > 0)
      await far.peek(charges).catch((error: unknown) => assert.ok(isError('Unavailable')(error), String(error)))
      assert.ok(performance.now() - began < 5000)
      proxy.set(undefined)
      const admitted = await Promise.all(asking)
      assert.equal(admitted.filter(Boolean).length, 10)
    })
  }

  it('a Redis that is gone fails each question within its time, and answers when it is back', async () => {
    const store = await throughProxy({ prefix: 'gone:' })
    await store.charge('a', [window(1)])
    await redis.kill()
    try {
      for (const asked of [() => store.charge('b', [window(1)]), () => store.peek([window(1)]), () => store.confirm(['a'])]) {
        const began = performance.now()
        await assert.rejects(asked(), isError('Unavailable'))
        assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`)
      }
    } finally {
      await redis.start()
    }
    assert.ok(await insist(store, 'c', [window(1)]))
  })

  it('what was told to have failed is not carried out when Redis is back', async () => {
    const [store, near] = [await throughProxy({ prefix: 'late:' }), await open({ prefix: 'late:' })]
    await store.check()
    for (const fault of [{ kind: 'refuse' }, { kind: 'halfOpen' }] as const) {
      proxy.set(fault)
      const asked = Array.from({ length: 20 }, (_, at) => store.charge(`${fault.kind}-${at}`, [window(100)]))
      for (const { status } of await Promise.allSettled(asked)) assert.equal(status, 'rejected')
      proxy.set(undefined)
      assert.ok(await insist(store, `${fault.kind}-after`, [window(100)]))
    }
    assert.deepEqual(await near.unconfirmed(0), ['refuse-after', 'halfOpen-after'])
  })
})
