import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Job, JobStatus } from '@mnemos/api'
import type { ServerSentEvent } from '@mnemos/contract'
import { createMemoryStreamStore, type MemoryStreamOptions, StreamStoreError } from '@mnemos/stores'
import { aJob, eventually } from '@mnemos/testkit'
import type { JobFollower } from './job-follower.ts'
import { jobEvents } from './job-stream.ts'

interface World {
  readonly streams: ReturnType<typeof createMemoryStreamStore>
  /** The Job changes, and those who wait hear of it. */
  become(phase: JobStatus['phase'], status?: Partial<JobStatus>): void
  vanish(): void
  /** Waits for a change that nobody has ended. */
  waiting(): number
  readonly results: Map<string, string>
  open(options?: { lastEventId?: string; signal?: AbortSignal }): AsyncGenerator<ServerSentEvent>
  /** Everything until the end, as short words. */
  told(options?: { lastEventId?: string; signal?: AbortSignal }): Promise<string[]>
}

/** A Job that is followed, and the streams of its attempts. */
function aWorld(job: Job | 'not cached' = aJob('j').build(), options: MemoryStreamOptions = {}): World {
  const streams = createMemoryStreamStore(options)
  const results = new Map<string, string>()
  const waiting = new Set<() => void>()
  const first = job === 'not cached' ? aJob('j').build() : job
  let current = job === 'not cached' ? undefined : job
  const set = (changed: Job | undefined): void => {
    current = changed
    for (const wake of [...waiting]) wake()
  }
  const follower: JobFollower = {
    get: () => current,
    changed: (_uid, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(done)
          resolve()
        }
        waiting.add(done)
        if (signal.aborted) done()
        else signal.addEventListener('abort', done, { once: true })
      }),
    named: () => undefined,
    inNamespace: () => [],
    hasSynced: () => true,
    run: () => Promise.resolve(),
  }
  const open: World['open'] = ({ lastEventId, signal = new AbortController().signal } = {}) =>
    jobEvents(
      { follower, streams, lastTokensMs: 20, resultOf: ({ metadata: { uid = '' } }) => Promise.resolve(results.get(uid)) },
      first,
      lastEventId,
      signal,
    )
  return {
    streams,
    results,
    become: (phase, status) => set(aJob('j').thatIs(phase, status).build()),
    vanish: () => set(undefined),
    waiting: () => waiting.size,
    open,
    told: async (how) => (await Array.fromAsync(open(how))).map(inShort),
  }
}

function inShort({ event, id, data }: ServerSentEvent): string {
  const value = JSON.parse(data) as { text?: string; phase?: string } // written by the code under test
  if (event === 'token') return `${id ?? '?'}:${value.text ?? '?'}`
  return event === 'status' ? `(${value.phase ?? '?'})` : event
}

const tokens = (...texts: string[]) => texts.map((text, index) => ({ index, text }))
const running = (attempt: number): Job => aJob('j').thatIs('Running', { attempt }).build()
const over = (phase: JobStatus['phase'], attempt = 1): Job => aJob('j').thatIs(phase, { attempt }).build()
const answer = JSON.stringify({
  text: 'whole',
  finishReason: 'stop',
  usage: { promptTokens: 1, completionTokens: 1, durationMs: 1 },
})

/** Reads on in the background; `seen` grows. */
function reading(events: AsyncGenerator<ServerSentEvent>): { readonly seen: string[]; readonly done: Promise<void> } {
  const seen: string[] = []
  const done = (async () => {
    for await (const event of events) seen.push(inShort(event))
  })()
  return { seen, done }
}

