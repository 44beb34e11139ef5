import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import { eventually } from '@mnemos/testkit'
import { json, startScriptedServer } from './api-server.test-kit.ts'
import { createInformer, type Informer } from './informer.ts'
import type { Change, ReflectorTiming } from './reflector.ts'
import { type KubeObject, resource } from './types.ts'

const widgets = resource<KubeObject>({ group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true })
const api = await startScriptedServer()
const quick: ReflectorTiming = { watchSeconds: [1, 1], silenceMs: 100, backoffBaseMs: 1, backoffMaxMs: 5 }

const widget = (name: string, version: number, uid = name): KubeObject => ({
  apiVersion: 'example.dev/v1',
  kind: 'Widget',
  metadata: { namespace: 'default', name, uid, resourceVersion: String(version) },
})
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`
const bookmark = (version: number): string => line('BOOKMARK', { kind: 'Widget', metadata: { resourceVersion: String(version) } })

interface Script {
  /** What each list answers; the last one stays. */
  readonly lists: readonly ((response: ServerResponse) => void)[]
  /** What each watch does; a watch beyond the last stays open and silent but for bookmarks. */
  readonly watches: readonly ((response: ServerResponse) => void)[]
}

const list =
  (version: number, ...items: KubeObject[]): Script['lists'][number] =>
  (response) =>
    json(response, 200, { metadata: { resourceVersion: String(version) }, items })

interface Run {
  readonly informer: Informer<KubeObject>
  readonly changes: string[]
  /** The resourceVersion each watch began from. */
  readonly from: string[]
  readonly lists: number
}

let stop = (): void => undefined
let started = 0
afterEach(() => stop())

function start({ lists, watches }: Script, timing = quick): Run {
  const seen = { lists: 0, from: [] as string[] }
  started += 1
  const mine = { ...widgets, plural: `${widgets.plural}${started}` }
  api.answer = (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://x')
    // A last request of the test before may still be on its way.
    if (!pathname.endsWith(`/${mine.plural}`)) {
      response.destroy()
      return
    }
    if (query.get('watch') === null) {
      seen.lists += 1
      lists[Math.min(seen.lists, lists.length) - 1]?.(response)
      return
    }
    seen.from.push(query.get('resourceVersion') ?? '')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const scripted = watches[seen.from.length - 1]
    if (scripted !== undefined) scripted(response)
    else response.write(bookmark(1_000_000))
  }
  const changes: string[] = []
  const stopped = new AbortController()
  const informer = createInformer({ client: api.client, resource: mine, timing, random: () => 0 })
  informer.onChange((change) => void changes.push(told(change)))
  void informer.run(stopped.signal)
  stop = () => stopped.abort()
  return {
    informer,
    changes,
    from: seen.from,
    get lists() {
      return seen.lists
    },
  }
}

const told = (change: Change<KubeObject>): string =>
  `${change.type} ${change.object.metadata.uid}@${change.object.metadata.resourceVersion}${change.type === 'deleted' && change.finalStateUnknown ? ' (found missing)' : ''}`

describe('a cache that follows its collection', () => {
  it('tells of what is there first, then of each change in order', async () => {
    const { changes, informer } = start({
      lists: [list(5, widget('a', 3))],
      watches: [
        (response) =>
          void response.write(line('ADDED', widget('b', 6)) + line('MODIFIED', widget('a', 7)) + line('DELETED', widget('b', 8))),
      ],
    })
    await eventually(() => changes.length === 4)
    assert.deepEqual(changes, ['added a@3', 'added b@6', 'updated a@7', 'deleted b@8'])
    assert.equal(informer.cache.size, 1)
    assert.equal(informer.cache.resourceVersion, '8')
  })

  it('goes on from the last version, bookmarks included, when the server ends a watch', async () => {
    const run = start({
      lists: [list(5)],
      watches: [(response) => void response.end(bookmark(9)), (response) => void response.end(line('ADDED', widget('a', 12)))],
    })
    await eventually(() => run.from.length >= 3)
    assert.deepEqual(run.from.slice(0, 3), ['5', '9', '12'])
    assert.equal(run.lists, 1)
  })

  it('joins an event that comes in pieces, and several that come in one', async () => {
    const { changes } = start({
      lists: [list(5)],
      watches: [
        (response) => {
          const text = line('ADDED', widget('ä', 6)) + line('ADDED', widget('b', 7))
          const bytes = Buffer.from(text)
          const middle = bytes.indexOf(0xc3) + 1
          response.write(bytes.subarray(0, middle))
          setImmediate(() => response.write(bytes.subarray(middle)))
        },
      ],
    })
    await eventually(() => changes.length === 2)
    assert.deepEqual(changes, ['added ä@6', 'added b@7'])
  })

  it('takes an object that was made again under its name for another one', async () => {
    const { changes } = start({
      lists: [list(5, widget('a', 3, 'first'))],
      watches: [(response) => void response.write(line('ADDED', widget('a', 9, 'second')))],
    })
    await eventually(() => changes.length === 3)
    assert.deepEqual(changes, ['added first@3', 'deleted first@3 (found missing)', 'added second@9'])
  })

  it('hears an event that is repeated once', async () => {
    const { changes } = start({
      lists: [list(5)],
      watches: [(response) => void response.write(line('ADDED', widget('a', 6)).repeat(2) + line('ADDED', widget('b', 7)))],
    })
    await eventually(() => changes.length >= 2)
    assert.deepEqual(changes, ['added a@6', 'added b@7'])
  })
})

describe('a watch that breaks', () => {
  const gone = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' })
  const breaks: Record<string, { how: Script['watches'][number]; wantLists: number }> = {
    'by a reset goes on from the last version': { how: (response) => void response.destroy(), wantLists: 1 },
    'in the middle of an event goes on from the last version': {
      how: (response) => void response.end('{"type":"ADDED","obj'),
      wantLists: 1,
    },
    'by silence goes on from the last version': { how: () => undefined, wantLists: 1 },
    'by a line that is no JSON goes on from the last version': { how: (response) => void response.write('<html>\n'), wantLists: 1 },
    'because its version is too old (410) lists again': { how: (response) => void response.end(gone), wantLists: 2 },
  }
  for (const [sentence, { how, wantLists }] of Object.entries(breaks)) {
    it(sentence, async () => {
      const run = start({ lists: [list(5, widget('a', 3)), list(8, widget('b', 8))], watches: [how] })
      await eventually(() => run.from.length === 2)
      assert.equal(run.lists, wantLists)
      assert.deepEqual(run.from, ['5', wantLists === 1 ? '5' : '8'])
      if (wantLists === 2) assert.deepEqual(run.changes, ['added a@3', 'added b@8', 'deleted a@3 (found missing)'])
      assert.equal(run.informer.hasSynced(), true)
    })
  }

  it('is not begun again before Retry-After', async () => {
    const busy = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'later' }
    let asked = 0
    const times: number[] = []
    api.answer = (request, response) => {
      if (!(request.url ?? '').includes('watch=')) {
        list(5)(response)
        return
      }
      times.push(performance.now())
      if (asked++ === 0) json(response, 429, busy, { 'retry-after': '0.3' })
      else response.write(bookmark(6))
    }
    const stopped = new AbortController()
    stop = () => stopped.abort()
    void createInformer({ client: api.client, resource: widgets, timing: quick }).run(stopped.signal)
    await eventually(() => times.length >= 2)
    assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 295)
  })
})

it('a server that ends each watch as it begins is not asked without a pause', async () => {
  const run = start(
    { lists: [list(5)], watches: Array.from({ length: 100 }, () => (response: ServerResponse) => void response.end()) },
    { ...quick, backoffBaseMs: 50, backoffMaxMs: 50 },
  )
  const began = performance.now()
  await eventually(() => run.from.length >= 4)
  assert.ok(performance.now() - began >= 3 * 25)
  assert.equal(run.lists, 1)
})

describe('a list', () => {
  it('that fails is tried again, and nothing is synced before one succeeded', async () => {
    const failed: Script['lists'][number] = (response) => json(response, 500, { kind: 'Status', code: 500, message: 'no' })
    const run = start({ lists: [failed, failed, list(5, widget('a', 3))], watches: [] })
    assert.equal(run.informer.hasSynced(), false)
    await run.informer.synced()
    assert.equal(run.lists, 3)
    assert.equal(run.informer.cache.size, 1)
  })

  it('older than the cache is not believed at first, and is at last: a store may have been restored', async () => {
    const gone = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })
    const lists = [list(50, widget('a', 40)), list(7, widget('b', 6))]
    // On a machine that stalls, a watch given up for its silence would be followed by one that tells of a newer collection.
    const run = start({ lists, watches: [(response) => void response.end(gone)] }, { ...quick, silenceMs: 5_000 })
    await eventually(() => run.informer.cache.resourceVersion === '7' || run.changes.includes('added b@6'))
    assert.equal(run.lists, 1 + 6, 'five were not believed')
    assert.deepEqual(
      run.informer.cache.list().map(({ metadata }) => metadata.name),
      ['b'],
    )
  })
})

describe('an informer', () => {
  it('tells a handler that joins late what is there, and goes on when one throws', async () => {
    const run = start({ lists: [list(5, widget('a', 3))], watches: [(response) => void response.write(line('ADDED', widget('b', 6)))] })
    run.informer.onChange(() => {
      throw new Error('a mistake of a handler')
    })
    await eventually(() => run.changes.length === 2)
    const late: string[] = []
    const leave = run.informer.onChange((change) => void late.push(told(change)))
    assert.deepEqual(late, ['added a@3', 'added b@6'])
    leave()
  })

  it('ends its watch when its signal aborts', async () => {
    const run = start({ lists: [list(5)], watches: [] })
    await run.informer.synced()
    stop()
    await eventually(() => run.informer.state() === 'stopped')
  })
})
