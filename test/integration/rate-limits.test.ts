/** Rate limits of policies as users meet them: three webhooks behind one address, a real API server, a real Redis. */
import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { clusterPolicyKind, group, jobKind, policyKind, version } from '@mnemos/api'
import { createClient, KubeError, type KubeObject, resource } from '@mnemos/kube'
import { createRedisRateLimits } from '@mnemos/stores'
import { eventually, startRedisServer, startTcpBalancer, startTestCluster } from '@mnemos/testkit'
import { apply, jobYaml, kubectl, type RunningWebhook, startWebhook } from './webhook.fixture.ts'

const jobs = resource({ group, version, plural: jobKind.plural, kind: jobKind.kind, namespaced: true })
const policies = resource({ group, version, plural: policyKind.plural, kind: policyKind.kind, namespaced: true })
const clusterPolicies = resource({ group, version, plural: clusterPolicyKind.plural, kind: clusterPolicyKind.kind, namespaced: false })
const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const everybody = ['system:masters']
const [cluster, redis, balancer] = await Promise.all([
  startTestCluster({ crds: true, users: ['alice', 'bob', operator].map((name) => ({ name, groups: everybody })) }),
  startRedisServer(),
  startTcpBalancer(),
])
const clientOf = (user?: string) => createClient({ credentials: cluster.credentials(user), connections: 100 })
const clients = { admin: clientOf(), alice: clientOf('alice'), bob: clientOf('bob'), operator: clientOf(operator) }
const client = clients.admin
/** Short, so that tests see charges being forgotten. */
const provisionalMs = 3000
const rateLimits = { redis: { url: redis.url, password: redis.password, prefix: 'mnemos:' }, deadlineMs: 500, replicas: 3, provisionalMs }
const url = `https://127.0.0.1:${balancer.port}`
const replicas: RunningWebhook[] = []
const balance = (): void => balancer.use(replicas.map(({ port }) => port))

async function addReplica(): Promise<void> {
  const started = await startWebhook(cluster, { url, rateLimits }, { reach: (port) => balancer.use([port]) })
  replicas.push(started)
  balance()
}

before(async () => {
  await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
  for (let at = 0; at < 3; at++) await addReplica()
})
after(async () => {
  await Promise.all(replicas.map((webhook) => webhook.stop()))
  await balancer.close()
  await Promise.all(Object.values(clients).map((each) => each.close()))
})