const finished: Record<string, { job: Job; stream?: string[]; result?: string; lastEventId?: string; want: string[] }> = {
  'a Job that is over is told from its stream': {
    job: over('Succeeded'),
    stream: ['a', 'b'],
    result: answer,
    want: ['1-0:a', '1-1:b', '(Succeeded)', 'end'],
  },
  'a reader that comes back gets what is behind its last token': {
    job: over('Succeeded'),
    stream: ['a', 'b', 'c'],
    lastEventId: '1-0',
    want: ['1-1:b', '1-2:c', '(Succeeded)', 'end'],
  },
  'a reader that had everything gets the end': {
    job: over('Succeeded'),
    stream: ['a', 'b'],
    lastEventId: '1-1',
    want: ['(Succeeded)', 'end'],
  },
  'a reader of an older attempt is reset first': {
    job: over('Succeeded', 2),
    stream: ['A'],
    lastEventId: '1-7',
    want: ['reset', '2-0:A', '(Succeeded)', 'end'],
  },
  'a reader that was reset last gets the attempt from its beginning': {
    job: over('Succeeded', 2),
    stream: ['A'],
    lastEventId: '2-reset',
    want: ['2-0:A', '(Succeeded)', 'end'],
  },
  'an id that was never given out is as none': {
    job: over('Succeeded'),
    stream: ['a'],
    lastEventId: 'seven',
    want: ['1-0:a', '(Succeeded)', 'end'],
  },
  'an id of an attempt that never was is as none': {
    job: over('Succeeded'),
    stream: ['a'],
    lastEventId: '9-3',
    want: ['1-0:a', '(Succeeded)', 'end'],
  },
  'a stream that is lost is told as one token from the stored result': {
    job: over('Succeeded'),
    result: answer,
    want: ['1-0:whole', '(Succeeded)', 'end'],
  },
  'a reader that had part of a lost stream is not told its text twice': {
    job: over('Succeeded'),
    result: answer,
    lastEventId: '1-3',
    want: ['(Succeeded)', 'end'],
  },
  'a result that is no answer is left out': { job: over('Succeeded'), result: '{"rows": 3}', want: ['(Succeeded)', 'end'] },
  'a result that is no JSON is left out': { job: over('Succeeded'), result: '<html>', want: ['(Succeeded)', 'end'] },
  'a result that is no longer stored is left out': { job: over('Succeeded'), want: ['(Succeeded)', 'end'] },
  'a Job that failed says what it said, and has no result': {
    job: over('Failed'),
    stream: ['a'],
    result: answer,
    want: ['1-0:a', '(Failed)', 'end'],
  },
  'a Job that failed before it spoke only ends': { job: over('Failed', 0), result: answer, want: ['(Failed)', 'end'] },
  'a Job that was cancelled only ends': { job: over('Cancelled', 0), want: ['(Cancelled)', 'end'] },
}

describe('a Job that is over', () => {
  for (const [sentence, { job, stream, result, lastEventId, want }] of Object.entries(finished)) {
    test(sentence, async () => {
      const world = aWorld(job)
      const name = `uid-j/${job.status?.attempt ?? 0}`
      if (stream !== undefined) {
        await world.streams.append(name, tokens(...stream))
        await world.streams.end(name)
      }
      if (result !== undefined) world.results.set('uid-j', result)
      assert.deepEqual(await world.told(lastEventId === undefined ? {} : { lastEventId }), want)
    })
  }

  test('whose worker died in the middle of a sentence is not waited for', async () => {
    const world = aWorld(over('Failed'))
    await world.streams.append('uid-j/1', tokens('a'))
    assert.deepEqual(await world.told(), ['1-0:a', '(Failed)', 'end'])
  })

  test('whose beginning is no longer in memory is told from the stored result', async () => {
    const world = aWorld(over('Succeeded'), { maxStreamLength: 2 })
    await world.streams.append('uid-j/1', tokens('aa', 'bb', 'cc'))
    await world.streams.end('uid-j/1')
    world.results.set('uid-j', answer)
    assert.deepEqual(await world.told(), ['1-0:whole', '(Succeeded)', 'end'])
  })
})

describe('a stream that is lost', () => {
  const text = 'one two three'
  const stored = JSON.stringify({ ...(JSON.parse(answer) as object), text })

  test('in the middle is told on from the stored result', async () => {
    const world = aWorld(running(1))
    world.results.set('uid-j', stored)
    const { seen, done } = reading(world.open())
    await world.streams.append('uid-j/1', tokens('one', ' two'))
    await eventually(() => seen.length === 3)
    await world.streams.drop('uid-j/1')
    world.become('Succeeded', { attempt: 1 })
    await done
    assert.deepEqual(seen, ['(Running)', '1-0:one', '1-1: two', '1-2: three', '(Succeeded)', 'end'])
  })

  test('after its last token is not told again', async () => {
    const world = aWorld(running(1))
    world.results.set('uid-j', stored)
    const { seen, done } = reading(world.open())
    await world.streams.append('uid-j/1', tokens(text))
    await eventually(() => seen.length === 2)
    await world.streams.drop('uid-j/1')
    world.become('Succeeded', { attempt: 1 })
    await done
    assert.deepEqual(seen, ['(Running)', `1-0:${text}`, '(Succeeded)', 'end'])
  })

  test('before its end came is told on from the stored result', async () => {
    const world = aWorld(over('Succeeded'))
    world.results.set('uid-j', stored)
    await world.streams.append('uid-j/1', tokens('one'))
    assert.deepEqual(await world.told(), ['1-0:one', '1-1: two three', '(Succeeded)', 'end'])
  })

  test('is not told on by a result that says something else', async () => {
    const world = aWorld(over('Succeeded'))
    world.results.set('uid-j', stored)
    await world.streams.append('uid-j/1', tokens('uno'))
    assert.deepEqual(await world.told(), ['1-0:uno', '(Succeeded)', 'end'])
  })

  test('with its whole store is told from the stored result', async () => {
    const world = aWorld(over('Succeeded'))
    world.results.set('uid-j', stored)
    world.streams.next = () => Promise.reject(new StreamStoreError('Unavailable', 'Redis is away'))
    assert.deepEqual(await world.told(), [`1-0:${text}`, '(Succeeded)', 'end'])
  })
})

