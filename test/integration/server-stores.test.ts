/** A real server on real S3 and Redis: what workers and readers get from it, and what it says when a store is away. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { it } from 'node:test'
import { parseServerConfig, runServer } from '@mnemos/server'
import { eventually, startRedisServer, startS3Server } from '@mnemos/testkit'
import { pino } from 'pino'
import { startServerBench } from './server.fixture.ts'

const [s3, redis] = await Promise.all([startS3Server(), startRedisServer()])
// As a pod has them.
process.env['AWS_ACCESS_KEY_ID'] = s3.admin.accessKeyId
process.env['AWS_SECRET_ACCESS_KEY'] = s3.admin.secretAccessKey
const { s3: s3Config, redis: redisConfig } = parseServerConfig({
  MNEMOS_ARTIFACT_STORE: 's3',
  MNEMOS_S3_ENDPOINT: s3.endpoint,
  MNEMOS_S3_BUCKET: 'mnemos',
  MNEMOS_S3_PRESIGN: 'true',
  MNEMOS_STREAM_STORE: 'redis',
  MNEMOS_REDIS_URL: redis.url,
  MNEMOS_REDIS_PASSWORD: redis.password,
})
assert.ok(s3Config !== undefined && redisConfig !== undefined)
const bench = await startServerBench({ s3: s3Config, redis: redisConfig })
const bytes = randomBytes(9 * 1024 ** 2)
const sha256 = createHash('sha256').update(bytes).digest('hex')
const key = `models/sha256/${sha256}`
const token = await bench.assignmentToken({ uid: 'u', reads: [key, 'models/absent'], writes: ['models/'] })
const artifact = (
  path: string,
  { headers, ...init }: { method?: string; body?: Buffer<ArrayBuffer>; headers?: Record<string, string> } = {},
) => fetch(`${bench.url}/v1/artifacts/${path}`, { redirect: 'manual', ...init, headers: { authorization: `Bearer ${token}`, ...headers } })

it('what a worker puts is in S3, and a worker is sent there for it', async () => {
  const put = await artifact(key, { method: 'PUT', body: bytes })
  assert.deepEqual([put.status, await put.json()], [200, { key, sha256, sizeBytes: bytes.length }])
  const sent = await artifact(key, { headers: { range: 'bytes=5-' } })
  assert.deepEqual([sent.status, sent.headers.get('etag')], [307, `"${sha256}"`])
  const place = sent.headers.get('location') ?? ''
  assert.ok(place.startsWith(s3.endpoint) && !place.includes(token))
  const whole = await fetch(place)
  assert.equal(
    createHash('sha256')
      .update(Buffer.from(await whole.arrayBuffer()))
      .digest('hex'),
    sha256,
  )
  const rest = await fetch(place, { headers: { range: `bytes=${bytes.length - 3}-` } })
  assert.deepEqual([rest.status, Buffer.from(await rest.arrayBuffer())], [206, bytes.subarray(-3)])
})

it('what is not there is said by the server, and what the token does not name is refused by it', async () => {
  assert.equal((await artifact('models/absent')).status, 404)
  assert.equal((await artifact('models/other')).status, 403)
})

it('a server is not ready before it has reached its stores once, and says which; it is alive', async () => {
  const stop = new AbortController()
  const listening = Promise.withResolvers<string>()
  const running = runServer(parseServerConfig({}, { port: 0, s3: s3Config, redis: { ...redisConfig, password: 'wrong' } }), {
    credentials: bench.credentials,
    signal: stop.signal,
    logger: pino({ level: 'silent' }),
    onListening: listening.resolve,
  })
  const url = await listening.promise
  const ready = await eventually(async () => {
    const answer = await fetch(`${url}/readyz`)
    const text = await answer.text()
    return text.includes('credentials') && !text.includes('artifacts') ? { status: answer.status, text } : undefined
  })
  assert.equal(ready.status, 503)
  assert.match(ready.text, /store streams: Redis refuses these credentials; check MNEMOS_REDIS_USERNAME and MNEMOS_REDIS_PASSWORD/)
  assert.ok(!ready.text.includes('wrong'))
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  const began = performance.now()
  stop.abort()
  await running
  assert.ok(performance.now() - began < 5000)
})

it('operations on stores are measured', async () => {
  const text = await (await fetch(`${bench.url}/metrics`)).text()
  assert.match(text, /mnemos_store_up\{store="artifacts"\} 1/)
  assert.match(text, /mnemos_store_up\{store="streams"\} 1/)
  assert.match(text, /mnemos_store_operation_duration_seconds_count\{store="artifacts",operation="put"\} 1/)
})

it('a store that is away is refused with a time to come back, in the one shape of errors', async () => {
  await s3.kill()
  const answer = await artifact(key, { method: 'PUT', body: bytes })
  assert.equal(answer.status, 503)
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
  const { error } = (await answer.json()) as { error: { code: string; message: string } } // the one shape of errors
  assert.deepEqual([error.code, error.message], ['MNEMOS_UNAVAILABLE', 'The artifact store cannot serve this now; try again.'])
  assert.match(
    await (await fetch(`${bench.url}/metrics`)).text(),
    /mnemos_store_errors_total\{store="artifacts",operation="put",code="Unavailable"\} 1/,
  )
  await redis.kill()
  const events = await fetch(`${bench.url}/v1/attempts/u/1/events`, { headers: { authorization: `Bearer ${token}` } })
  assert.deepEqual([events.status, events.headers.get('retry-after')], [503, '2'])
})
