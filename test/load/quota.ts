/**
 * Benchmark `quota`: 100 Jobs created at once against a rate limit of 10, on three webhooks, again and again.
 *
 * A real API server, a real Redis, three webhook processes behind one address that takes connections in turn. Each round has a
 * namespace of its own, which the limit counts apart, so that all rounds can follow one another at once. What was admitted is
 * counted twice: by the answers, and by what is stored.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { clusterPolicyKind, group, jobKind, version } from '@mnemos/api'
import { type Cluster, startCluster } from '@mnemos/cluster'
import { type Client, createClient, KubeError, resource } from '@mnemos/kube'
import { startRedisServer, startTcpBalancer, type TcpBalancer } from '@mnemos/testkit'
import { z } from 'zod'

const replicas = 3
const atOnce = 100
const limit = 10
/** Rounds of each algorithm. */
const rounds = { SlidingWindow: 100, TokenBucket: 20 } as const
type Algorithm = keyof typeof rounds

const jobs = resource({ group, version, plural: jobKind.plural, kind: jobKind.kind, namespaced: true })
const clusterPolicies = resource({ group, version, plural: clusterPolicyKind.plural, kind: clusterPolicyKind.kind, namespaced: false })
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })
const portsSchema = z.object({ port: z.number(), healthPort: z.number() })
type Ports = z.output<typeof portsSchema>

interface Round {
  readonly answered: number
  readonly stored: number
  readonly failures: number
  readonly latencies: readonly number[]
}

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  log('starting a control plane and a Redis')
  const cluster = await startCluster({ controllers: false, log })
  const redis = await startRedisServer()
  const balancer = await startTcpBalancer()
  const webhooks = Array.from({ length: replicas }, () => fork(join(import.meta.dirname, 'admission-load/webhook.child.ts')))
  const client = createClient({
    credentials: { server: cluster.server, tls: { ca: cluster.ca }, token: () => Promise.resolve(cluster.token) },
    connections: atOnce,
  })
  try {
    await install(cluster)
    const env = {
      MNEMOS_WEBHOOK_URL: `https://127.0.0.1:${balancer.port}`,
      MNEMOS_WEBHOOK_REPLICAS: String(replicas),
      MNEMOS_WEBHOOK_DRAIN_MS: '0',
      MNEMOS_RATE_LIMIT_STORE: 'redis',
      MNEMOS_REDIS_URL: redis.url,
      MNEMOS_REDIS_PASSWORD: redis.password,
    }
    const ports = await startWebhooks(webhooks, { cluster, env, balancer })
    await limitJobs(client)
    const done: Round[] = []
    const took: Record<string, number> = {}
    for (const [algorithm, count] of Object.entries(rounds) as [Algorithm, number][]) {
      const began = performance.now()
      for (let at = 0; at < count; at += 1) done.push(await oneRound(client, algorithm, at))
      took[algorithm] = rounded((performance.now() - began) / 1000)
      log(`${count} rounds of ${algorithm} took ${took[algorithm]} s`)
    }
    const latencies = done.flatMap((round) => round.latencies)
    const isExact = ({ answered, stored }: Round): boolean => answered === limit && stored === limit
    const shares = await Promise.all(ports.map(({ healthPort }) => reviewsOf(healthPort)))
    const all = shares.reduce((sum, each) => sum + each, 0)
    return {
      rounds: done.length,
      exact: done.filter(isExact).length,
      admitted_min: Math.min(...done.map(({ stored }) => stored)),
      admitted_max: Math.max(...done.map(({ stored }) => stored)),
      creates: latencies.length,
      failures: done.reduce((sum, round) => sum + round.failures, 0),
      create_p50_ms: quantile(latencies, 0.5),
      create_p99_ms: quantile(latencies, 0.99),
      least_share_of_a_replica: rounded(Math.min(...shares) / all),
      conditions: {
        replicas,
        creates_at_once: atOnce,
        limit,
        rounds_of: rounds,
        seconds_of: took,
        load_average_1m: rounded(loadavg()[0] ?? 0),
        client: 'one Node process, 100 connections, closed loop within a round; latencies are those of 100 at once',
      },
    }
  } finally {
    for (const webhook of webhooks) webhook.disconnect()
    await Promise.race([Promise.all(webhooks.map((webhook) => once(webhook, 'exit'))), sleep(5000)])
    for (const webhook of webhooks) webhook.kill('SIGKILL')
    await client.close()
    await balancer.close()
    await redis.kill()
    await rm(redis.folder, { recursive: true, force: true })
    await cluster.stop()
  }
}