describe('a Job that runs', () => {
  test('is told token by token, and its last tokens before its end', async () => {
    const world = aWorld(running(1))
    const { seen, done } = reading(world.open())
    await world.streams.append('uid-j/1', tokens('a'))
    await eventually(() => seen.length === 2)
    assert.deepEqual(seen, ['(Running)', '1-0:a'])
    await world.streams.append('uid-j/1', [{ index: 1, text: 'b' }])
    await world.streams.end('uid-j/1')
    world.become('Succeeded', { attempt: 1 })
    await done
    assert.deepEqual(seen.slice(2), ['1-1:b', '(Succeeded)', 'end'])
  })

  test('is waited for when its stream ends before it does', async () => {
    const world = aWorld(running(1))
    const { seen, done } = reading(world.open())
    await world.streams.append('uid-j/1', tokens('a'))
    await world.streams.end('uid-j/1')
    await eventually(() => seen.includes('1-0:a'))
    world.become('Succeeded', { attempt: 1 })
    await done
    assert.deepEqual(seen, ['(Running)', '1-0:a', '(Succeeded)', 'end'])
  })

  test('that is tried again begins anew with a reset', async () => {
    const world = aWorld(running(1))
    const { seen, done } = reading(world.open())
    await world.streams.append('uid-j/1', tokens('a', 'b'))
    await eventually(() => seen.length === 3)
    world.become('Retrying', { attempt: 1 })
    await eventually(() => seen.includes('(Retrying)'))
    world.become('Running', { attempt: 2 })
    await world.streams.append('uid-j/2', tokens('A'))
    await world.streams.end('uid-j/2')
    await eventually(() => seen.includes('2-0:A'))
    world.become('Succeeded', { attempt: 2 })
    await done
    assert.deepEqual(seen, ['(Running)', '1-0:a', '1-1:b', '(Retrying)', 'reset', '(Running)', '2-0:A', '(Succeeded)', 'end'])
  })

  test('is told once per change of its status, however often it is touched', async () => {
    const world = aWorld(aJob('j').thatIs('Pending').build())
    const { seen, done } = reading(world.open())
    for (const phase of ['Pending', 'Pending', 'Scheduled', 'Scheduled', 'Cancelled'] as const) {
      await eventually(() => world.waiting() === 1)
      world.become(phase)
    }
    await done
    assert.deepEqual(seen, ['(Pending)', '(Scheduled)', '(Cancelled)', 'end'])
  })

  test('and changes while its reader is busy is not missed', async () => {
    const world = aWorld()
    const events = world.open()
    assert.equal(inShort((await events.next()).value as ServerSentEvent), '(Pending)')
    world.become('Failed')
    assert.deepEqual((await Array.fromAsync(events)).map(inShort), ['(Failed)', 'end'])
  })

  test('and has no status yet is waited for in silence', async () => {
    const { status: _status, ...fresh } = aJob('j').build()
    const world = aWorld(fresh)
    const { seen, done } = reading(world.open())
    await eventually(() => world.waiting() === 1)
    assert.deepEqual(seen, [])
    world.become('Cancelled')
    await done
    assert.deepEqual(seen, ['(Cancelled)', 'end'])
  })

  test('ends when it is deleted', async () => {
    const world = aWorld(running(1))
    const { seen, done } = reading(world.open())
    await eventually(() => world.waiting() === 1)
    world.vanish()
    await done
    assert.deepEqual(seen, ['(Running)', 'end'])
  })

  test('and is not in the cache yet is told as its reader saw it', async () => {
    const world = aWorld('not cached')
    const { seen, done } = reading(world.open())
    await eventually(() => world.waiting() === 1)
    world.become('Cancelled')
    await done
    assert.deepEqual(seen, ['(Pending)', '(Cancelled)', 'end'])
  })
})

describe('a reader that goes away', () => {
  for (const phase of ['Pending', 'Running'] as const) {
    test(`while the Job is ${phase} leaves nothing behind, and is told no end`, async () => {
      const world = aWorld(aJob('j').thatIs(phase, { attempt: 1 }).build())
      const gone = new AbortController()
      const { seen, done } = reading(world.open({ signal: gone.signal }))
      await eventually(() => seen.length === 1 && world.waiting() === 1)
      gone.abort()
      await done
      assert.equal(world.waiting(), 0)
      assert.deepEqual(seen, [`(${phase})`])
    })
  }

  test('between two events leaves nothing behind', async () => {
    const world = aWorld(running(1))
    const events = world.open()
    await world.streams.append('uid-j/1', tokens('a', 'b'))
    await events.next()
    assert.equal(inShort((await events.next()).value as ServerSentEvent), '1-0:a')
    await events.return(undefined)
    assert.equal(world.waiting(), 0)
  })

  test('before the first event hears nothing', async () => {
    assert.deepEqual(await aWorld().told({ signal: AbortSignal.abort() }), [])
  })
})
