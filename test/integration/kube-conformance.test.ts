/**
 * The conformance suite of packages/kube: whatever happens between it and a real API server, a cache ends up equal to a fresh
 * list, by UID and resourceVersion, within 30 seconds of the last fault.
 *
 * Each case has its own namespace, its own proxy and an informer with the times that are used in production. Objects are
 * made, changed, deleted and made again all the while. Faults count how often they fired, so a case whose fault did not
 * happen fails. The cases run side by side, because most of their time is waiting.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createClient, createInformer, type Informer, type KubeObject, resource } from '@mnemos/kube'
import { eventually, type FaultRule, startFaultProxy, startTestCluster } from '@mnemos/testkit'

const withinMs = 30_000
const configMaps = resource<KubeObject>({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true })
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })
const watch = /configmaps\?watch=true/
const list = /configmaps\?limit=/
const firstPage = /configmaps\?limit=500$/
const nextPage = /configmaps\?limit=500&continue=/

const cluster = await startTestCluster()
const direct = createClient({ credentials: cluster.credentials(), connections: 64 })
after(() => direct.close())

interface Case {
  readonly faults: readonly FaultRule[]
  /** Objects that are there before; default 40, which is one page. */
  readonly objects?: number
}

const expired: FaultRule['fault'] = { kind: 'status', code: 410, reason: 'Expired' }
const refused = (code: number, times: number, after?: { retryAfterSeconds: number }): readonly FaultRule[] =>
  [list, watch].map((path) => ({ path, times, fault: { kind: 'status', code, ...after } }))

const cases: Record<string, Case> = {
  'nothing happens': { faults: [] },
  'connections are reset before the request arrives': {
    faults: [
      { path: list, times: 2, fault: { kind: 'drop' } },
      { path: watch, times: 3, fault: { kind: 'drop' } },
    ],
  },
  'lists are answered and the answer is lost': { faults: [{ path: list, times: 3, fault: { kind: 'loseReply' } }] },
  'answers are late': { faults: [list, watch].map((path) => ({ path, fault: { kind: 'delay', ms: 3000 } })) },
  'a list is taken and never answered': { faults: [{ path: list, fault: { kind: 'halfOpen' } }] },
  'a watch is taken and never answered': { faults: [{ path: watch, fault: { kind: 'halfOpen' } }] },
  'a watch falls silent while its connection stays open': { faults: [{ path: watch, fault: { kind: 'silence', afterChunks: 3 } }] },
  'the version is too old (410), again and again': { faults: [{ path: watch, times: 3, fault: expired }] },
  'a page in the middle of a list is too old (410)': { faults: [{ path: nextPage, skip: 1, fault: expired }], objects: 1100 },
  'requests are throttled (429) with Retry-After': { faults: refused(429, 2, { retryAfterSeconds: 1 }) },
  'requests are throttled (429) without Retry-After': { faults: refused(429, 2) },
  'the server fails (500)': { faults: refused(500, 3) },
  'the server is unavailable (503)': { faults: refused(503, 3) },
  'watches end in the middle of a line': { faults: [{ path: watch, times: 3, fault: { kind: 'truncate', afterLines: 5 } }] },
  'every event of a watch comes twice': { faults: [{ path: watch, fault: { kind: 'duplicate' } }] },
  'lists are older than what was seen already': {
    faults: [
      { path: watch, fault: { kind: 'truncate', afterLines: 20 } },
      { path: watch, fault: expired },
      { path: firstPage, times: 3, fault: { kind: 'stale' } },
    ],
  },
}

