/** Two servers that share S3 and Redis, while those are wiped, killed, stopped and started: Jobs end, and who follows one hears it all. */
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openS3Store } from '@mnemos/artifacts'
import { createMnemosClient } from '@mnemos/contract'
import { eventually, startRedisServer, startS3Server } from '@mnemos/testkit'
import { importModel, slots, startWorld, type World } from './world.ts'

const [s3, redis] = await Promise.all([startS3Server(), startRedisServer()])
const s3Options = { endpoint: s3.endpoint, bucket: 'mnemos', region: 'us-east-1', pathStyle: true }
const artifacts = await openS3Store({ ...s3Options, credentials: s3.admin })
const world: World = await startWorld({
  workers: ['w1', 'w2'],
  server: {
    MNEMOS_ARTIFACT_STORE: 's3',
    MNEMOS_S3_ENDPOINT: s3.endpoint,
    MNEMOS_S3_BUCKET: s3Options.bucket,
    MNEMOS_S3_PRESIGN: 'true',
    AWS_ACCESS_KEY_ID: s3.admin.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.admin.secretAccessKey,
    MNEMOS_STREAM_STORE: 'redis',
    MNEMOS_REDIS_URL: redis.url,
    MNEMOS_REDIS_PASSWORD: redis.password,
  },
  readObject: async (key) => {
    const found = await artifacts.get(key)
    return found === undefined ? undefined : buffer(found.bytes)
  },
})
world.startOperator()
/** Not the one that workers write to. */
const url = await world.startServer()
await importModel(world)
const client = createMnemosClient({ url, token: () => Promise.resolve(world.cluster.token) })

interface Heard {
  readonly name: string
  /** Resolves with all that was said, or rejects when an index came twice or was left out. */
  readonly all: Promise<{ text: string; phase: string | undefined; tokens: number }>
  tokens: number
}

/** Follows a Job at the other server over one connection, from its beginning to its end. */
function follow(name: string): Heard {
  const heard = { name, tokens: 0 }
  const all = (async () => {
    let [text, phase, next] = ['', undefined as string | undefined, 0]
    for await (const event of client.streamJob('default', name)) {
      if (event.event === 'status') phase = event.status.phase
      if (event.event === 'reset') [text, next] = ['', 0]
      if (event.event !== 'token') continue
      assert.equal(event.index, next, `${name} was told ${event.index} after ${next - 1}`)
      next += 1
      text += event.text
      heard.tokens += 1
    }
    return { text, phase, tokens: heard.tokens }
  })()
  all.catch(() => undefined)
  return Object.assign(heard, { all })
}

/** Submits Jobs that speak for a while, and follows them. */
async function speaking(prefix: string, count: number, prompt: string): Promise<Heard[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const name = `${prefix}-${at}`
      await world.submit(name, prompt)
      return follow(name)
    }),
  )
}

/** Every Job has succeeded with the digest that S3 holds, and each follower has heard its whole answer. */
async function endsWell(heard: readonly Heard[], timeoutMs = 120_000): Promise<void> {
  const ended = await world.settle(
    heard.map(({ name }) => name),
    timeoutMs,
  )
  assert.deepEqual(
    ended.map(({ status }) => status?.phase),
    heard.map(() => 'Succeeded'),
  )
  for (const { name, all } of heard) {
    const { text, phase } = await all
    const result = JSON.parse(await client.jobResult('default', name)) as { text: string } // written by the stub
    assert.equal(phase, 'Succeeded')
    assert.equal(text, result.text, `${name} was told another answer than is stored`)
  }
}

const prompt = '[[delay 20]] [[tokens 200]]'
const allSpeak = (heard: readonly Heard[], tokens: number): Promise<unknown> =>
  eventually(() => heard.every((each) => each.tokens >= tokens), { timeoutMs: 60_000, message: `every Job has said ${tokens} tokens` })

it('what a worker says at one server is heard at the other while it is said', async () => {
  const heard = await speaking('calm', slots, prompt)
  await allSpeak(heard, 10)
  assert.ok(heard.every(({ tokens }) => tokens < 200))
  await endsWell(heard)
  for (const { all } of heard) assert.equal((await all).tokens, 200)
})

it('a Redis that is wiped again and again costs no Job, and no follower a word', async () => {
  const heard = await speaking('wiped', 2 * slots, prompt)
  await allSpeak(heard, 10)
  for (let round = 0; round < 8; round++) {
    await redis.command('FLUSHALL')
    await sleep(300) // the fault comes in the middle of what is said, wherever that is
  }
  await endsWell(heard)
})

it('a Redis that is killed and comes back empty costs no Job, and no follower a word', async () => {
  const heard = await speaking('killed', 2 * slots, prompt)
  await allSpeak(heard, 10)
  for (let round = 0; round < 2; round++) {
    await redis.kill()
    await sleep(500)
    await redis.start()
    await sleep(500)
  }
  await endsWell(heard)
})

it('a Redis that stays away costs no Job, and followers hear the answer from the store of results', async () => {
  const heard = await speaking('away', slots, prompt)
  await allSpeak(heard, 10)
  await redis.kill()
  try {
    await endsWell(heard)
    const ready = await fetch(`${url}/readyz`)
    assert.deepEqual([ready.status, (await ready.text()).includes('streams')], [200, true])
    assert.equal((await fetch(`${url}/healthz`)).status, 200)
  } finally {
    await redis.start()
  }
})

it('a Redis that says nothing costs no Job', async () => {
  const heard = await speaking('silent', slots, prompt)
  await allSpeak(heard, 10)
  redis.signal('SIGSTOP')
  await sleep(4000)
  redis.signal('SIGCONT')
  await endsWell(heard)
})

it('an S3 server that is killed and started costs no Job, and results wait for it', async () => {
  const heard = await speaking('s3', 2 * slots, '[[delay 10]] [[tokens 100]]')
  await allSpeak(heard, 10)
  await s3.kill()
  const before = (await world.settle(['calm-0']).catch(() => [])).length
  assert.equal(before, 0, 'nothing can be read now')
  const refused = await fetch(`${url}/v1/jobs/calm-0/result?namespace=default`, {
    headers: { authorization: `Bearer ${world.cluster.token}` },
  })
  assert.equal(refused.status, 503)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  const body = (await refused.json()) as { error: { code: string } } // the one shape of errors
  assert.equal(body.error.code, 'MNEMOS_UNAVAILABLE')
  await eventually(async () => (await (await fetch(`${url}/readyz`)).text()).includes('artifacts'), { timeoutMs: 60_000 })
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.match(await (await fetch(`${url}/metrics`)).text(), /mnemos_store_up\{store="artifacts"\} 0/)
  await s3.start()
  await endsWell(heard)
})

it('an S3 server that says nothing for a while costs no Job', async () => {
  const heard = await speaking('s3-silent', slots, '[[delay 10]] [[tokens 100]]')
  await allSpeak(heard, 10)
  s3.signal('SIGSTOP')
  await sleep(5000)
  s3.signal('SIGCONT')
  await endsWell(heard)
})

it('and in the end both servers are well', async () => {
  await eventually(async () => (await (await fetch(`${url}/readyz`)).text()) === 'ok', { timeoutMs: 30_000 })
})
