import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { createClient, KubeError } from '@mnemos/kube'
import { virtualClock } from '@mnemos/testkit'
import { refuse, startApiServer } from './api-server.test-kit.ts'
import { bearerOf, createCallers } from './callers.ts'
import { Refusal } from './refusal.ts'

const api = await startApiServer()
const client = createClient({ credentials: api.credentials })
after(async () => {
  await client.close()
  await api.close()
})

const reviews = (): number => api.requests.filter(({ path }) => path.endsWith('/tokenreviews')).length
const isRefusal = (code: string) => (error: unknown) => {
  assert.ok(error instanceof Refusal, String(error))
  assert.equal(error.code, code)
  return true
}
let asked = 0
const askedSince = (): number => reviews() - asked

beforeEach(() => {
  api.users.clear()
  api.users.set('alice-token', { username: 'alice', groups: ['people', 'staff'], uid: 'u-1', extra: { 'Scopes/A': ['x', 'y'] } })
  api.intercept = () => false
  asked = reviews()
})

test('a caller acts by the token that was shown, and by no right of ours', async () => {
  const { userName, client: acting } = await createCallers(client, client).identify('Bearer alice-token')
  assert.equal(userName, 'alice')
  await acting.request('GET', '/apis/mnemos.dev/v1alpha1/namespaces/a/mnemosjobs')
  assert.equal(api.requests.at(-1)?.headers['authorization'], 'Bearer alice-token')
})

test('one token is asked about once in half a minute, however many requests show it at once', async () => {
  const clock = virtualClock()
  const callers = createCallers(client, client, clock.monotonic)
  await Promise.all(Array.from({ length: 20 }, () => callers.identify('Bearer alice-token')))
  await clock.advance(29_999)
  await callers.identify('Bearer alice-token')
  assert.equal(askedSince(), 1)
  await clock.advance(1)
  await callers.identify('Bearer alice-token')
  assert.equal(askedSince(), 2)
})

test('a token that was withdrawn is refused half a minute later', async () => {
  const clock = virtualClock()
  const callers = createCallers(client, client, clock.monotonic)
  await callers.identify('Bearer alice-token')
  api.users.clear()
  await clock.advance(30_000)
  await assert.rejects(callers.identify('Bearer alice-token'), isRefusal('MNEMOS_UNAUTHENTICATED'))
})

test('a token that is not known is refused for five seconds without asking, then asked about again', async () => {
  const clock = virtualClock()
  const callers = createCallers(client, client, clock.monotonic)
  await assert.rejects(callers.identify('Bearer new'), isRefusal('MNEMOS_UNAUTHENTICATED'))
  api.users.set('new', { username: 'new' })
  await clock.advance(4999)
  await assert.rejects(callers.identify('Bearer new'), isRefusal('MNEMOS_UNAUTHENTICATED'))
  assert.equal(askedSince(), 1)
  await clock.advance(1)
  assert.equal((await callers.identify('Bearer new')).userName, 'new')
})

test('two tokens are two callers', async () => {
  api.users.set('bob-token', { username: 'bob' })
  const callers = createCallers(client, client)
  assert.equal((await callers.identify('Bearer alice-token')).userName, 'alice')
  assert.equal((await callers.identify('Bearer bob-token')).userName, 'bob')
})

test('an answer without a user name is nobody', async () => {
  api.intercept = (_request, response) => {
    response.end(JSON.stringify({ status: { authenticated: true, user: {} } }))
    return true
  }
  await assert.rejects(createCallers(client, client).identify('Bearer alice-token'), isRefusal('MNEMOS_UNAUTHENTICATED'))
})

const reviewerRefusals: Record<string, { status: number; reason: string }> = {
  'a reviewer that fails': { status: 500, reason: 'InternalError' },
  'a server that may not ask for reviews': { status: 403, reason: 'Forbidden' },
  'a server whose own token has expired': { status: 401, reason: 'Unauthorized' },
}
for (const [sentence, { status, reason }] of Object.entries(reviewerRefusals)) {
  test(`${sentence} is no fault of the caller, and is asked again at the next request`, async () => {
    const callers = createCallers(client, client)
    api.intercept = (_request, response) => {
      refuse(response, status, reason)
      return true
    }
    await assert.rejects(callers.identify('Bearer alice-token'), (error: unknown) => {
      assert.ok(error instanceof Refusal, String(error))
      assert.equal(error.code, 'MNEMOS_UNAVAILABLE')
      assert.equal(error.retryAfterSeconds, 1)
      assert.ok(error.cause instanceof KubeError)
      return true
    })
    api.intercept = () => false
    assert.equal((await callers.identify('Bearer alice-token')).userName, 'alice')
  })
}

test('a reviewer that is down fails everybody who waits for it, and nobody after', async () => {
  const callers = createCallers(client, client)
  api.intercept = (_request, response) => {
    response.destroy()
    return true
  }
  const answers = await Promise.allSettled(Array.from({ length: 5 }, () => callers.identify('Bearer alice-token')))
  for (const answer of answers) assert.ok(answer.status === 'rejected' && isRefusal('MNEMOS_UNAVAILABLE')(answer.reason))
  api.intercept = () => false
  assert.equal((await callers.identify('Bearer alice-token')).userName, 'alice')
})

test('after thousands of tokens the early ones are forgotten, not kept for ever', async () => {
  const callers = createCallers(client, client)
  await callers.identify('Bearer alice-token')
  for (let made = 0; made < 4096; made += 512)
    await Promise.allSettled(Array.from({ length: 512 }, (_, at) => callers.identify(`Bearer made-up-${made + at}`)))
  asked = reviews()
  await callers.identify('Bearer alice-token')
  assert.equal(askedSince(), 1)
})

const headers: Record<string, { header: string | undefined; want: string | undefined }> = {
  'a Bearer token is taken': { header: 'Bearer abc.DEF-1_2~3+4/5=', want: 'abc.DEF-1_2~3+4/5=' },
  'the scheme is written in any case': { header: 'bearer abc', want: 'abc' },
  'no header is no token': { header: undefined, want: undefined },
  'an empty token is none': { header: 'Bearer ', want: undefined },
  'another scheme is no token': { header: 'Basic YTpi', want: undefined },
  'two tokens are none': { header: 'Bearer a b', want: undefined },
  'what could break out of a header is no token': { header: 'Bearer a\r\nImpersonate-User: root', want: undefined },
}
for (const [sentence, { header, want }] of Object.entries(headers)) {
  test(sentence, () => {
    if (want === undefined) assert.throws(() => bearerOf(header), isRefusal('MNEMOS_UNAUTHENTICATED'))
    else assert.equal(bearerOf(header), want)
  })
}
