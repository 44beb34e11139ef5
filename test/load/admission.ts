/**
 * Benchmark `admission`: the latency of reviews at the webhook with sixteen policies in force, as an API server meets it.
 *
 * A webhook process with its caches on a real API server; reviews of 4 KB over a few keep-alive HTTPS connections, sent
 * in an open loop: a slow answer does not hold back the next question, and counts in full. Mutating and validating
 * reviews take turns, as they do for every object. Times are taken from the call to the last byte of the answer.
 */
import { Agent, request } from 'node:https'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, startCluster } from '@mnemos/cluster'
import { createClient, resource } from '@mnemos/kube'
import { z } from 'zod'
import { quantile, rounded } from './admission-load/creates.ts'
import { installForLoad, nodeFlags, type Replica, startReplica } from './admission-load/replicas.ts'
import { sixteenPolicies } from './admission-load/sixteen-policies.ts'

const rate = 500
const warmupSeconds = 5
const seconds = 30
const reviewBytes = 4096
const connections = 8

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  log('starting a control plane')
  const cluster = await startCluster({ controllers: false, log })
  let webhook: Replica | undefined
  try {
    await installForLoad(cluster)
    webhook = await startReplica(cluster, { MNEMOS_WEBHOOK_DRAIN_MS: '0' })
    await webhook.ready()
    const ports = webhook
    const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: await authorityOf(cluster) })
    const call = callerOf(ports.port, agent)
    log(`warming up for ${warmupSeconds} s`)
    await openLoop(call, warmupSeconds)
    log(`measuring ${rate} reviews/s for ${seconds} s`)
    const cpuBefore = await metricOf(ports.healthPort, 'process_cpu_seconds_total')
    const { latencies, failures, lateMs } = await openLoop(call, seconds)
    const cpuSeconds = (await metricOf(ports.healthPort, 'process_cpu_seconds_total')) - cpuBefore
    agent.destroy()
    return {
      p50_ms: quantile(latencies, 0.5),
      p99_ms: quantile(latencies, 0.99),
      max_ms: quantile(latencies, 1),
      rss_mb: rounded((await metricOf(ports.healthPort, 'process_resident_memory_bytes')) / 1e6),
      anonymous_mb: rounded(await ports.anonymousMb()),
      cpu_ms_per_review: rounded((cpuSeconds * 1000) / latencies.length),
      reviews: latencies.length,
      failures,
      conditions: {
        rate_per_s: rate,
        duration_s: seconds,
        review_bytes: reviewBytes,
        policies: sixteenPolicies.length,
        connections,
        node_flags: nodeFlags,
        load_average_1m: rounded(loadavg()[0] ?? 0),
        generator_late_p99_ms: quantile(lateMs, 0.99),
        client: 'node:https in the same machine, TLS 1.3, open loop',
      },
    }
  } finally {
    await webhook?.end()
    await cluster.stop()
  }
}

/** The authority's certificate, from where API servers have it too. */
async function authorityOf({ server, ca, token }: Cluster): Promise<string> {
  const client = createClient({ credentials: { server, tls: { ca }, token: () => Promise.resolve(token) } })
  const secrets = resource({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true })
  const secret = await client.get(secrets, { namespace: 'mnemos-system', name: 'mnemos-webhook-ca' })
  await client.close()
  const parsed = z.object({ data: z.object({ 'ca.crt': z.string() }) }).parse(secret)
  return Buffer.from(parsed.data['ca.crt'], 'base64').toString()
}

type Call = (index: number) => Promise<boolean>

function callerOf(port: number, agent: Agent): Call {
  return (index) =>
    new Promise((resolve) => {
      const body = reviewOf(index)
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
      const path = index % 2 === 0 ? '/mutate?timeout=3s' : '/validate?timeout=3s'
      const outgoing = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
        let answer = ''
        response.on('data', (chunk: Buffer) => (answer += chunk.toString()))
        response.on('end', () => resolve(response.statusCode === 200 && answer.includes('"allowed":true')))
      })
      outgoing.on('error', () => resolve(false))
      outgoing.end(body)
    })
}

async function openLoop(call: Call, forSeconds: number): Promise<{ latencies: number[]; failures: number; lateMs: number[] }> {
  const latencies: number[] = []
  const lateMs: number[] = []
  const pending: Promise<void>[] = []
  let failures = 0
  const ask = async (index: number): Promise<void> => {
    const sent = performance.now()
    if (!(await call(index))) failures += 1
    latencies.push(performance.now() - sent)
  }
  const started = performance.now()
  for (let index = 0; index < rate * forSeconds; ) {
    const due = started + (index * 1000) / rate
    const now = performance.now()
    if (now < due) {
      await sleep(due - now)
      continue
    }
    lateMs.push(now - due)
    pending.push(ask(index))
    index += 1
  }
  await Promise.all(pending)
  return { latencies, failures, lateMs }
}

/** A Job with a prompt and the metadata that an API server adds, padded to the size. */
function reviewOf(index: number): string {
  const review = (prompt: string): string =>
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: `0af3f1a4-e324-4a05-b25e-${String(index).padStart(12, '0')}`,
        kind: { group: 'mnemos.dev', version: 'v1alpha1', kind: 'Job' },
        resource: { group: 'mnemos.dev', version: 'v1alpha1', resource: 'mnemosjobs' },
        name: `job-${index}`,
        namespace: 'default',
        operation: 'CREATE',
        userInfo: { username: 'alice', groups: ['dev', 'system:authenticated'] },
        object: {
          apiVersion: 'mnemos.dev/v1alpha1',
          kind: 'Job',
          metadata: {
            name: `job-${index}`,
            namespace: 'default',
            creationTimestamp: null,
            annotations: { 'mnemos.dev/requester': 'alice' },
            labels: { team: 'research', 'app.kubernetes.io/name': 'report' },
            managedFields: [
              {
                manager: 'kubectl',
                operation: 'Update',
                apiVersion: 'mnemos.dev/v1alpha1',
                time: '2026-01-01T00:00:00Z',
                fieldsType: 'FieldsV1',
                fieldsV1: { 'f:spec': { '.': {}, 'f:inference': { '.': {}, 'f:prompt': {} } } },
              },
            ],
          },
          spec: {
            inference: {
              modelRef: { name: 'smollm' },
              prompt,
              parameters: { maxTokens: 128, temperature: 0.7, topP: 0.9, stop: ['###', '</s>'] },
            },
            queue: 'default',
            priority: 'normal',
            dependsOn: ['prepare', 'fetch'],
            deadlines: { queueSeconds: 3600, runSeconds: 600 },
            retry: { limit: 3 },
            suspend: false,
            cancel: false,
          },
        },
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      },
    })
  // No two texts are the same, so that nothing is remembered from one to the next.
  const text = `Report ${index}. ${'The quick brown fox jumps over the lazy dog. '.repeat(100)}`
  return review(text.slice(0, reviewBytes - review('').length))
}

/** One figure that the webhook tells of itself. */
async function metricOf(healthPort: number, name: string): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()
  const line = metrics.split('\n').find((text) => text.startsWith(`${name} `))
  return Number(line?.split(' ')[1])
}
