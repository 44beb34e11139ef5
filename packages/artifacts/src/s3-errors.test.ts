/** What the real SDK makes of refusals that a test cannot have from a real server at will. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { ArtifactError } from './artifact-store.ts'
import { openS3Store } from './open-s3-store.ts'

let refusal = { status: 500, code: 'InternalError' }
let asked = 0
const server = createServer((request, response) => {
  asked += 1
  request.resume()
  request.on('end', () => response.writeHead(refusal.status).end(`<Error><Code>${refusal.code}</Code><Message>no</Message></Error>`))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo // a TCP server has one
const store = await openS3Store({
  endpoint: `http://127.0.0.1:${port}`,
  bucket: 'b',
  region: 'us-east-1',
  pathStyle: true,
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
})
after(async () => {
  await store.close()
  server.closeAllConnections()
  server.close()
})

const refusals: Record<string, { status: number; code: string; want: string; wantTries: number }> = {
  'no room': { status: 507, code: 'InsufficientStorage', want: 'NoSpace', wantTries: 1 },
  'a quota that is used up': { status: 403, code: 'QuotaExceeded', want: 'NoSpace', wantTries: 1 },
  'a policy that denies': { status: 403, code: 'AccessDenied', want: 'Denied', wantTries: 1 },
  'a key that is unknown': { status: 403, code: 'InvalidAccessKeyId', want: 'Denied', wantTries: 1 },
  'a signature that is wrong': { status: 403, code: 'SignatureDoesNotMatch', want: 'Denied', wantTries: 1 },
  'a server that asks to slow down': { status: 503, code: 'SlowDown', want: 'Unavailable', wantTries: 3 },
  'a server that made a mistake': { status: 500, code: 'InternalError', want: 'Unavailable', wantTries: 3 },
  'bytes that came altered': { status: 400, code: 'BadDigest', want: 'Unavailable', wantTries: 1 },
}
for (const [what, { status, code, want, wantTries }] of Object.entries(refusals)) {
  test(`${what} is ${want}, after ${wantTries} ${wantTries === 1 ? 'try' : 'tries'}`, async () => {
    refusal = { status, code }
    asked = 0
    const put = store.put('a', Readable.from([Buffer.from('x')]))
    await assert.rejects(put, (error) => error instanceof ArtifactError && error.code === want && error.cause instanceof Error)
    assert.equal(asked, wantTries)
  })
}

test('a bucket that is missing and may not be made is NoBucket', async () => {
  refusal = { status: 404, code: 'NoSuchBucket' }
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    request.resume()
    const answer = request.method === 'PUT' && request.url === '/b' ? { status: 403, code: 'AccessDenied' } : refusal
    request.on('end', () => response.writeHead(answer.status).end(`<Error><Code>${answer.code}</Code></Error>`))
  })
  const put = store.put('a', Readable.from([Buffer.from('x')]))
  await assert.rejects(put, (error) => error instanceof ArtifactError && error.code === 'NoBucket')
})
