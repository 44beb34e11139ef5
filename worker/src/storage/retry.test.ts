import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { virtualClock } from '@mnemos/testkit'
import { backoffMs, retrying, Transient } from './retry.ts'

const never = new AbortController().signal
const timing = { firstMs: 100, longestMs: 1000, forMs: 5000, random: () => 1, signal: never }

/** Fails so many times, then returns; notes when it was called. */
function failing(times: number, clock: { monotonic(): number }, error: () => Error = () => new Transient('away')) {
  const calls: number[] = []
  const attempt = (): Promise<string> => {
    calls.push(clock.monotonic())
    return calls.length <= times ? Promise.reject(error()) : Promise.resolve('done')
  }
  return { calls, attempt }
}

describe('retrying', () => {
  it('pauses longer each time, up to the longest', async () => {
    const clock = virtualClock()
    const { calls, attempt } = failing(5, clock)
    const done = retrying(attempt, { ...timing, clock })
    await clock.advance(5000)
    assert.equal(await done, 'done')
    assert.deepEqual(calls, [0, 100, 300, 700, 1500, 2500])
  })

  it('gives up with the last error when the time is over', async () => {
    const clock = virtualClock()
    const { calls, attempt } = failing(1000, clock)
    const done = assert.rejects(retrying(attempt, { ...timing, clock }), /away/)
    await clock.advance(60_000)
    await done
    assert.ok((calls.at(-1) ?? 0) <= 5000)
  })

  it('counts the time anew after progress', async () => {
    const clock = virtualClock()
    let calls = 0
    const done = retrying(
      (progressed) => {
        calls += 1
        if (calls < 50) progressed()
        return calls <= 52 ? Promise.reject(new Transient('broken')) : Promise.resolve(calls)
      },
      { ...timing, clock, forMs: 2000 },
    )
    await clock.advance(60_000)
    assert.equal(await done, 53)
  })

  it('waits as long as the server asks for', async () => {
    const clock = virtualClock()
    const { calls, attempt } = failing(1, clock, () => new Transient('busy', { retryAfterMs: 3000 }))
    const done = retrying(attempt, { ...timing, clock })
    await clock.advance(3000)
    await done
    assert.deepEqual(calls, [0, 3000])
  })

  it('passes any other error through at once', async () => {
    const clock = virtualClock()
    const { calls, attempt } = failing(1, clock, () => new TypeError('mine'))
    await assert.rejects(retrying(attempt, { ...timing, clock }), TypeError)
    assert.equal(calls.length, 1)
  })

  it("rejects with the signal's reason while it pauses", async () => {
    const clock = virtualClock()
    const controller = new AbortController()
    const { attempt } = failing(1000, clock)
    const done = assert.rejects(retrying(attempt, { ...timing, clock, signal: controller.signal }), /enough/)
    await clock.advance(150)
    controller.abort(new Error('enough'))
    await done
    assert.equal(clock.pending(), 0)
  })

  it('never pauses less than half', () => {
    assert.equal(
      backoffMs(0, timing, () => 0),
      50,
    )
    assert.equal(
      backoffMs(50, timing, () => 0),
      500,
    )
  })
})
