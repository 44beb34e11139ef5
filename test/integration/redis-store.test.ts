/** Token streams on a real Redis: the suite that every store of streams passes, and what Redis and networks do on bad days. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, describe, it } from 'node:test'
import { createRedisStreamStore, type StreamStore, StreamStoreError, type StreamToken, streamStoreConformance } from '@mnemos/stores'
import { eventually, startRedisServer, startTcpProxy, type TcpFault } from '@mnemos/testkit'

const redis = await startRedisServer()
const opened: StreamStore[] = []
after(() => Promise.all(opened.map((store) => store.close())))
let made = 0
const open = async (more: object = {}): Promise<StreamStore> => {
  const store = await createRedisStreamStore({ url: redis.url, password: redis.password, prefix: `t${made}:`, timeoutMs: 1000, ...more })
  opened.push(store)
  return store
}

streamStoreConformance(
  'Redis',
  () => {
    made += 1
    return open()
  },
  () => open(),
)

const proxy = await startTcpProxy(redis.port)
const throughProxy = (more: object = {}): Promise<StreamStore> =>
  open({ url: `redis://127.0.0.1:${proxy.port}`, timeoutMs: 500, lookEveryMs: 200, ...more })
const say = (...texts: string[]): StreamToken[] => texts.map((text, index) => ({ index, text }))
const isError =
  (...codes: string[]) =>
  (error: unknown) =>
    error instanceof StreamStoreError && codes.includes(error.code)
const isUnavailable = isError('Unavailable')

/** Reads on in the background, like one who follows a Job. */
function following(store: StreamStore, stream: string, from = 0) {
  const seen: StreamToken[] = []
  const stop = new AbortController()
  const done = (async () => {
    for await (const batch of store.read(stream, from, stop.signal)) seen.push(...batch)
  })()
  return { seen, stop, done, text: () => seen.map(({ text }) => text).join('') }
}

