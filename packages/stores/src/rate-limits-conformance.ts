/** What every RateLimits must do, as a suite that runs against any of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Charge, RateLimits, RateLimitsTiming, SlidingWindow, TokenBucket } from './rate-limits.ts'

const minute = 60_000
const sliding = (requests: number, windowMs = minute): SlidingWindow => ({ algorithm: 'SlidingWindow', requests, windowMs })
const bucket = (requests: number, burst: number, windowMs = minute): TokenBucket => ({
  algorithm: 'TokenBucket',
  requests,
  windowMs,
  burst,
})
const one = (limit: Charge['limit'], key = 'k'): readonly Charge[] => [{ key, limit }]

/** Times that look random and are the same in every run: a linear congruential generator. */
function gaps(seed: number, count: number, mostMs: number): readonly number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state % mostMs
  })
}

/**
 * @param open a store with nothing in it
 * @param openAnother one that counts together with what `open` last gave, as another process does; without it both are one
 */
export function rateLimitsConformance(
  name: string,
  open: (timing: RateLimitsTiming) => Promise<RateLimits>,
  openAnother?: (timing: RateLimitsTiming) => Promise<RateLimits>,
): void {
  /** A store whose time stands still until it is moved. */
  const opened = async () => {
    const clock = { ms: 1_800_000_000_000 }
    const timing = { now: () => clock.ms }
    const store = await open(timing)
    const other = (await openAnother?.(timing)) ?? store
    let made = 0
    /** Charges a new id; answers its waits, or that it was admitted. */
    const take = async (charges: readonly Charge[], from = store): Promise<'admitted' | number> => {
      made += 1
      const { isAdmitted, full } = await from.charge(`id-${made}`, charges)
      return isAdmitted ? 'admitted' : (full[0]?.admitsInMs ?? Number.NaN)
    }
    const peek = async (charges: readonly Charge[]): Promise<'admitted' | number> => {
      const { isAdmitted, full } = await other.peek(charges)
      return isAdmitted ? 'admitted' : (full[0]?.admitsInMs ?? Number.NaN)
    }
    /** Charges and confirms. */
    const does = async (charges: readonly Charge[]): Promise<'admitted' | number> => {
      const answer = await take(charges)
      await store.confirm([`id-${made}`])
      return answer
    }
    return { clock, store, other, take, peek, done: does }
  }

  describe(`${name} as RateLimits`, () => {
    it('a window admits its requests and no more, says when it will, and does', async () => {
      const { clock, take, peek } = await opened()
      const limit = one(sliding(2, 10_000))
      assert.equal(await take(limit), 'admitted')
      clock.ms += 4000
      assert.equal(await take(limit), 'admitted')
      clock.ms += 1000
      assert.deepEqual([await take(limit), await peek(limit)], [5000, 5000])
      clock.ms += 4999
      assert.equal(await take(limit), 1)
      clock.ms += 1
      assert.equal(await take(limit), 'admitted')
      assert.equal(await take(limit), 4000)
    })
    it('a window never holds more than its requests, wherever it begins', async () => {
      const { clock, done } = await opened()
      const admitted: number[] = []
      for (const gap of gaps(7, 300, 400)) {
        clock.ms += gap
        if ((await done(one(sliding(5, 1000)))) === 'admitted') admitted.push(clock.ms)
      }
      for (const start of admitted) assert.ok(admitted.filter((at) => at >= start && at < start + 1000).length <= 5)
      assert.ok(admitted.length > 150, `only ${admitted.length} were admitted`)
    })
    it('a window of a day remembers a day', async () => {
      const { clock, done } = await opened()
      const limit = one(sliding(1, 24 * 60 * minute))
      assert.equal(await done(limit), 'admitted')
      clock.ms += 23 * 60 * minute
      assert.equal(await done(limit), 60 * minute)
      clock.ms += 60 * minute
      assert.equal(await done(limit), 'admitted')
    })
    it('a bucket gives its burst at once, and then evenly', async () => {
      const { clock, take, peek } = await opened()
      const limit = one(bucket(6, 3))
      for (let at = 0; at < 3; at++) assert.equal(await take(limit), 'admitted')
      assert.deepEqual([await take(limit), await peek(limit)], [10_000, 10_000])
      clock.ms += 9999
      assert.equal(await take(limit), 1)
      clock.ms += 1
      assert.equal(await take(limit), 'admitted')
      assert.equal(await take(limit), 10_000)
    })
    it('a bucket holds no more than its burst, however long nobody came', async () => {
      const { clock, done } = await opened()
      const limit = one(bucket(60, 2))
      assert.equal(await done(limit), 'admitted')
      clock.ms += 100 * minute
      assert.deepEqual([await done(limit), await done(limit), await done(limit)], ['admitted', 'admitted', 1000])
    })
    it('a bucket never gives more than its burst and what flowed in', async () => {
      const { clock, done } = await opened()
      const admitted: number[] = []
      for (const gap of gaps(11, 300, 1500)) {
        clock.ms += gap
        if ((await done(one(bucket(60, 4)))) === 'admitted') admitted.push(clock.ms)
      }
      for (const from of admitted) {
        for (const to of admitted.filter((at) => at >= from)) {
          const count = admitted.filter((at) => at >= from && at <= to).length
          assert.ok(count <= 4 + (to - from) / 1000 + 1e-6, `${count} in ${to - from} ms`)
        }
      }
      assert.ok(admitted.length > 150, `only ${admitted.length} were admitted`)
    })
    it('charges all limits or none, and names each that is full', async () => {
      const { store, peek } = await opened()
      const [wide, narrow, tight] = [
        { key: 'wide', limit: sliding(2) },
        { key: 'narrow', limit: bucket(60, 1) },
        { key: 'tight', limit: sliding(1) },
      ]
      assert.ok((await store.charge('a', [narrow, tight])).isAdmitted)
      assert.deepEqual(await store.charge('b', [wide, narrow, tight]), {
        isAdmitted: false,
        full: [
          { index: 1, admitsInMs: 1000 },
          { index: 2, admitsInMs: minute },
        ],
      })
      assert.ok((await store.charge('c', [wide])).isAdmitted)
      assert.ok((await store.charge('d', [wide])).isAdmitted)
      assert.equal(await peek([wide]), minute)
    })
    it('tells of an advisory limit that is full, and refuses nothing for it', async () => {
      const { store } = await opened()
      const charges: readonly Charge[] = [
        { key: 'told', limit: sliding(1), isAdvisory: true },
        { key: 'kept', limit: sliding(2) },
      ]
      assert.deepEqual(await store.charge('a', charges), { isAdmitted: true, full: [] })
      assert.deepEqual(await store.charge('b', charges), { isAdmitted: true, full: [{ index: 0, admitsInMs: minute }] })
      const { isAdmitted, full } = await store.charge('c', charges)
      assert.deepEqual([isAdmitted, full.map(({ index }) => index)], [false, [0, 1]])
    })
    it('charges an id once, whoever asks, before and after it is confirmed', async () => {
      const { store, other, peek } = await opened()
      const limits: readonly Charge[] = [
        { key: 'w', limit: sliding(2) },
        { key: 'b', limit: bucket(60, 2) },
      ]
      const [first, ...rest] = await Promise.all([store, other, store, other].map((from) => from.charge('same', limits)))
      assert.deepEqual([first, ...rest], Array(4).fill({ isAdmitted: true, full: [] }))
      await other.confirm(['same'])
      assert.ok((await store.charge('same', limits)).isAdmitted)
      assert.equal(await peek(limits), 'admitted')
      assert.ok((await other.charge('next', limits)).isAdmitted)
      assert.notEqual(await peek(limits), 'admitted')
      assert.ok((await store.charge('same', limits)).isAdmitted)
    })
    it('admits exactly as many as there is room for when all come at once', async () => {
      const { store, other } = await opened()
      for (const [key, limit] of Object.entries({ window: sliding(10), bucket: bucket(1, 10) })) {
        const outcomes = await Promise.all(
          Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? store : other).charge(`${key}-${at}`, one(limit, key))),
        )
        assert.equal(outcomes.filter(({ isAdmitted }) => isAdmitted).length, 10)
      }
    })
    it('takes nothing for a look', async () => {
      const { other, peek, take } = await opened()
      for (const limit of [one(sliding(1), 'w'), one(bucket(1, 1), 'b')]) {
        for (let at = 0; at < 5; at++) assert.equal(await peek(limit), 'admitted')
        assert.equal(await take(limit), 'admitted')
        assert.equal(await peek(limit), minute)
      }
      assert.equal((await other.unconfirmed(0)).length, 2)
    })
    it('forgets after a minute what nobody confirmed', async () => {
      const { clock, take, peek } = await opened()
      const limits = [one(sliding(1, 60 * minute), 'w'), one(bucket(1, 1, 60 * minute), 'b')]
      for (const limit of limits) assert.equal(await take(limit), 'admitted')
      clock.ms += minute - 1
      for (const limit of limits) assert.notEqual(await peek(limit), 'admitted')
      clock.ms += 1
      for (const limit of limits) {
        assert.equal(await take(limit), 'admitted')
        assert.notEqual(await take(limit), 'admitted')
      }
    })
    it('keeps what was confirmed for as long as it matters', async () => {
      const { clock, done, peek } = await opened()
      const limits = [one(sliding(1, 60 * minute), 'w'), one(bucket(1, 1, 60 * minute), 'b')]
      for (const limit of limits) assert.equal(await done(limit), 'admitted')
      for (const wait of [59, 30, 10, 1]) {
        clock.ms += (60 - wait) * minute - (clock.ms - 1_800_000_000_000)
        for (const limit of limits) assert.equal(await peek(limit), wait * minute)
      }
      clock.ms += minute
      for (const limit of limits) assert.equal(await peek(limit), 'admitted')
    })
    it('remembers again what was confirmed late, unless it was far too late', async () => {
      const { clock, store, other, peek } = await opened()
      const limits: readonly Charge[] = [
        { key: 'w', limit: sliding(1, 60 * minute) },
        { key: 'b', limit: bucket(1, 1, 60 * minute) },
      ]
      assert.ok((await store.charge('a', limits)).isAdmitted)
      clock.ms += 2 * minute
      for (const limit of limits) assert.equal(await peek([limit]), 'admitted')
      assert.deepEqual(await other.confirm(['a', 'unknown']), ['a'])
      for (const limit of limits) assert.equal(await peek([limit]), 58 * minute)
      clock.ms += 58 * minute
      assert.ok((await store.charge('b', limits)).isAdmitted)
      clock.ms += 11 * minute
      assert.deepEqual(await other.confirm(['b']), [])
      for (const limit of limits) assert.equal(await peek([limit]), 'admitted')
    })
    it('a bucket counts as if what it forgot had never been', async () => {
      const { clock, store, take, done, peek } = await opened()
      const limit = one(bucket(1, 3, 30_000))
      assert.equal(await take(limit), 'admitted')
      assert.equal(await take(limit), 'admitted')
      clock.ms += 45_000
      assert.equal(await done(limit), 'admitted')
      assert.equal(await done(limit), 'admitted')
      assert.equal(await take(limit), 15_000)
      clock.ms += 15_000
      // Without the first two it held 3 until now less 15 s, gave 2, and got half a one back.
      assert.equal(await take(limit), 'admitted')
      assert.equal(await peek(limit), 15_000)
      assert.equal((await store.unconfirmed(0)).length, 3)
    })
    it('names what waits to be confirmed, oldest first', async () => {
      const { clock, store, other } = await opened()
      for (const id of ['a', 'b', 'c']) {
        await store.charge(id, one(sliding(10)))
        clock.ms += 1000
      }
      assert.deepEqual(await other.unconfirmed(1000), ['a', 'b', 'c'])
      assert.deepEqual(await other.unconfirmed(2000), ['a', 'b'])
      assert.deepEqual(await other.confirm(['b', 'b', 'x']), ['b'])
      assert.deepEqual(await store.unconfirmed(0), ['a', 'c'])
      assert.deepEqual(await store.confirm(['b']), [])
      clock.ms += 10 * minute
      assert.deepEqual(await store.unconfirmed(0), [])
    })
    it('goes on with what was counted when a limit changes, and begins anew with another algorithm', async () => {
      const { clock, done, peek } = await opened()
      for (let at = 0; at < 4; at++) {
        assert.equal(await done(one(sliding(4))), 'admitted')
        clock.ms += 1000
      }
      assert.equal(await peek(one(sliding(5))), 'admitted')
      assert.equal(await peek(one(sliding(2))), 58_000 + 1000 * 2 - 2000)
      assert.equal(await peek(one(sliding(4, 2000))), 'admitted')
      assert.equal(await peek(one(bucket(4, 1))), 'admitted')
      assert.equal(await done(one(bucket(60, 1))), 'admitted')
      assert.equal(await peek(one(bucket(6, 1))), 10_000)
      assert.equal(await peek(one(bucket(6, 2))), 'admitted')
    })
    it('asks nothing for no limits, and keeps keys apart', async () => {
      const { store, take } = await opened()
      assert.deepEqual(await store.charge('a', []), { isAdmitted: true, full: [] })
      assert.deepEqual(await store.peek([]), { isAdmitted: true, full: [] })
      for (const key of ['a', 'b', 'a:b', '{x}', 'ä €']) assert.equal(await take(one(sliding(1), key)), 'admitted')
    })
    it('answers when it is asked whether it does', async () => {
      const { store } = await opened()
      await store.check()
      await store.close()
    })
  })
}