/** Asks one replica itself whether a Job may be created, as an API server would. */
async function ask({ port }: RunningWebhook, namespace: string, name: string, { uid = 'u', isDryRun = true } = {}): Promise<boolean> {
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group, version, kind: 'Job' },
      ...{ operation: 'CREATE', namespace, dryRun: isDryRun, userInfo: { username: 'probe' } },
      object: { ...aJob(namespace, name), metadata: { name, namespace, uid, annotations: { 'mnemos.dev/requester': 'probe' } } },
      oldObject: null,
    },
  })
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', Connection: 'close' }
    const outgoing = request(
      { host: '127.0.0.1', port, path: '/validate', method: 'POST', headers, rejectUnauthorized: false },
      (response) => {
        let answer = ''
        response.on('data', (chunk: Buffer) => (answer += chunk.toString()))
        response.on('end', () => resolve(answer))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
  return text.includes('"allowed":true')
}

/** A policy of a namespace of its own, in force at every replica when this resolves. */
async function limitTo(namespace: string, limit: object, { mode = 'Enforce', kinds = ['Job'] } = {}): Promise<void> {
  const exists = (await kubectl(cluster, ['get', 'namespace', namespace])).code === 0
  if (!exists) await cluster.kubectlRun(['create', 'namespace', namespace])
  const known = `known-${performance.now().toFixed(0)}`
  const policy = (name: string, spec: object): KubeObject => ({
    ...{ apiVersion: `${group}/${version}`, kind: 'Policy' },
    ...{ metadata: { name, namespace }, spec },
  })
  const options = { fieldManager: 'test', force: true }
  const rule = { name: 'jobs', message: 'ask the platform team for more', rateLimit: { windowSeconds: 600, ...limit } }
  await client.apply(policies, policy('fair', { mode, match: { kinds }, rules: [rule] }), options)
  // Policies come in order, so that whoever knows this one knows the other.
  const seen = { name: 'seen', expression: `object.metadata.name != '${known}'` }
  await client.apply(policies, policy('seen', { rules: [seen] }), options)
  for (const replica of replicas) {
    await eventually(async () => !(await ask(replica, namespace, known)), { message: 'a replica knows the policy' })
  }
}

const aJob = (namespace: string, name: string): KubeObject & { spec: object } => ({
  apiVersion: `${group}/${version}`,
  kind: 'Job',
  metadata: { name, namespace },
  spec: { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' } },
})

interface Tried {
  readonly created: number
  readonly refusals: readonly KubeError[]
}

/** Creates Jobs at once, each once; answers how many were created, and the refusals of the others. */
async function create(namespace: string, count: number, { by = client, prefix = 'job', dry = false } = {}): Promise<Tried> {
  const refusals: KubeError[] = []
  const one = async (at: number): Promise<void> => {
    try {
      await by.create(jobs, aJob(namespace, `${prefix}-${at}`), { dryRun: dry })
    } catch (error) {
      assert.ok(error instanceof KubeError, String(error))
      refusals.push(error)
    }
  }
  await Promise.all(Array.from({ length: count }, (_, at) => one(at)))
  return { created: count - refusals.length, refusals }
}

const createdBy = async (...tried: Parameters<typeof create>): Promise<number> => (await create(...tried)).created

/** One figure of each replica's metrics. */
const metric = (line: string): Promise<readonly number[]> =>
  Promise.all(
    replicas.map(async ({ healthPort }) => {
      const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()
      return Number(
        text
          .split('\n')
          .find((each) => each.startsWith(`${line} `))
          ?.slice(line.length + 1) ?? 0,
      )
    }),
  )
const total = async (line: string): Promise<number> => (await metric(line)).reduce((sum, each) => sum + each, 0)

test('100 creates at once against a limit of 10 on three replicas: exactly 10', async () => {
  await limitTo('burst', { requests: 10 })
  const { created, refusals } = await create('burst', 100)
  assert.equal(created, 10)
  for (const { status, reason, details, message } of refusals) {
    assert.deepEqual([status, reason, details?.retryAfterSeconds], [429, 'TooManyRequests', undefined])
    assert.match(
      message,
      /denied the request: Job "job-\d+" is over 10 Jobs in 10 min for each user \(Policy "burst\/fair", rule "jobs"\); the next one fits at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in \d+ s\); ask the platform team for more$/,
    )
  }
  assert.equal((await client.list(jobs, { namespace: 'burst' })).items.length, 10)
  const took = await metric('mnemos_admission_reviews_total{kind="Job",stage="validate",operation="CREATE",verdict="refused"}')
  assert.ok(
    took.every((count) => count > 0),
    `reviews of each replica: ${took.join(', ')}`,
  )
})

test('what kubectl prints, at once', async () => {
  await limitTo('print', { requests: 1 })
  assert.equal(await createdBy('print', 1), 1)
  const began = performance.now()
  const printed = await apply(cluster, jobYaml('greet').replace('namespace: default', 'namespace: print'))
  assert.ok(performance.now() - began < 5000)
  assert.match(
    printed.stderr,
    /^Error from server \(TooManyRequests\): error when creating "STDIN": admission webhook "validate.mnemos.dev" denied the request: Job "greet" is over 1 Job in 10 min for each user \(Policy "print\/fair", rule "jobs"\); the next one fits at \S+Z \(in \d+ s\); ask the platform team for more\n$/,
  )
})

test('users count apart, or together in their namespace; our own processes do not count', async () => {
  await limitTo('users', { requests: 2 })
  for (const by of [clients.alice, clients.bob])
    assert.equal(await createdBy('users', 5, { by, prefix: by === clients.bob ? 'b' : 'a' }), 2)
  assert.equal(await createdBy('users', 5, { by: clients.operator, prefix: 'child' }), 5)
  await limitTo('shared', { requests: 3, per: 'Namespace' })
  const [a, b] = await Promise.all([
    createdBy('shared', 5, { by: clients.alice, prefix: 'a' }),
    createdBy('shared', 5, { by: clients.bob, prefix: 'b' }),
  ])
  assert.equal(a + b, 3)
})

test('an API key counts by itself, whoever shows it; who shows none counts as a user', async () => {
  await limitTo('keys', { requests: 2, per: 'Key' })
  let made = 0
  const createAs = async (user: string, key?: string): Promise<number> => {
    made += 1
    // As an authenticator of API keys would name them; here by the right to impersonate.
    const headers = {
      'impersonate-user': user,
      'impersonate-group': 'system:masters',
      ...(key === undefined ? {} : { 'impersonate-extra-mnemos.dev%2fapi-key': key }),
    }
    const path = `/apis/${group}/${version}/namespaces/keys/${jobKind.plural}`
    const asked = client.request('POST', path, { body: aJob('keys', `job-${made}`), headers })
    return asked.then(
      () => 201,
      (error: unknown) => (error instanceof KubeError ? error.status : Promise.reject(new Error(String(error)))),
    )
  }
  const asked = [
    () => createAs('alice', 'k1'),
    () => createAs('bob', 'k1'),
    () => createAs('carol', 'k1'),
    () => createAs('alice', 'k2'),
    () => createAs('alice'),
    () => createAs('alice'),
    () => createAs('alice'),
  ]
  const answers: number[] = []
  for (const ask of asked) answers.push(await ask())
  assert.deepEqual(answers, [201, 201, 429, 201, 201, 201, 429])
})

test('a dry run takes nothing, and tells the truth', async () => {
  await limitTo('dry', { requests: 3 })
  assert.equal(await createdBy('dry', 20, { dry: true }), 20)
  assert.equal(await createdBy('dry', 5), 3)
  const { refusals } = await create('dry', 1, { dry: true, prefix: 'again' })
  assert.match(refusals[0]?.message ?? '', /is over 3 Jobs/)
})

test('what was stored stays counted; what another check refused afterwards is forgotten', async () => {
  await limitTo('forget', { requests: 4 })
  // Refused by the API server itself, after admission: the name is taken.
  assert.equal(await createdBy('forget', 1), 1)
  const { refusals } = await create('forget', 1)
  assert.deepEqual([refusals[0]?.status, refusals[0]?.reason], [409, 'AlreadyExists'])
  assert.equal(await createdBy('forget', 5, { prefix: 'more' }), 2)
  await eventually(async () => (await createdBy('forget', 1, { prefix: `late-${performance.now().toFixed(0)}` })) === 1, {
    timeoutMs: 3 * provisionalMs,
  })
  assert.equal((await create('forget', 5, { prefix: 'over' })).created, 0)
  assert.equal((await client.list(jobs, { namespace: 'forget' })).items.length, 4)
  await eventually(async () => (await total('mnemos_rate_limit_confirmations_total{outcome="confirmed"}')) >= 4)
  assert.equal(await total('mnemos_rate_limit_confirmations_total{outcome="unknown"}'), 0)
})

test('a Job that is deleted as soon as it is stored counts all the same', async () => {
  await limitTo('delete', { requests: 1 })
  assert.equal(await createdBy('delete', 1), 1)
  await client.delete(jobs, { namespace: 'delete', name: 'job-0' })
  await new Promise((resolve) => setTimeout(resolve, provisionalMs + 500)) // the charge would be forgotten by now
  assert.equal((await create('delete', 1)).created, 0)
})

test('what a replica charged and did not live to confirm is confirmed by another', async () => {
  await limitTo('orphan', { requests: 5 })
  const { metadata } = await client.create(jobs, aJob('orphan', 'stored'))
  const stored = metadata.uid ?? ''
  const store = await createRedisRateLimits({ ...rateLimits.redis, provisionalMs })
  await eventually(async () => !(await store.unconfirmed(0)).includes(stored))
  // As a replica leaves it that is killed after its answer.
  const charges = [{ key: 'another', limit: { algorithm: 'SlidingWindow', requests: 5, windowMs: 600_000 } }] as const
  for (const uid of [stored, 'never-stored']) assert.ok((await store.charge(uid, charges)).isAdmitted)
  try {
    await eventually(async () => !(await store.unconfirmed(0)).includes(stored), { timeoutMs: 3 * provisionalMs })
    assert.ok((await store.unconfirmed(0)).includes('never-stored'))
  } finally {
    await store.close()
  }
})

for (const [onStoreFailure, want] of [
  ['Deny', 0],
  ['Allow', 5],
] as const) {
  test(`while Redis is gone, a rule that says ${onStoreFailure} admits ${want} of 5, within its time; when it is back, it counts`, async () => {
    const namespace = `gone-${onStoreFailure.toLowerCase()}`
    await limitTo(namespace, { requests: 2, onStoreFailure })
    await redis.kill()
    const began = performance.now()
    const { created, refusals } = await create(namespace, 5)
    assert.ok(performance.now() - began < 3000)
    assert.equal(created, want)
    for (const { status, reason, message } of refusals) {
      assert.deepEqual([status, reason], [503, 'ServiceUnavailable'])
      assert.match(
        message,
        /Job "job-\d" cannot be counted now, because the store of rate limits does not answer, and Policy "gone-deny\/fair", rule "jobs" refuses/,
      )
    }
    await redis.start()
    const answered = 'mnemos_rate_limit_store_seconds_count{answered="true"}'
    const before = await metric(answered)
    await eventually(async () => {
      await Promise.all(replicas.map((replica) => ask(replica, namespace, 'probe')))
      return (await metric(answered)).every((count, at) => count > (before[at] ?? 0))
    })
    assert.equal(await createdBy(namespace, 5, { prefix: 'back' }), 2)
    const outcome = onStoreFailure === 'Deny' ? 'uncountedRefused' : 'uncountedAdmitted'
    assert.ok(
      (await total(`mnemos_rate_limit_requests_total{policy="Policy \\"${namespace}/fair\\"",rule="jobs",outcome="${outcome}"}`)) >= 5,
    )
  })
}

test('Warn admits with a warning, Audit in silence', async () => {
  await limitTo('warn', { requests: 1 }, { mode: 'Warn' })
  const yaml = (name: string, namespace: string): string => jobYaml(name).replace('namespace: default', `namespace: ${namespace}`)
  await apply(cluster, yaml('first', 'warn'))
  const printed = await apply(cluster, yaml('second', 'warn'))
  assert.equal(printed.code, 0)
  assert.match(printed.stderr, /Warning: Job "second" is over 1 Job in 10 min for each user/)
  await limitTo('audit', { requests: 1 }, { mode: 'Audit' })
  await apply(cluster, yaml('first', 'audit'))
  const silent = await apply(cluster, yaml('second', 'audit'))
  assert.deepEqual([silent.code, silent.stderr.includes('is over')], [0, false])
  assert.equal(await total('mnemos_rate_limit_requests_total{policy="Policy \\"audit/fair\\"",rule="jobs",outcome="over"}'), 1)
})

test('the same review asked again, of whichever replica, is charged once', async () => {
  await limitTo('retry', { requests: 2 })
  const isAdmitted = (uid: string, replica: RunningWebhook | undefined): Promise<boolean> => {
    assert.ok(replica !== undefined)
    return ask(replica, 'retry', `job-${uid}`, { uid, isDryRun: false })
  }
  const asked = [0, 1, 2, 0, 1].map((at) => isAdmitted('retry-1', replicas[at]))
  assert.deepEqual(await Promise.all(asked), [true, true, true, true, true])
  assert.deepEqual([await isAdmitted('retry-2', replicas[0]), await isAdmitted('retry-3', replicas[1])], [true, false])
  assert.deepEqual([await isAdmitted('retry-1', replicas[2]), await isAdmitted('retry-2', replicas[2])], [true, true])
})

test('a Job counts once however it is made, and stays counted', async () => {
  await limitTo('ways', { requests: 4 })
  const yaml = (name: string): string => jobYaml(name).replace('namespace: default', 'namespace: ways')
  const generated = { ...aJob('ways', ''), metadata: { generateName: 'made-', namespace: 'ways' } }
  const ways: Record<string, () => Promise<unknown>> = {
    'kubectl create': () => cluster.kubectlRun(['create', '-f', '-'], yaml('created')),
    'kubectl apply, twice': async () => {
      await cluster.kubectlRun(['apply', '-f', '-'], yaml('applied'))
      await cluster.kubectlRun(['apply', '-f', '-'], `${yaml('applied')}  priority: high\n`)
    },
    'server-side apply, twice': async () => {
      await cluster.kubectlRun(['apply', '--server-side', '-f', '-'], yaml('applied-there'))
      await cluster.kubectlRun(['apply', '--server-side', '-f', '-'], `${yaml('applied-there')}  priority: high\n`)
    },
    'a generated name': () => client.request('POST', `/apis/${group}/${version}/namespaces/ways/${jobKind.plural}`, { body: generated }),
  }
  const confirmed = 'mnemos_rate_limit_confirmations_total{outcome="confirmed"}'
  const before = await total(confirmed)
  for (const make of Object.values(ways)) await make()
  await eventually(async () => (await total(confirmed)) === before + 4)
  assert.equal((await create('ways', 3)).created, 0)
})

test('limits of several policies are charged together or not at all', async () => {
  await limitTo('several', { requests: 5 })
  const wide = {
    ...{ apiVersion: `${group}/${version}`, kind: 'ClusterPolicy', metadata: { name: 'wide' } },
    spec: {
      namespaces: { include: ['several'] },
      rules: [{ name: 'all', rateLimit: { requests: 2, windowSeconds: 3600, per: 'Policy', algorithm: 'TokenBucket', burst: 3 } }],
    },
  }
  await client.apply(clusterPolicies, wide, { fieldManager: 'test', force: true })
  await limitTo('several', { requests: 5 })
  const { created, refusals } = await create('several', 20)
  assert.equal(created, 3)
  assert.match(
    refusals[0]?.message ?? '',
    /is over 2 Jobs in 1 h on average and 3 at once for all together \(ClusterPolicy "wide", rule "all"\)/,
  )
  await client.delete(clusterPolicies, { name: 'wide' })
  await limitTo('several', { requests: 5 })
  // Of the 17 that were refused none was counted by the other policy.
  assert.equal(await createdBy('several', 10, { prefix: 'rest' }), 2)
})
