import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArtifactPage, ListedArtifact } from '@mnemos/artifacts'
import { type LiveObjects, noLiveObjects } from '@mnemos/domain'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { type ArtifactSweeper, createArtifactSweeper, type SweeperSettings } from './artifact-sweeper.ts'

const day = 24 * 60 * 60_000
const now = 100 * day
const never = new AbortController().signal

/** A store of things that all are eight days old, and a cluster that is read as it is then. */
function bench(keys: readonly string[], settings: Partial<SweeperSettings> = {}) {
  const stored = new Map<string, ListedArtifact>(keys.map((key) => [key, { key, sizeBytes: 10, modifiedAt: now - 8 * day }]))
  const live = noLiveObjects()
  const readings: number[] = []
  const events = { beforeReading: (_count: number): void => undefined, onDelete: (_key: string): void => undefined }
  const registry = new Registry()
  const sweeper: ArtifactSweeper = createArtifactSweeper(
    {
      artifacts: {
        page: (prefix, { limit, after = '' }) => {
          const left = [...stored.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
          const items = left.slice(0, limit).flatMap((key) => stored.get(key) ?? [])
          const last = items.at(-1)?.key
          const page: ArtifactPage = { items, ...(left.length > limit && last !== undefined ? { next: last } : {}) }
          return Promise.resolve(page)
        },
        delete: (key) => {
          events.onDelete(key)
          stored.delete(key)
          return Promise.resolve()
        },
      },
      readLive: (): Promise<LiveObjects> => {
        events.beforeReading(readings.length)
        readings.push(stored.size)
        return Promise.resolve({ jobs: new Map(live.jobs), references: new Set(live.references) })
      },
      ...{ logger: pino({ level: 'silent' }), registry, now: () => now },
    },
    { retentionMs: 7 * day, everyMs: 0, pageSize: 3, batchSize: 4, ...settings },
  )
  return { sweeper, stored, live, readings, events, registry }
}

const many = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `outputs/default/u${String(at).padStart(3, '0')}/a1/result.json`)

test('what nobody needs goes, page by page, and the cluster is read again before each batch', async () => {
  const { sweeper, stored, readings, registry } = bench([...many(10), 'files/default/mine', 'models/sha256/x'])
  const counts = await sweeper.sweep(never)
  assert.deepEqual(counts, { looked: 10, removed: 10, removedBytes: 100, isCut: false })
  assert.deepEqual([...stored.keys()], ['files/default/mine', 'models/sha256/x'])
  assert.deepEqual(readings, [12, 12, 6], 'at the start, before six are removed, and before the other four')
  assert.match(await registry.metrics(), /mnemos_artifacts_removed_total\{reason="JobGone"\} 10/)
})

test('where there is nothing to remove the cluster is read once', async () => {
  const { sweeper, live, readings } = bench(many(10))
  for (const key of many(10)) live.jobs.set(key.split('/')[2] ?? '', { attempt: 1, isOver: true })
  assert.equal((await sweeper.sweep(never)).removed, 0)
  assert.equal(readings.length, 1)
})

test('what is named after it was listed stays', async () => {
  const { sweeper, stored, live, events } = bench(many(3))
  events.beforeReading = (count) => {
    if (count === 1) live.references.add('outputs/default/u001/a1/result.json')
  }
  assert.equal((await sweeper.sweep(never)).removed, 2)
  assert.deepEqual([...stored.keys()], ['outputs/default/u001/a1/result.json'])
})

test('nothing goes when the cluster cannot be read, before a batch as at the start', async () => {
  for (const failsAt of [0, 1]) {
    const { sweeper, stored, events, registry } = bench(many(3))
    events.beforeReading = (count) => {
      if (count === failsAt) throw new Error('the API server is away')
    }
    await assert.rejects(sweeper.sweep(never), /is away/)
    assert.equal(stored.size, 3)
    assert.match(await registry.metrics(), /mnemos_artifact_sweeps_total\{outcome="Failed"\} 1/)
  }
})

test('one sweep removes no more than it may, and the next goes on', async () => {
  const { sweeper, stored } = bench(many(10), { most: 5 })
  assert.deepEqual(await sweeper.sweep(never), { looked: 6, removed: 5, removedBytes: 50, isCut: true })
  assert.equal((await sweeper.sweep(never)).removed, 5)
  assert.equal(stored.size, 0)
})

test('two servers that sweep at once remove the same and nothing else', async () => {
  const { sweeper, stored } = bench([...many(10), 'outputs/default/other'])
  await Promise.all([sweeper.sweep(never), sweeper.sweep(never)])
  assert.deepEqual([...stored.keys()], ['outputs/default/other'])
})

test('a server that stops deletes nothing more', async () => {
  const stop = new AbortController()
  const { sweeper, stored, events } = bench(many(30), { batchSize: 30 })
  events.onDelete = () => stop.abort()
  await assert.rejects(sweeper.sweep(stop.signal))
  assert.ok(stored.size >= 30 - 8, `${stored.size} are left`)
})
