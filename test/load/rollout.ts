/**
 * Benchmark `rollout`: webhooks replaced one after the other under load, without a failed call.
 *
 * As a Deployment with maxUnavailable 0 does it: a new one is ready and takes connections before an old one gets SIGTERM, and the
 * old one gets new connections for a second more, because endpoints hear of its end late. Connections that it had are its
 * own to move: the balancer, like a Service, never cuts one.
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster } from '@mnemos/cluster'
import { startTcpBalancer } from '@mnemos/testkit'
import { createsAt, openLoop, quantile, rounded } from './admission-load/creates.ts'
import { installForLoad, type Replica, startReplica } from './admission-load/replicas.ts'

const replicas = 2
const rate = 200
const seconds = 60
const lateMs = 1000
const restMs = 2000

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  log('starting a control plane')
  const cluster = await startCluster({ controllers: false, log })
  const balancer = await startTcpBalancer()
  const creator = createsAt(cluster, 64)
  const alive: Replica[] = []
  const ending: Promise<void>[] = []
  const useAll = (): void => balancer.use(alive.map(({ port }) => port))
  const env = { MNEMOS_WEBHOOK_URL: `https://127.0.0.1:${balancer.port}`, MNEMOS_WEBHOOK_REPLICAS: String(replicas) }
  try {
    await installForLoad(cluster)
    alive.push(...(await Promise.all(Array.from({ length: replicas }, () => startReplica(cluster, env)))))
    useAll()
    for (const each of alive) await each.ready()
    const over = new AbortController()
    let restarts = 0
    const rolling = (async () => {
      while (!over.signal.aborted) {
        const fresh = await startReplica(cluster, env)
        await fresh.ready()
        alive.push(fresh)
        useAll()
        const [old] = alive
        if (old === undefined) return
        ending.push(old.end())
        await sleep(lateMs)
        alive.shift()
        useAll()
        restarts += 1
        await sleep(restMs)
      }
    })()
    log(`${rate} creations a second for ${seconds} s`)
    const { latencies, failures } = await openLoop(() => creator.create(), { rate, seconds })
    over.abort()
    await rolling
    for (const [why, times] of [...creator.failures].slice(0, 10)) log(`failed ${times} times: ${why}`)
    return {
      failures,
      requests: latencies.length,
      restarts,
      p50_ms: quantile(latencies, 0.5),
      p99_ms: quantile(latencies, 0.99),
      conditions: {
        rate_per_s: rate,
        duration_s: seconds,
        replicas,
        endpoints_late_ms: lateMs,
        load_average_1m: rounded(loadavg()[0] ?? 0),
      },
    }
  } finally {
    creator.close()
    await Promise.all([...ending, ...alive.map((each) => each.end())])
    await balancer.close()
    await cluster.stop()
  }
}
