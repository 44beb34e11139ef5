/**
 * Benchmark `admission-e2e`: what admission adds to the creation of a Job, at a real API server, with and without the webhook in turns.
 *
 * Open loop at a fixed rate, in slices: without, with, and again, so that the noise of the machine meets both; each slice begins with
 * an empty store and a short warm-up. Then 10,000 creations by 500 clients in a closed loop, with the webhook. "Without" is the same
 * API server without the registration, and no webhook process.
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, startCluster } from '@mnemos/cluster'
import { type Client, createClient, resource } from '@mnemos/kube'
import { type Creator, closedLoop, createsAt, type Measured, openLoop, quantile, rounded } from './admission-load/creates.ts'
import { installForLoad, nodeFlags, type Replica, startReplica } from './admission-load/replicas.ts'
import { sixteenPolicies } from './admission-load/sixteen-policies.ts'

const rate = 200
const slices = 4
const warmupSeconds = 2
const seconds = 10
const clients = 500
const calls = 10_000
const registrations = ['mutating', 'validating'].map((stage) =>
  resource({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: `${stage}webhookconfigurations`,
    kind: `${stage === 'mutating' ? 'Mutating' : 'Validating'}WebhookConfiguration`,
    namespaced: false,
  }),
)

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  log('starting a control plane')
  const cluster = await startCluster({ controllers: false, log })
  const client = createClient({
    credentials: { server: cluster.server, tls: { ca: cluster.ca }, token: () => Promise.resolve(cluster.token) },
  })
  const creator = createsAt(cluster, clients)
  try {
    await installForLoad(cluster)
    const base: Measured[] = []
    const withUs: Measured[] = []
    for (let slice = 0; slice < slices; slice += 1) {
      base.push(await oneSlice(creator))
      const webhook = await register(cluster)
      withUs.push(await oneSlice(creator))
      if (slice === slices - 1) break
      await unregister(client, webhook)
      log(
        `slice ${slice + 1}: p99 ${quantile(base.at(-1)?.latencies ?? [], 0.99)} ms without, ${quantile(withUs.at(-1)?.latencies ?? [], 0.99)} ms with`,
      )
    }
    log(`${calls} creations by ${clients} clients`)
    const began = performance.now()
    const closed = await closedLoop(() => creator.create(), { clients, calls })
    const closedSeconds = (performance.now() - began) / 1000
    for (const [why, times] of [...creator.failures].slice(0, 10)) log(`failed ${times} times: ${why}`)
    const all = (measured: readonly Measured[]): number[] => measured.flatMap(({ latencies }) => latencies)
    return {
      failures: [...base, ...withUs, closed].reduce((sum, each) => sum + each.failures, 0),
      added_p99_ms: rounded(quantile(all(withUs), 0.99) - quantile(all(base), 0.99)),
      base_p99_ms: quantile(all(base), 0.99),
      with_p99_ms: quantile(all(withUs), 0.99),
      base_p50_ms: quantile(all(base), 0.5),
      with_p50_ms: quantile(all(withUs), 0.5),
      creates: all(base).length + all(withUs).length + closed.latencies.length,
      closed_creates_per_s: rounded(calls / closedSeconds),
      closed_p99_ms: quantile(closed.latencies, 0.99),
      conditions: {
        rate_per_s: rate,
        slices: `${slices} of ${seconds} s each way`,
        policies: sixteenPolicies.length,
        closed_loop: `${clients} clients, ${calls} creations`,
        node_flags: nodeFlags,
        load_average_1m: rounded(loadavg()[0] ?? 0),
        peer: 'the same API server without the registration',
      },
    }
  } finally {
    creator.close()
    await client.close()
    await cluster.stop()
  }
}

async function oneSlice(creator: Creator): Promise<Measured> {
  await creator.clear()
  await openLoop(() => creator.create(), { rate, seconds: warmupSeconds })
  return openLoop(() => creator.create(), { rate, seconds })
}

/** A webhook that is ready, which means registered, and that the API server has heard of. */
async function register(cluster: Cluster): Promise<Replica> {
  const webhook = await startReplica(cluster, { MNEMOS_WEBHOOK_DRAIN_MS: '0' })
  await webhook.ready()
  await sleep(1000)
  return webhook
}

/** The registration would be written back while its webhook lives. */
async function unregister(client: Client, webhook: Replica): Promise<void> {
  await webhook.end()
  for (const registration of registrations) await client.delete(registration, { name: 'mnemos' })
  await sleep(1000)
}
