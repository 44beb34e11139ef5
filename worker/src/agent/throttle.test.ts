import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { virtualClock } from '@mnemos/testkit'
import { throttle } from './throttle.ts'

describe('throttle', () => {
  it('sends the first at once, then the newest of each interval', async () => {
    const clock = virtualClock()
    const sent: [number, number][] = []
    const throttled = throttle((value: number) => sent.push([clock.monotonic(), value]), 1000, clock)
    throttled.push(1)
    throttled.push(2)
    await clock.advance(400)
    throttled.push(3)
    await clock.advance(600)
    await clock.advance(5000)
    throttled.push(4)
    assert.deepEqual(sent, [
      [0, 1],
      [1000, 3],
      [6000, 4],
    ])
  })

  it('sends nothing after stop', async () => {
    const clock = virtualClock()
    const sent: number[] = []
    const throttled = throttle((value: number) => sent.push(value), 1000, clock)
    throttled.push(1)
    throttled.push(2)
    throttled.stop()
    throttled.push(3)
    await clock.advance(5000)
    assert.deepEqual(sent, [1])
    assert.equal(clock.pending(), 0)
  })
})
