import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'

import { openDirectoryStore } from '@mnemos/artifacts'
import type { FilePage } from '@mnemos/contract'
import { startServer } from './server.test-kit.ts'

const server = await startServer({ fileBytes: 1000, requestsPerMinute: 0 })
const { api, url } = server
api.users.set('bob-token', { username: 'bob' })

interface AskedRight {
  readonly namespace: string
  readonly verb: string
  readonly subresource: string
  readonly resource: string
}

/** alice may do everything with files of team-a, bob may read them. */
const may = (token: string, { namespace, verb, resource, subresource }: AskedRight): boolean =>
  `${resource}/${subresource}` === 'mnemosjobs/files' && namespace === 'team-a' && (token === 'Bearer alice-token' || verb === 'get')
api.intercept = ({ path, body, headers }, response) => {
  if (!path.endsWith('/selfsubjectaccessreviews')) return false
  const { spec } = body as { spec: { resourceAttributes: AskedRight } } // written by the server
  const allowed = may(String(headers.authorization), spec.resourceAttributes)
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ status: { allowed } }))
  return true
}

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
const of = (path: string, namespace = 'team-a'): string => `/v1/files/${path}?namespace=${namespace}`
const put = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  server.asAlice(of(path), { method: 'PUT', body, headers })
const asBob = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}${path}`, { ...init, headers: { authorization: 'Bearer bob-token' } })
async function refusalOf(answer: Response): Promise<{ code: string; message: string }> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } } // the one shape of every refusal
  return { code: `${answer.status} ${error.code}`, message: error.message }
}

test('a file is stored, read whole and in part, listed, replaced and removed', async () => {
  const uri = 'artifact://files/team-a/books/one.txt'
  const stored = await put('books/one.txt', 'hello', { 'x-mnemos-sha256': sha256('hello'), 'content-type': 'text/plain' })
  assert.deepEqual([stored.status, await stored.json()], [200, { path: 'books/one.txt', uri, sizeBytes: 5, sha256: sha256('hello') }])
  const read = await asBob(of('books/one.txt'))
  assert.equal(read.headers.get('etag'), `"${sha256('hello')}"`)
  assert.equal(await read.text(), 'hello')
  const part = await server.asAlice(of('books/one.txt'), { headers: { range: 'bytes=1-2' } })
  assert.deepEqual([part.status, await part.text()], [206, 'el'])
  const head = await asBob(of('books/one.txt'), { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '5'])
  await put('books/one.txt', 'other')
  const { items } = (await (await asBob('/v1/files?namespace=team-a&prefix=books/')).json()) as FilePage
  assert.deepEqual(
    items.map(({ modifiedAt, ...file }) => ({ ...file, isNew: Math.abs(Date.parse(modifiedAt) - Date.now()) < 60_000 })),
    [{ path: 'books/one.txt', uri, sizeBytes: 5, isNew: true }],
  )
  const removed = await server.asAlice(of('books/one.txt'), { method: 'DELETE' })
  assert.deepEqual([removed.status, ((await removed.json()) as { sha256: string }).sha256], [200, sha256('other')])
  assert.equal((await asBob(of('books/one.txt'), { method: 'HEAD' })).status, 404)
  assert.equal((await refusalOf(await server.asAlice(of('books/one.txt'), { method: 'DELETE' }))).code, '404 MNEMOS_NOT_FOUND')
})

test('an empty file is one', async () => {
  assert.equal(((await (await put('empty', '')).json()) as { sizeBytes: number }).sizeBytes, 0)
  assert.equal(await (await asBob(of('empty'))).text(), '')
})

test('a list comes in pages and never leaves its namespace', async () => {
  const store = await openDirectoryStore(server.folder)
  const names = Array.from({ length: 7 }, (_, at) => `page/${at}`)
  for (const name of names) await put(name, name)
  await store.put('files/team-a2/page/x', Readable.from([Buffer.from('x')]))
  const found: string[] = []
  let next: string | undefined
  do {
    const more = next === undefined ? '' : `&continue=${encodeURIComponent(next)}`
    const page = (await (await asBob(`/v1/files?namespace=team-a&prefix=page&limit=3${more}`)).json()) as FilePage
    assert.ok(page.items.length <= 3)
    found.push(...page.items.map(({ path }) => path))
    next = page.continue
  } while (next !== undefined)
  assert.deepEqual(found, names)
})

const refused: Record<string, { answer: () => Promise<Response>; want: string; says?: RegExp }> = {
  'who may only read stores nothing': {
    answer: () => asBob(of('x'), { method: 'PUT', body: 'x' }),
    want: '403 MNEMOS_FORBIDDEN',
    says: /^bob may not store files: that needs the right to create mnemosjobs\/files in namespace team-a\.$/,
  },
  'who may only read removes nothing': { answer: () => asBob(of('empty'), { method: 'DELETE' }), want: '403 MNEMOS_FORBIDDEN' },
  'nobody reads another namespace': { answer: () => server.asAlice(of('x', 'team-b')), want: '403 MNEMOS_FORBIDDEN' },
  'nobody lists another namespace': { answer: () => server.asAlice('/v1/files?namespace=team-b'), want: '403 MNEMOS_FORBIDDEN' },
  'nobody stores in another namespace': {
    answer: () => server.asAlice(of('x', 'team-b'), { method: 'PUT', body: 'x' }),
    want: '403 MNEMOS_FORBIDDEN',
  },
  'a token is needed': { answer: () => fetch(`${url}${of('empty')}`), want: '401 MNEMOS_UNAUTHENTICATED' },
  'a path that leads up is none': { answer: () => put('a/..%2F..%2Fteam-b/x', 'x'), want: '400 MNEMOS_BAD_REQUEST' },
  'a path in two escapes is none': { answer: () => put('..%252Fx', 'x'), want: '400 MNEMOS_BAD_REQUEST' },
  'a path with an empty part is none': { answer: () => put('a//b', 'x'), want: '400 MNEMOS_BAD_REQUEST' },
  'a hidden file is none': { answer: () => put('a/.ssh', 'x'), want: '400 MNEMOS_BAD_REQUEST' },
  'no path is none': { answer: () => put('', 'x'), want: '400 MNEMOS_BAD_REQUEST' },
  'a path that is too long is none': { answer: () => put('x'.repeat(600), 'x'), want: '400 MNEMOS_BAD_REQUEST' },
  'a namespace that leads elsewhere is none': { answer: () => server.asAlice(of('x', '..%2Fmodels')), want: '400 MNEMOS_BAD_REQUEST' },
  'a prefix with other signs is none': {
    answer: () => server.asAlice('/v1/files?namespace=team-a&prefix=a%00'),
    want: '400 MNEMOS_BAD_REQUEST',
  },
  'other bytes than were promised are not stored': {
    answer: () => put('x', 'hello', { 'x-mnemos-sha256': sha256('other') }),
    want: '422 MNEMOS_DIGEST_MISMATCH',
  },
  'a promise that is no digest is refused': {
    answer: () => put('x', 'hello', { 'x-mnemos-sha256': 'abc' }),
    want: '400 MNEMOS_BAD_REQUEST',
  },
  'a file that says that it is too large is refused': {
    answer: () => put('x', 'x'.repeat(1001)),
    want: '413 MNEMOS_TOO_LARGE',
    says: /at most 1000 bytes; split it, or ask .* MNEMOS_SERVER_FILE_BYTES/,
  },
  'a file that turns out too large is refused': {
    answer: () => server.asAlice(of('x'), { method: 'PUT', body: new Blob(['x'.repeat(1001)]).stream(), duplex: 'half' }),
    want: '413 MNEMOS_TOO_LARGE',
  },
  'a range behind the end is refused': {
    answer: () => server.asAlice(of('page/1'), { headers: { range: 'bytes=100-' } }),
    want: '416 MNEMOS_RANGE',
  },
}

for (const [sentence, { answer, want, says }] of Object.entries(refused)) {
  test(sentence, async () => {
    const { code, message } = await refusalOf(await answer())
    assert.equal(code, want)
    if (says !== undefined) assert.match(message, says)
    assert.equal((await server.asAlice(of('x'), { method: 'HEAD' })).status, 404)
  })
}

test('of an upload that breaks off nothing is left', async () => {
  const { hostname, port } = new URL(url)
  const headers = { authorization: 'Bearer alice-token', 'content-length': '500' }
  const upload = request({ hostname, port, method: 'PUT', path: of('broken'), headers })
  upload.on('error', () => undefined)
  upload.write('half')
  await new Promise((resolve) => upload.once('socket', (socket) => socket.once('connect', resolve)))
  upload.destroy()
  assert.equal((await server.asAlice(of('broken'), { method: 'HEAD' })).status, 404)
})

test('nothing of a token is logged', () => {
  assert.ok(!server.logged.some((line) => line.includes('alice-token')))
})
