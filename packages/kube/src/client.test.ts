import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { json, startScriptedServer } from './api-server.test-kit.ts'
import { createClient, pathOf, replacing } from './client.ts'
import { KubeError } from './errors.ts'
import { type KubeObject, resource } from './types.ts'

const widgets = resource<KubeObject>({ group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true })
const name = { namespace: 'default', name: 'w' }
const status = (code: number, reason: string, message: string): object => ({
  kind: 'Status',
  code,
  reason,
  message,
  details: { name: 'w' },
})
const api = await startScriptedServer({ requestTimeoutMs: 300, token: () => Promise.resolve(`token-${performance.now()}`) })

describe('an answer of the API server', () => {
  const refusals: Record<string, { code: number; reason: string; retry: KubeError['retry'] }> = {
    'that the object is invalid must not be tried again': { code: 422, reason: 'Invalid', retry: 'never' },
    'that one may not must not be tried again': { code: 403, reason: 'Forbidden', retry: 'never' },
    'that the object changed may be tried again from a fresh look': { code: 409, reason: 'Conflict', retry: 'backoff' },
    'that it failed may be tried again later': { code: 500, reason: 'InternalError', retry: 'backoff' },
  }
  for (const [sentence, { code, reason, retry }] of Object.entries(refusals)) {
    it(sentence, async () => {
      api.answer = (_request, response) => json(response, code, status(code, reason, 'because'))
      const before = api.requests.length
      await assert.rejects(api.client.patch(widgets, name, {}), { status: code, reason, retry, message: 'because', details: { name: 'w' } })
      assert.equal(api.requests.length, before + 1, 'the client repeats nothing by itself')
    })
  }

  it('of 404 is undefined for a get and success for a delete', async () => {
    api.answer = (_request, response) => json(response, 404, status(404, 'NotFound', 'none'))
    assert.equal(await api.client.get(widgets, name), undefined)
    await api.client.delete(widgets, name)
  })

  it('of 429 or 503 with Retry-After was not carried out, and is repeated after that time', async () => {
    for (const code of [429, 503]) {
      const first = api.requests.length
      api.answer = (_request, response, nth) =>
        nth === first + 1
          ? json(response, code, status(code, 'Busy', 'later'), { 'retry-after': '0' })
          : json(response, 200, { kind: 'Widget' })
      assert.deepEqual(await api.client.patch(widgets, name, {}), { kind: 'Widget' })
      assert.equal(api.requests.length, first + 2)
    }
  })

  it('holds metadata alone where that is asked for, or all where the server cannot', async () => {
    const accepted: (string | undefined)[] = []
    api.answer = (request, response) => {
      accepted.push(request.headers.accept)
      json(response, 200, { items: [{ metadata: { name: 'w' } }], metadata: { resourceVersion: '1' } })
    }
    const { items } = await api.client.list(widgets, { metadataOnly: true })
    assert.deepEqual(items, [{ apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name: 'w' } }])
    await api.client.list(widgets)
    assert.deepEqual(accepted, ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json', 'application/json'])
  })

  it('of 429 without Retry-After is the word of a policy, and is told at once', async () => {
    const before = api.requests.length
    api.answer = (_request, response) => json(response, 429, status(429, 'TooManyRequests', 'over the limit'))
    await assert.rejects(api.client.patch(widgets, name, {}), { status: 429, retry: 'backoff', message: 'over the limit' })
    assert.equal(api.requests.length, before + 1)
  })

  it('of 503 without Retry-After may have been carried out, and is not repeated', async () => {
    const before = api.requests.length
    api.answer = (_request, response) => json(response, 503, status(503, 'ServiceUnavailable', 'down'))
    await assert.rejects(api.client.patch(widgets, name, {}), { status: 503, retry: 'backoff' })
    assert.equal(api.requests.length, before + 1)
  })

  it('of 429 for ever ends after five tries', async () => {
    const before = api.requests.length
    api.answer = (_request, response) => json(response, 429, status(429, 'Busy', 'later'), { 'retry-after': '0' })
    await assert.rejects(api.client.patch(widgets, name, {}), { status: 429, retry: 'after' })
    assert.equal(api.requests.length, before + 5)
  })

  it('that is no JSON of its own is told in its first words, without the rest', async () => {
    api.answer = (_request, response) => void response.writeHead(502).end(`bad gateway ${'x'.repeat(1000)}`)
    await assert.rejects(api.client.get(widgets, name), (error: KubeError) => error.message.length < 300 && error.status === 502)
  })
})

