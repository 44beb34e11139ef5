import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import type { Pod } from '@mnemos/domain'
import { silentLogger, systemClock } from '@mnemos/kube'
import { type FollowOptions, followPod } from './follow-pod.ts'
import { LogStoreError } from './log-store.ts'

const config = { flushMs: 5, flushBytes: 1024, headBytes: 4096, tailBytes: 4096, giveUpMs: 0 }
const main = (state: object): NonNullable<Pod['status']> => ({ phase: 'Running', containerStatuses: [{ name: 'main', state }] })
const ended: Pod['status'] = { phase: 'Succeeded', containerStatuses: [{ name: 'main', state: { terminated: {} } }] }

interface Scene {
  /** The pod at each look; the last one stays. */
  readonly pods: readonly (Pod['status'] | 'gone')[]
  /** What each opening of the log gives; the last one stays. */
  readonly logs: readonly (() => Promise<Readable>)[]
  readonly put?: (stored: string, times: number) => void
}

async function follow({ pods, logs, put }: Scene): Promise<{ stored: string[]; marks: number }> {
  const stored: string[] = []
  let [looks, opens, marks, puts] = [0, 0, 0, 0]
  const options: FollowOptions = {
    config,
    name: { namespace: 'n', uid: 'u', attempt: 1 },
    pod: () => {
      const status = pods[Math.min(looks++, pods.length - 1)]
      return status === 'gone'
        ? undefined
        : { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, ...(status === undefined ? {} : { status }) }
    },
    changed: () => Promise.resolve(),
    open: () => logs[Math.min(opens++, logs.length - 1)]?.() ?? Promise.reject(new Error('no log')),
    store: {
      put: (_name, bytes) => {
        puts += 1
        put?.(bytes.toString(), puts)
        stored.push(bytes.toString())
        return Promise.resolve()
      },
      close: () => Promise.resolve(),
    },
    mark: () => {
      marks += 1
      return Promise.resolve()
    },
    clock: systemClock,
    logger: silentLogger,
  }
  await followPod(options, new AbortController().signal)
  return { stored, marks }
}

const reads =
  (...chunks: readonly string[]) =>
  () =>
    Promise.resolve(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))
const fails = (message: string) => () => Promise.reject(new Error(message))

test('nothing is read before the container begins, and the pod is marked when all is stored', async () => {
  const { stored, marks } = await follow({ pods: [{}, main({ waiting: {} }), ended], logs: [reads('one\n', 'two\n')] })
  assert.deepEqual([stored.at(-1), marks], ['one\ntwo\n', 1])
})

test('a log that breaks off is read again from its beginning, and what is stored never gets shorter', async () => {
  const broken = () => {
    const stream = new PassThrough()
    stream.write('one\ntwo\nthree\n')
    setImmediate(() => stream.destroy(new Error('cut')))
    return Promise.resolve(stream)
  }
  const { stored, marks } = await follow({
    pods: [main({ running: {} }), main({ running: {} }), ended],
    logs: [broken, reads('one\n'), reads('one\ntwo\nthree\nfour\n')],
  })
  assert.ok(!stored.includes('one\n'), 'a shorter reading is not stored')
  assert.deepEqual([stored.at(-1), marks], ['one\ntwo\nthree\nfour\n', 1])
})

test('a log that ended with its container running is read again once that has ended', async () => {
  const { stored, marks } = await follow({ pods: [main({ running: {} }), ended], logs: [reads('one\n'), reads('one\nlast\n')] })
  assert.deepEqual([stored.at(-1), marks], ['one\nlast\n', 1])
})

test('a pod that never began is marked, so that it can go', async () => {
  const { stored, marks } = await follow({ pods: [{ phase: 'Failed' }], logs: [] })
  assert.deepEqual([stored, marks], [[''], 1])
})

test('what was read of a pod that is gone is stored; there is nothing to mark', async () => {
  const { stored, marks } = await follow({ pods: [main({ running: {} }), 'gone'], logs: [reads('one\n')] })
  assert.deepEqual([stored.at(-1), marks], ['one\n', 0])
})

test('a log that cannot be read to its end is given up, says so, and its pod can go', async () => {
  const { stored, marks } = await follow({ pods: [main({ running: {} }), ended], logs: [reads('one\n'), fails('no route to the node')] })
  assert.deepEqual([stored.at(-1), marks], ['one\n… the rest of the log could not be read …\n', 1])
})

test('a server that is away is tried again', async () => {
  const away = (_stored: string, times: number): void => {
    if (times < 4) throw new LogStoreError('away')
  }
  const { stored, marks } = await follow({ pods: [ended], logs: [reads('one\n')], put: away })
  assert.deepEqual([stored, marks], [['one\n'], 1])
})

test('the log of a Job that is gone is wanted by nobody', async () => {
  const gone = (): void => {
    throw new LogStoreError('no such Job', { isFinal: true })
  }
  assert.deepEqual(await follow({ pods: [ended], logs: [reads('one\n')], put: gone }), { stored: [], marks: 0 })
})
