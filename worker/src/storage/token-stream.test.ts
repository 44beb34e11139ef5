import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { eventually } from '@mnemos/testkit'
import { type FakeServer, startFakeServer } from '../testing/fake-server.ts'
import { createServers } from './server.ts'
import { openTokenStream, type TokenStream } from './token-stream.ts'

describe('the token stream', () => {
  it('sends each token while the stream is open, and the end', async (t) => {
    const { server, stream } = await open(t)
    stream.push('Hello')
    await eventually(() => server.events.get('uid/2')?.length === 1)
    stream.push(' world')
    await eventually(() => server.events.get('uid/2')?.length === 2)
    await stream.finish()
    assert.deepEqual(server.events.get('uid/2'), ['Hello', ' world'])
    assert.ok(server.ended.has('uid/2'))
    assert.equal(server.requests.filter(({ method }) => method === 'POST').length, 1)
    assert.equal(server.requests[0]?.token, 'secret')
  })

  it('makes no request for an answer without tokens', async (t) => {
    const { server, stream } = await open(t)
    await stream.finish()
    assert.deepEqual(server.requests, [])
  })

  it('goes on after a broken connection where the server says', async (t) => {
    const { server, stream } = await open(t)
    server.breakEventsAfter(3)
    const words = Array.from({ length: 10 }, (_, index) => `w${index} `)
    for (const word of words) stream.push(word)
    await stream.finish()
    assert.deepEqual(server.events.get('uid/2'), words)
    assert.ok(server.ended.has('uid/2'))
    assert.ok(server.requests.some(({ method }) => method === 'GET'))
  })

  it('goes on after the server was away', async (t) => {
    const { server, stream } = await open(t)
    stream.push('a')
    await eventually(() => server.events.get('uid/2')?.length === 1)
    await server.goAway()
    stream.push('b')
    await server.comeBack()
    stream.push('c')
    await stream.finish()
    assert.deepEqual(server.events.get('uid/2'), ['a', 'b', 'c'])
  })

  it('gives up on a server that stays away, and says so once', async (t) => {
    const { server, stream, lost } = await open(t, 100)
    await server.goAway()
    stream.push('a')
    await stream.finish()
    assert.deepEqual(lost, ['the server stayed away'])
    await server.comeBack()
  })

  it('gives up at once when the server refuses the token', async (t) => {
    const { server, stream, lost } = await open(t)
    server.refuse((method) => method === 'POST', 403, 99)
    stream.push('a')
    await stream.finish()
    assert.deepEqual(lost, ['the server answered 403'])
  })

  it('sends no end when it is stopped', async (t) => {
    const { server, stream, lost } = await open(t)
    stream.push('a')
    await eventually(() => server.events.get('uid/2')?.length === 1)
    stream.stop()
    await stream.finish()
    assert.equal(server.ended.size, 0)
    assert.deepEqual(lost, [])
  })
})

async function open(t: TestContext, finishMs = 5000): Promise<{ server: FakeServer; stream: TokenStream; lost: string[] }> {
  const server = await startFakeServer()
  const servers = createServers()
  t.after(async () => {
    await servers.close()
    await server.close()
  })
  const lost: string[] = []
  const stream = openTokenStream({
    session: servers.session(server.url, 'secret'),
    jobUid: 'uid',
    attempt: 2,
    finishMs,
    onLost: (why) => lost.push(why),
  })
  return { server, stream, lost }
}