async function install({ kubectl, kubeconfig }: Cluster): Promise<void> {
  const kube = (...args: readonly string[]) => promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args])
  const crds = join(import.meta.dirname, '../../crds')
  await kube('apply', '--server-side', '-f', crds)
  await kube('wait', '--for=condition=Established', '--timeout=30s', '-f', crds)
  await kube('create', 'namespace', 'mnemos-system')
}

async function startWebhooks(
  webhooks: readonly ChildProcess[],
  { cluster: { server, ca, token }, env, balancer }: { cluster: Cluster; env: Record<string, string>; balancer: TcpBalancer },
): Promise<readonly Ports[]> {
  const started = await Promise.all(
    webhooks.map(async (child) => {
      child.send({ server, ca, token, env })
      const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[] // events are untyped
      return portsSchema.parse(message)
    }),
  )
  balancer.use(started.map(({ port }) => port))
  for (const { healthPort } of started) {
    const isReady = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok
    for (let tries = 0; !(await isReady()); tries += 1) {
      if (tries > 400) throw new Error('a webhook did not become ready in 20 s')
      await sleep(50)
    }
  }
  return started
}

/** One policy for each algorithm, in force everywhere when this resolves. */
async function limitJobs(client: Client): Promise<void> {
  for (const algorithm of Object.keys(rounds)) {
    const rateLimit = { requests: limit, windowSeconds: 86_400, per: 'Namespace', algorithm }
    const policy = {
      ...{ apiVersion: `${group}/${version}`, kind: clusterPolicyKind.kind, metadata: { name: algorithm.toLowerCase() } },
      spec: { namespaces: { include: [`${algorithm.toLowerCase()}-*`] }, rules: [{ name: 'jobs', rateLimit }] },
    }
    await client.apply(clusterPolicies, policy, { fieldManager: 'bench', force: true })
  }
  // A round that is not counted warms everything up, until every replica has read the policies.
  for (let at = 0; ; at += 1) {
    const warm = await Promise.all((Object.keys(rounds) as Algorithm[]).map((algorithm) => oneRound(client, algorithm, `warm-${at}`)))
    if (warm.every(({ answered }) => answered === limit)) return
    if (at > 20) throw new Error('the policies did not come into force')
  }
}

async function oneRound(client: Client, algorithm: Algorithm, at: number | string): Promise<Round> {
  const namespace = `${algorithm.toLowerCase()}-${at}`
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const outcomes = await Promise.all(Array.from({ length: atOnce }, (_, index) => createOne(client, namespace, `job-${index}`)))
  const { items } = await client.list(jobs, { namespace })
  return {
    answered: outcomes.filter(({ outcome }) => outcome === 'created').length,
    stored: items.length,
    failures: outcomes.filter(({ outcome }) => outcome === 'failed').length,
    latencies: outcomes.map(({ ms }) => ms),
  }
}

async function createOne(
  client: Client,
  namespace: string,
  name: string,
): Promise<{ outcome: 'created' | 'refused' | 'failed'; ms: number }> {
  const began = performance.now()
  const spec = { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' } }
  const job = { apiVersion: `${group}/${version}`, kind: jobKind.kind, metadata: { name, namespace }, spec }
  try {
    await client.create(jobs, job)
    return { outcome: 'created', ms: performance.now() - began }
  } catch (error) {
    const isRefused = error instanceof KubeError && error.status === 429 && error.retryAfterMs === undefined
    return { outcome: isRefused ? 'refused' : 'failed', ms: performance.now() - began }
  }
}

async function reviewsOf(healthPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()
  const counts = [...text.matchAll(/^mnemos_admission_reviews_total\{kind="Job",stage="validate".*\} (\d+)$/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN)
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
