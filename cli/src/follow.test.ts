import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobStatus } from '@mnemos/api'
import type { JobEvent } from '@mnemos/contract'
import { virtualClock } from '@mnemos/testkit'
import { follow } from './follow.ts'

const token = (id: string, text: string): JobEvent => ({ event: 'token', id, index: Number(id.split('-')[1]), text })
const succeeded: JobEvent = { event: 'status', status: { phase: 'Succeeded' } as JobStatus } // only the phase is read

/** A server that breaks the connection after each of these lists. */
function server(connections: readonly (readonly JobEvent[] | Error)[]) {
  const askedFrom: (string | undefined)[] = []
  const open = async function* (lastEventId: string | undefined): AsyncGenerator<JobEvent> {
    const events = connections[askedFrom.length] ?? []
    askedFrom.push(lastEventId)
    await Promise.resolve()
    if (events instanceof Error) throw events
    yield* events
  }
  return { open, askedFrom }
}

const cases: Record<
  string,
  { connections: readonly (readonly JobEvent[] | Error)[]; wantText: string; wantAskedFrom: readonly (string | undefined)[] }
> = {
  'tokens in one connection': {
    connections: [[token('1-0', 'a'), token('1-1', 'b'), succeeded, { event: 'end' }]],
    wantText: 'ab',
    wantAskedFrom: [undefined],
  },
  'a broken stream is taken up behind its last event': {
    connections: [[token('1-0', 'a')], new Error('reset'), [token('1-1', 'b'), succeeded, { event: 'end' }]],
    wantText: 'ab',
    wantAskedFrom: [undefined, '1-0', '1-0'],
  },
  'a new attempt is announced': {
    connections: [[token('1-0', 'a'), { event: 'reset', id: '2-0', attempt: 2 }, token('2-0', 'b'), succeeded, { event: 'end' }]],
    wantText: 'a|b',
    wantAskedFrom: [undefined],
  },
}

for (const [sentence, { connections, wantText, wantAskedFrom }] of Object.entries(cases)) {
  test(sentence, async () => {
    const clock = virtualClock()
    const { open, askedFrom } = server(connections)
    let text = ''
    const done = follow({
      open,
      clock,
      signal: new AbortController().signal,
      onToken: (piece) => (text += piece),
      onReset: () => (text += '|'),
    })
    await clock.advance(10_000)
    assert.equal((await done)?.phase, 'Succeeded')
    assert.equal(text, wantText)
    assert.deepEqual(askedFrom, wantAskedFrom)
  })
}

test('a refusal is not asked for again', async () => {
  const { open, askedFrom } = server([Object.assign(new Error('no Job x'), { status: 404 })])
  await assert.rejects(follow({ open, clock: virtualClock(), signal: new AbortController().signal }), { status: 404 })
  assert.equal(askedFrom.length, 1)
})
