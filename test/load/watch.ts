/**
 * Benchmark `watch`: our informer beside that of `@kubernetes/client-node`, each in a process of its own, on the same objects.
 *
 * Five rounds, ours and the peer in turn; figures are medians. A round: the process starts, lists 10,000 ConfigMaps of 2 KB
 * (`synced_ms` from its first request to the full cache), then hears 10,000 changes as fast as the API server takes them.
 * After that, a table: what each does when its first watch meets a fault, and how long until it sees a change made since.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster } from '@mnemos/cluster'
import { type Client, createClient, type KubeObject, resource } from '@mnemos/kube'
import { type Fault, startFaultProxy } from '@mnemos/testkit'
import { inParallel, quantile, rounded } from './stack/generator.ts'
import type { Seen } from './watch.child.ts'

const objects = 10_000
const changes = 10_000
const objectBytes = 2048
const rounds = 5
const inFlight = 32
const patienceMs = 60_000
const informers = ['ours', 'peer'] as const
type Which = (typeof informers)[number]

const configMaps = resource<KubeObject>({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true })
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })

const faults: Record<string, Fault> = {
  500: { kind: 'status', code: 500 },
  410: { kind: 'status', code: 410, reason: 'Expired' },
  reset: { kind: 'drop' },
  half_open: { kind: 'halfOpen' },
  silence: { kind: 'silence', afterChunks: 1 },
}

interface Access {
  readonly server: string
  readonly ca?: string
  readonly token: string
}

interface Round {
  readonly syncedMs: number
  readonly rssMb: number
  readonly cpuMsPerEvent: number
  readonly eventsPerS: number
}

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  const cluster = await startCluster({ controllers: false, log })
  const access: Access = { server: cluster.server, ca: cluster.ca, token: cluster.token }
  const client = createClient({
    credentials: { server: cluster.server, tls: { ca: cluster.ca }, token: () => Promise.resolve(cluster.token) },
    connections: inFlight,
  })
  try {
    for (const name of ['many', 'few']) await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    log(`making ${objects} ConfigMaps of ${objectBytes} bytes`)
    await inParallel(objects, inFlight, async (at) => {
      await client.create(configMaps, aConfigMap('many', `object-${at}`))
    })
    await client.create(configMaps, aConfigMap('few', 'probe'))
    const measured: Record<Which, Round[]> = { ours: [], peer: [] }
    for (let round = 1; round <= rounds; round += 1) {
      for (const which of informers) {
        const result = await measure(which, access, client)
        log(`round ${round}, ${which}: ${JSON.stringify(result)}`)
        measured[which].push(result)
      }
    }
    log('faults, each informer behind a proxy of its own')
    const table = await faultTable(access, client, log)
    const median = (which: Which, of: keyof Round): number =>
      quantile(
        measured[which].map((each) => each[of]),
        0.5,
      )
    return {
      synced_ms: rounded(median('ours', 'syncedMs')),
      rss_mb: rounded(median('ours', 'rssMb')),
      cpu_ratio: rounded(median('ours', 'cpuMsPerEvent') / median('peer', 'cpuMsPerEvent')),
      events_per_s: rounded(median('ours', 'eventsPerS')),
      peer_synced_ms: rounded(median('peer', 'syncedMs')),
      peer_rss_mb: rounded(median('peer', 'rssMb')),
      peer_events_per_s: rounded(median('peer', 'eventsPerS')),
      cpu_ms_per_event: rounded(median('ours', 'cpuMsPerEvent'), 3),
      peer_cpu_ms_per_event: rounded(median('peer', 'cpuMsPerEvent'), 3),
      recovered_after_ms: table,
      conditions: {
        ...{ objects, object_bytes: objectBytes, changes, rounds, writes_in_flight: inFlight },
        peer: '@kubernetes/client-node makeInformer, restarted 5 s after each error as its README shows',
        memory: 'resident, after a full collection, when all changes were heard',
        load_average_1m: rounded(loadavg()[0] ?? 0),
      },
    }
  } finally {
    await client.close()
    await cluster.stop()
  }
}

async function measure(which: Which, access: Access, client: Client): Promise<Round> {
  const child = startChild(which, access, 'many')
  try {
    const synced = await until(child, ({ synced: ms, objects: count }) => ms !== undefined && count >= objects)
    const before = await report(child)
    const began = performance.now()
    await inParallel(changes, inFlight, async (at) => {
      const name = { namespace: 'many', name: `object-${at % objects}` }
      await client.patch(configMaps, name, { data: { turn: String(performance.now()) } })
    })
    const after = await until(child, ({ events }) => events >= before.events + changes)
    const tookMs = performance.now() - began
    const events = after.events - before.events
    return {
      syncedMs: synced.synced ?? Number.NaN,
      rssMb: (await report(child, 'collect and report')).rssMb,
      cpuMsPerEvent: (after.cpuMs - before.cpuMs) / events,
      eventsPerS: (events * 1000) / tookMs,
    }
  } finally {
    child.disconnect()
    await once(child, 'exit')
  }
}

/** For each fault: milliseconds until a change made after it was seen, or that it was not within a minute. */
async function faultTable(
  access: Access,
  client: Client,
  log: (line: string) => void,
): Promise<Record<string, Record<Which, number | string>>> {
  const stop = new AbortController()
  const probing = probe(client, stop.signal)
  const rows = await Promise.all(
    Object.entries(faults).map(async ([name, fault]) => {
      const cells = await Promise.all(informers.map(async (which) => [which, await recovery(which, access, fault)] as const))
      log(`${name}: ${cells.map(([which, ms]) => `${which} ${ms}`).join(', ')}`)
      return [name, Object.fromEntries(cells) as Record<Which, number | string>] as const
    }),
  )
  stop.abort()
  await probing
  return Object.fromEntries(rows)
}

