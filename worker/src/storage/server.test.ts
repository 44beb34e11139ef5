import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, describe, it } from 'node:test'
import { WorkFailure } from '../failure.ts'
import { startFakeServer } from '../testing/fake-server.ts'
import { Transient } from './retry.ts'
import { createServers } from './server.ts'

const server = await startFakeServer()
const store = await startFakeServer()
const servers = createServers()
after(async () => {
  await servers.close()
  await Promise.all([server.close(), store.close()])
})
const session = servers.session(server.url, 'the-token')
const { signal } = new AbortController()
const get = (offset = 0): Promise<string> => session.get('models/a', { offset, signal }).then(({ body }) => text(body))
const toStore = (key: string): string => `${store.url}/v1/artifacts/${encodeURIComponent(key)}?X-Amz-Signature=secret`

describe('an object that the server has elsewhere', () => {
  it('is read from there, with its range and without the token', async () => {
    store.objects.set('models/a', Buffer.from('0123456789'))
    server.redirect((key) => toStore(key).split('?')[0] ?? '')
    assert.equal(await get(), '0123456789')
    const { offset, body } = await session.get('models/a', { offset: 4, signal })
    assert.deepEqual([offset, await text(body)], [4, '456789'])
    assert.deepEqual(
      store.requests.map(({ token, range }) => [token, range]),
      [
        ['', undefined],
        ['', 'bytes=4-'],
      ],
    )
    assert.ok(server.requests.every(({ token }) => token === 'the-token'))
  })

  for (const status of [403, 404, 500, 503])
    it(`is asked of the server again when the store answers ${status}, and no error has the URL`, async () => {
      server.redirect(toStore)
      store.refuse(() => true, status)
      await assert.rejects(get(), (error) => error instanceof Transient && !/Signature|secret|the-token/.test(error.message))
    })

  it('is asked of the server again when the store is away', async () => {
    server.redirect(toStore)
    await store.goAway()
    await assert.rejects(get(), (error) => error instanceof Transient && !/Signature|secret/.test(error.message))
    await store.comeBack()
  })

  it('is not looked for further when the store sends elsewhere again', async () => {
    server.redirect((key) => toStore(key).split('?')[0] ?? '')
    store.redirect(() => `${server.url}/v1/artifacts/models%2Fa`)
    await assert.rejects(get(), Transient)
    store.redirect(undefined)
  })

  for (const place of ['file:///etc/passwd', '', 'not a place', '//elsewhere'])
    it(`is not read from ${JSON.stringify(place)}`, async () => {
      server.redirect(() => place)
      await assert.rejects(get(), Transient)
    })

  it('and is missing is said by the server', async () => {
    server.redirect(undefined)
    await assert.rejects(get(), WorkFailure)
  })
})