describe('no answer', () => {
  it('within the time of a request is a Timeout', async () => {
    api.answer = () => undefined
    await assert.rejects(api.client.get(widgets, name), { reason: 'Timeout', status: 0, retry: 'backoff' })
  })

  it('because the connection was reset is Unreachable, and a write is not repeated', async () => {
    const before = api.requests.length
    api.answer = (request) => void request.socket.destroy()
    await assert.rejects(api.client.create(widgets, { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: name }), {
      reason: 'Unreachable',
    })
    assert.equal(api.requests.length, before + 1)
  })

  it('because the caller gave up is the reason of its signal', async () => {
    api.answer = () => undefined
    const given = new AbortController()
    const asked = api.client.get(widgets, name, { signal: given.signal })
    given.abort(new Error('enough'))
    await assert.rejects(asked, /enough/)
  })
})

describe('a request', () => {
  it('carries a fresh token each time', async () => {
    api.answer = (_request, response) => json(response, 200, {})
    await api.client.get(widgets, name)
    await api.client.get(widgets, name)
    const [first, second] = api.requests.slice(-2).map(({ headers }) => headers.authorization)
    assert.match(first ?? '', /^Bearer token-[\d.]+$/)
    assert.notEqual(first, second)
  })

  it('that writes does not leave while the fence is closed; one that reads does', async () => {
    api.answer = (_request, response) => json(response, 200, {})
    const before = api.requests.length
    const closed = () => {
      throw new KubeError('closed', { status: 0, reason: 'FenceClosed' })
    }
    const fenced = api.client.withFence({ check: closed })
    await assert.rejects(fenced.patch(widgets, name, {}), { reason: 'FenceClosed' })
    assert.equal(api.requests.length, before)
    await fenced.get(widgets, name)
    assert.equal(api.requests.length, before + 1)
  })

  it('that writes behind a fence asks the server to give up soon, so that it cannot land in the next term', async () => {
    api.answer = (_request, response) => json(response, 200, {})
    await api.client.withFence({ check: () => undefined }).patch(widgets, name, {})
    assert.match(api.requests.at(-1)?.url ?? '', /timeout=5s/)
  })

  it('acts by the token of somebody else, unless its connections would speak for us first', async () => {
    api.answer = (_request, response) => json(response, 200, {})
    await api.client.withToken('of-jane').get(widgets, name)
    assert.equal(api.requests.at(-1)?.headers.authorization, 'Bearer of-jane')
    const certified = createClient({ credentials: { server: 'https://127.0.0.1:1', tls: { cert: 'ours', key: 'ours' } } })
    assert.throws(() => certified.withToken('of-jane'), /cannot act by a token/)
    await certified.close()
  })

  it('for a list goes on page by page, and gives each item its kind', async () => {
    api.answer = (request, response) => {
      const page = new URL(request.url ?? '', 'http://x').searchParams.get('continue')
      json(response, 200, {
        metadata: { resourceVersion: '7', continue: page === null ? 'next' : '' },
        items: [{ metadata: { name: page ?? 'first' } }],
      })
    }
    assert.deepEqual(await api.client.list(widgets), {
      items: ['first', 'next'].map((each) => ({ metadata: { name: each }, apiVersion: 'example.dev/v1', kind: 'Widget' })),
      resourceVersion: '7',
    })
  })

  it('for a deletion names what must still be there', async () => {
    api.answer = (_request, response) => json(response, 200, {})
    await api.client.delete(widgets, name, { uid: 'u', resourceVersion: '3' })
    assert.partialDeepStrictEqual(JSON.parse(api.requests.at(-1)?.body ?? ''), { preconditions: { uid: 'u', resourceVersion: '3' } })
  })
})

describe('a path', () => {
  const nodes = resource<KubeObject>({ group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false })
  const cases: Record<string, [string, string]> = {
    'of a collection in all namespaces': [pathOf(widgets, {}), '/apis/example.dev/v1/widgets'],
    'of an object of a group': [pathOf(widgets, name), '/apis/example.dev/v1/namespaces/default/widgets/w'],
    'of a subresource': [pathOf(widgets, name, 'status'), '/apis/example.dev/v1/namespaces/default/widgets/w/status'],
    'of an object of the cluster in the core group': [pathOf(nodes, { namespace: 'ignored', name: 'n' }), '/api/v1/nodes/n'],
    'of a name that would leave its place': [pathOf(nodes, { name: '../secrets' }), '/api/v1/nodes/..%2Fsecrets'],
  }
  for (const [sentence, [path, want]] of Object.entries(cases)) it(sentence, () => assert.equal(path, want))
  it('of an object without its namespace is a mistake of the program', () => {
    assert.throws(() => pathOf(widgets, { name: 'w' }), /Widget w needs a namespace/)
  })
})

it('a merge patch made by `replacing` turns one object into exactly the other', () => {
  const tree = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.array(fc.integer()), tie('object')),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
  })).object
  fc.assert(fc.property(tree, tree, (before, after) => assert.deepEqual(mergePatch(before, replacing(before, after)), { ...after })))
})

/** RFC 7386, as its text has it. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result = new Map(typeof target === 'object' && !Array.isArray(target) ? Object.entries(target ?? {}) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, mergePatch(result.get(key), value))
  }
  return Object.fromEntries(result)
}