describe('a cache equals a fresh list within 30 s, when', { concurrency: Object.keys(cases).length }, () => {
  for (const [nth, [sentence, { faults, objects = 40 }]] of Object.entries(cases).entries()) {
    const namespace = `case-${nth}`
    it(sentence, async () => {
      const proxy = await startFaultProxy({ upstream: cluster.credentials() })
      const follower = await follow(namespace, objects, proxy.credentials)
      try {
        const handles = faults.map((rule) => ({ rule, handle: proxy.rule(rule) }))
        follower.start()
        await eventually(() => handles.every(({ rule, handle }) => handle.fired === (rule.times ?? 1)), {
          timeoutMs: 120_000,
          message: 'every fault fired',
        })
        await follower.converges()
        for (const { rule, handle } of handles) assert.equal(handle.fired, rule.times ?? 1)
      } finally {
        await follower.stop()
        await proxy.stop()
      }
    })
  }
})

it('a cache equals a fresh list within 30 s, when etcd and the API server are killed and come back', async () => {
  const follower = await follow('restarted', 40, cluster.credentials())
  try {
    follower.start()
    await follower.informer.synced()
    await cluster.kill('kube-apiserver', 'etcd')
    await cluster.start('etcd', 'kube-apiserver')
    await follower.converges()
  } finally {
    await follower.stop()
  }
})

interface Follower {
  readonly informer: Informer<KubeObject>
  /** Begins to watch. Objects have been changing since before. */
  start(): void
  /** Lets the objects rest, and holds the cache and what was told of it against a fresh list. @throws when they differ after 30 s */
  converges(): Promise<void>
  stop(): Promise<void>
}

async function follow(
  namespace: string,
  objects: number,
  credentials: Parameters<typeof createClient>[0]['credentials'],
): Promise<Follower> {
  await direct.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await Promise.all(Array.from({ length: objects }, (_, at) => direct.create(configMaps, aConfigMap(namespace, at))))
  const client = createClient({ credentials })
  const informer = createInformer({ client, resource: configMaps, namespace })
  const told = new Map<string, string>()
  informer.onChange(({ type, object: { metadata } }) => {
    const uid = metadata.uid ?? ''
    if (type === 'deleted') assert.ok(told.delete(uid), `the deletion of ${metadata.name} is told once, of what was told before`)
    else told.set(uid, metadata.resourceVersion ?? '')
  })
  const stopped = new AbortController()
  const resting = new AbortController()
  const churning = churn(namespace, objects, resting.signal)
  let running: Promise<void> | undefined
  return {
    informer,
    start: () => {
      running = informer.run(stopped.signal)
    },
    converges: async () => {
      const until = performance.now() + withinMs
      resting.abort()
      await churning
      const fresh = versionsOf((await eventually(() => direct.list(configMaps, { namespace }), { timeoutMs: withinMs })).items)
      const isEqual = (): boolean => isDeepStrictEqual(versionsOf(informer.cache.list()), fresh)
      await eventually(isEqual, { timeoutMs: until - performance.now(), message: 'the cache equals the fresh list' })
      assert.deepEqual(told, fresh, 'what was told adds up to what is there')
    },
    stop: async () => {
      resting.abort()
      stopped.abort()
      await Promise.all([churning, running])
      await client.close()
    },
  }
}

/** Changes, deletes and makes objects again, straight at the API server, until the signal; a server that is away is no error. */
async function churn(namespace: string, objects: number, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    const at = turn % objects
    const { metadata } = aConfigMap(namespace, at)
    try {
      if (turn % 3 === 0) {
        await direct.delete(configMaps, metadata)
        await direct.create(configMaps, aConfigMap(namespace, at))
      } else await direct.patch(configMaps, metadata, { data: { turn: String(turn) } })
    } catch {
      await direct.create(configMaps, aConfigMap(namespace, at)).catch(() => undefined)
    }
    await sleep(20)
  }
}

function aConfigMap(namespace: string, at: number): KubeObject & { data: Record<string, string> } {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: `object-${at}` }, data: { turn: 'none' } }
}

function versionsOf(objects: readonly KubeObject[]): Map<string, string> {
  return new Map(objects.map(({ metadata }): [string, string] => [metadata.uid ?? '', metadata.resourceVersion ?? '']))
}
