import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { virtualClock } from '@mnemos/testkit'
import fc from 'fast-check'
import { createQueue, type WorkQueue } from './queue.ts'

const forever = new AbortController().signal

/** Takes what is ready now, without waiting. */
async function taken(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = []
  while (queue.length > 0) keys.push(await queue.take(forever))
  return keys
}

describe('a work queue', () => {
  it('gives a key once, however often it was added', async () => {
    const queue = createQueue()
    for (let count = 0; count < 5; count += 1) queue.add('a')
    assert.deepEqual(await taken(queue), ['a'])
  })

  it('gives a key that was added while it is worked on again, but only when it is done', async () => {
    const queue = createQueue()
    queue.add('a')
    assert.equal(await queue.take(forever), 'a')
    queue.add('a')
    assert.equal(queue.length, 0)
    queue.done('a')
    assert.deepEqual(await taken(queue), ['a'])
  })

  it('keeps no process alive for keys that are to come later, once it is closed', () => {
    const clock = virtualClock()
    const queue = createQueue({ clock })
    queue.add('later', { afterMs: 3_600_000 })
    assert.equal(clock.pending(), 1)
    queue.close()
    queue.add('later still', { afterMs: 7_200_000 })
    assert.equal(clock.pending(), 0)
  })

  it('gives the higher priority first, and within one the earlier', async () => {
    const queue = createQueue()
    queue.add('old')
    queue.add('new')
    queue.add('urgent', { priority: 10 })
    queue.add('raised')
    queue.add('raised', { priority: 5 })
    queue.add('urgent', { priority: -5 })
    assert.deepEqual(await taken(queue), ['urgent', 'raised', 'old', 'new'])
  })

  it('keeps the priority of a key that was added while it was worked on', async () => {
    const queue = createQueue()
    queue.add('a')
    await queue.take(forever)
    queue.add('a', { priority: 3 })
    queue.add('b', { priority: 2 })
    queue.done('a')
    assert.deepEqual(await taken(queue), ['a', 'b'])
  })

  it('gives a delayed key at its time, at the soonest time asked for', async () => {
    const clock = virtualClock()
    const queue = createQueue({ clock })
    queue.add('a', { afterMs: 100 })
    queue.add('a', { afterMs: 50 })
    queue.add('a', { afterMs: 200 })
    await clock.advance(49)
    assert.equal(queue.length, 0)
    await clock.advance(1)
    assert.deepEqual(await taken(queue), ['a'])
    queue.done('a')
    await clock.advance(1000)
    assert.equal(queue.length, 0, 'once')
    assert.equal(clock.pending(), 0)
  })

  it('doubles the wait of a failing key and of nobody else, until it is forgotten', async () => {
    const clock = virtualClock()
    const queue = createQueue({ clock, baseMs: 5, maxMs: 12 })
    const waits: number[] = []
    for (let count = 0; count < 4; count += 1) {
      const began = clock.monotonic()
      queue.addRateLimited('bad')
      while (queue.length === 0) await clock.advance(1)
      waits.push(clock.monotonic() - began)
      queue.done(await queue.take(forever))
    }
    assert.deepEqual(waits, [5, 10, 12, 12])
    assert.equal(queue.failures('bad'), 4)
    queue.addRateLimited('other')
    await clock.advance(5)
    assert.deepEqual(await taken(queue), ['other'])
    queue.forget('bad')
    assert.equal(queue.failures('bad'), 0)
  })

  it('hands a key to whoever waits, one each, and forgets a waiter whose signal aborted', async () => {
    const queue = createQueue()
    const gone = new AbortController()
    const first = queue.take(gone.signal)
    const second = queue.take(forever)
    gone.abort(new Error('enough'))
    await assert.rejects(first, /enough/)
    queue.add('a')
    assert.equal(await second, 'a')
    await assert.rejects(queue.take(gone.signal), /enough/, 'a signal that aborted before')
  })
})

describe('whatever is added, taken, done and waited for', () => {
  type Step =
    | { readonly do: 'add'; readonly key: string; readonly priority: number; readonly afterMs: number }
    | { readonly do: 'fail'; readonly key: string }
    | { readonly do: 'take' | 'done' | 'wait' }
  const key = fc.constantFrom('a', 'b', 'c', 'd')
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      do: fc.constant('add' as const),
      key,
      priority: fc.integer({ min: -2, max: 2 }),
      afterMs: fc.constantFrom(0, 0, 0, 7, 20),
    }),
    fc.record({ do: fc.constant('fail' as const), key }),
    fc.record({ do: fc.constantFrom('take' as const, 'done' as const, 'wait' as const) }),
  )

  it('no key is out twice at once, none comes unasked, and none that was asked for is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = virtualClock()
        const queue = createQueue({ clock })
        const out = new Set<string>()
        /** Keys that must come (again), because they were added since they were last taken. */
        const owed = new Set<string>()
        const take = async (): Promise<void> => {
          const next = await queue.take(forever)
          assert.ok(!out.has(next), `${next} is out already`)
          assert.ok(owed.delete(next) || delayedAsWell.delete(next), `${next} came unasked`)
          out.add(next)
        }
        /** Keys that were added with a delay, too: they may come once more than a set can count. */
        const delayedAsWell = new Set<string>()
        for (const each of steps) {
          if (each.do === 'add' || each.do === 'fail') {
            if (each.do === 'fail' || each.afterMs > 0) delayedAsWell.add(each.key)
            owed.add(each.key)
            if (each.do === 'fail') queue.addRateLimited(each.key)
            else queue.add(each.key, { priority: each.priority, afterMs: each.afterMs })
          } else if (each.do === 'take' && queue.length > 0) await take()
          else if (each.do === 'wait') await clock.advance(10)
          else if (each.do === 'done') {
            const [first] = out
            if (first === undefined) continue
            out.delete(first)
            queue.done(first)
          }
        }
        for (let round = 0; round < 10 && (owed.size > 0 || out.size > 0); round += 1) {
          await clock.advance(60_000)
          for (const each of out) queue.done(each)
          out.clear()
          while (queue.length > 0) await take()
        }
        assert.deepEqual([...owed], [], 'lost')
      }),
      { numRuns: 200 },
    )
  })
})