async function recovery(which: Which, { server, ca, token }: Access, fault: Fault): Promise<number | string> {
  const proxy = await startFaultProxy({
    upstream: { server, tls: ca === undefined ? {} : { ca }, token: () => Promise.resolve(token) },
  })
  const handle = proxy.rule({ path: /watch=true/, fault })
  const child = startChild(which, { server: proxy.credentials.server, token }, 'few')
  try {
    while (handle.fired === 0) await sleep(20)
    const firedAt = Date.now()
    // Values of the probe are the time at which they were written.
    while (Date.now() - firedAt < patienceMs) {
      if ((await report(child)).probe > firedAt) return Date.now() - firedAt
      await sleep(50)
    }
    return `not within ${patienceMs / 1000} s`
  } finally {
    child.disconnect()
    await once(child, 'exit')
    await proxy.stop()
  }
}

/** Writes the time into the object `probe`, every half second. */
async function probe(client: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await client.patch(configMaps, { namespace: 'few', name: 'probe' }, { data: { turn: String(Date.now()) } })
    await sleep(500)
  }
}

function startChild(which: Which, access: Access, namespace: string): ChildProcess {
  const child = fork(join(import.meta.dirname, 'watch.child.ts'), { execArgv: ['--expose-gc'] })
  child.send({ informer: which, ...access, namespace })
  return child
}

async function report(child: ChildProcess, question: 'report' | 'collect and report' = 'report'): Promise<Seen> {
  child.send(question)
  const [seen] = (await once(child, 'message')) as [Seen] // the child sends nothing else
  return seen
}

async function until(child: ChildProcess, holds: (seen: Seen) => boolean): Promise<Seen> {
  for (;;) {
    const seen = await report(child)
    if (holds(seen)) return seen
    await sleep(20)
  }
}

function aConfigMap(namespace: string, name: string): KubeObject & { data: Record<string, string> } {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data: { turn: '0', text: '' } }
  const text = 'x'.repeat(objectBytes - JSON.stringify(object).length)
  return { ...object, data: { ...object.data, text } }
}