/** Writes as a worker does: asks where it is after a failure or a loss, and sends everything from there again. */
async function persist(store: StreamStore, stream: string, tokens: readonly StreamToken[]): Promise<void> {
  for (let next = 0; next < tokens.length || (await store.end(stream, tokens.length).catch(() => -1)) !== tokens.length; ) {
    next = await store.append(stream, tokens.slice(next, next + 10)).catch(() => store.next(stream).catch(() => 0))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('Redis', () => {
  it('keeps the end of a stream that grows too long, and says that its beginning is gone', async () => {
    const store = await open({ maxStreamBytes: 10, prefix: 'short:' })
    assert.equal(await store.append('u/1', say('aaaa', 'bbbb', 'cc', 'dddd')), 4)
    assert.equal(await store.has('u/1'), false)
    assert.equal(await store.append('u/1', [{ index: 4, text: 'a token that is too long alone is kept' }]), 5)
    await store.end('u/1')
    const { seen, done } = following(store, 'u/1')
    await done
    assert.deepEqual(seen, [{ index: 4, text: 'a token that is too long alone is kept' }])
    const other = await open({ maxStreamBytes: 10, prefix: 'short:' })
    await other.append('u/2', say('aaaa', 'bbbb', 'cc', 'dddd'))
    await other.end('u/2')
    const rest = following(other, 'u/2')
    await rest.done
    assert.deepEqual(
      rest.seen.map(({ index }) => index),
      [1, 2, 3],
    )
  })

  it('keeps thousands of small tokens within their bound', async () => {
    const store = await open({ maxStreamBytes: 1000, prefix: 'bound:' })
    const tokens = Array.from({ length: 3000 }, (_, index) => ({ index, text: 'x'.repeat(10) }))
    assert.equal(await store.append('u/1', tokens), 3000)
    assert.match(await redis.command('XLEN', 'bound:stream:u/1'), /:100\r\n/)
  })

  it('forgets a stream some time after its last token, ended or not', async () => {
    const store = await open({ keepSeconds: 1, prefix: 'brief:' })
    await store.append('u/1', say('a'))
    await store.append('u/2', say('a'))
    await store.end('u/2')
    for (const stream of ['u/1', 'u/2']) {
      await eventually(async () => (await store.next(stream)) === 0)
      assert.equal(await store.has(stream), false)
    }
  })

  it('is told to have no memory left, and a stream that was there can still be read', async () => {
    const store = await open({ prefix: 'full:' })
    await store.append('u/1', say('a'))
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    try {
      await assert.rejects(store.append('u/1', [{ index: 1, text: 'b' }]), isError('NoSpace'))
      await assert.rejects(store.end('u/1'), isError('NoSpace'))
      assert.equal(await store.next('u/1'), 1)
      assert.equal(await store.has('u/1'), true)
    } finally {
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    }
    assert.equal(await store.append('u/1', [{ index: 1, text: 'b' }]), 2)
  })

  it('says that credentials are refused, and repeats none', async () => {
    for (const credentials of [
      { password: 'a-wrong-secret' },
      { username: 'nobody', password: 'a-wrong-secret' },
      { password: undefined },
    ]) {
      const store = await open(credentials)
      const isPlain = (error: Error): boolean => !/a-wrong-secret|nobody|127\.0\.0\.1/.test(error.message)
      await assert.rejects(store.check(), (error: Error) => isError('Denied')(error) && isPlain(error))
      await assert.rejects(store.append('u/1', say('a')), isError('Denied'))
      await assert.rejects(store.next('u/1'), isError('Denied'))
    }
  })

  it('needs no more rights than docs/stores.md names', async () => {
    const rights = /ACL SETUSER mnemos (.*)/
      .exec(await readFile('docs/stores.md', 'utf8'))?.[1]
      ?.replace('PASSWORD', 'pw')
      .split(' ')
    assert.match(await redis.command('ACL', 'SETUSER', 'mnemos', ...(rights ?? [])), /OK/)
    const limited = { username: 'mnemos', password: 'pw', prefix: 'mnemos:' }
    const [store, other] = [await open(limited), await open({ ...limited, lookEveryMs: 60_000 })]
    await store.check()
    const reader = following(other, 'u/1')
    await store.append('u/1', say('a', 'b'))
    await eventually(() => reader.seen.length === 2)
    assert.deepEqual([await store.next('u/1'), await store.has('u/1'), await store.end('u/1', 2)], [2, true, 2])
    await reader.done
    await store.drop('u/1')
    await assert.rejects((await open({ ...limited, prefix: 'others:' })).append('u/1', say('a')), isError('Denied'))
  })

  it('that is nowhere fails each operation within its time, and ends a reader with its signal', async () => {
    const store = await open({ url: 'redis://127.0.0.1:1', timeoutMs: 500 })
    const reader = following(store, 'u/1')
    for (const run of [
      store.append('u/1', say('a')),
      store.end('u/1'),
      store.next('u/1'),
      store.has('u/1'),
      store.drop('u/1'),
      store.check(),
    ])
      await assert.rejects(run, isUnavailable)
    reader.stop.abort()
    await reader.done
  })

  it('that was scripted before a restart is scripted again', async () => {
    const store = await open({ prefix: 'scripts:' })
    await store.append('u/1', say('a'))
    await redis.command('SCRIPT', 'FLUSH')
    assert.equal(await store.append('u/1', say('a', 'b')), 2)
  })

  it('that is wiped has a reader wait for what is sent again, and gives each index once', async () => {
    const [store, other] = [await open({ prefix: 'wiped:' }), await open({ prefix: 'wiped:' })]
    const reader = following(other, 'u/1')
    const tokens = Array.from({ length: 30 }, (_, index) => ({ index, text: `${index} ` }))
    await store.append('u/1', tokens.slice(0, 20))
    await eventually(() => reader.seen.length === 20)
    await redis.command('FLUSHALL')
    assert.equal(await store.append('u/1', tokens.slice(20, 25)), 0)
    assert.equal(await store.end('u/1', 25), 0)
    assert.equal(await store.append('u/1', tokens), 30)
    assert.equal(await store.end('u/1', 30), 30)
    await reader.done
    assert.deepEqual(reader.seen, tokens)
  })
})

const troubles: Record<string, TcpFault> = {
  'connections that are refused': { kind: 'refuse' },
  'a server that says nothing': { kind: 'halfOpen' },
  'a slow network': { kind: 'delay', ms: 20 },
  'answers that are cut': { kind: 'cut', direction: 'down', afterBytes: 100 },
  'answers that end early': { kind: 'truncate', direction: 'down', afterBytes: 100 },
  'requests that are cut': { kind: 'cut', direction: 'up', afterBytes: 3000 },
  'requests that end early': { kind: 'truncate', direction: 'up', afterBytes: 3000 },
  'texts that are altered on their way down': { kind: 'alter', direction: 'down', find: 'truth-', replace: 'liars-' },
}

describe('through trouble', () => {
  for (const [trouble, fault] of Object.entries(troubles)) {
    it(`${trouble}: a reader gets every token once, and nothing hangs`, async () => {
      const [store, direct] = [await throughProxy({ prefix: `${trouble}:` }), await open({ prefix: `${trouble}:` })]
      const tokens = Array.from({ length: 400 }, (_, index) => ({ index, text: `truth-${index} ` }))
      const [far, near] = [following(store, 'u/1'), following(direct, 'u/1')]
      const writing = persist(store, 'u/1', tokens)
      await eventually(() => far.seen.length > 20)
      let fired = 0
      for (let round = 0; round < 3; round++) {
        proxy.set(fault, { times: 5 })
        await eventually(() => proxy.fired > 0)
        const began = performance.now()
        await store.next('u/1').catch((error: unknown) => assert.ok(isUnavailable(error), String(error)))
        assert.ok(performance.now() - began < 5000)
        fired += proxy.fired
        proxy.set(undefined)
        const before = near.seen.length
        await eventually(() => near.seen.length > before || near.seen.length === tokens.length)
      }
      assert.ok(fired > 0)
      await Promise.all([writing, far.done, near.done])
      assert.deepEqual(far.seen, tokens)
      assert.deepEqual(near.seen, tokens)
    })
  }

  it('a Redis that is killed and comes back empty, again and again: a reader gets every token once', async () => {
    const [store, other] = [await throughProxy({ prefix: 'killed:' }), await throughProxy({ prefix: 'killed:' })]
    const tokens = Array.from({ length: 3000 }, (_, index) => ({ index, text: `${index} ` }))
    const reader = following(other, 'u/1')
    const writing = persist(store, 'u/1', tokens)
    for (let round = 0; round < 3; round++) {
      const before = reader.seen.length
      await eventually(() => reader.seen.length > before)
      await redis.kill()
      await redis.start()
    }
    await Promise.all([writing, reader.done])
    assert.deepEqual(reader.seen, tokens)
  })
})
