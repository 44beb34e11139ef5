import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob } from '@mnemos/testkit'
import fc from 'fast-check'
import { decideRetention, type ListedObject, type LiveObjects, noLiveObjects, noteJob, noteReferences } from './retention.ts'

const day = 24 * 60 * 60_000
const now = 100 * day
const limits = { now, retentionMs: 7 * day }
const old = (key: string): ListedObject => ({ key, sizeBytes: 1, modifiedAt: now - 8 * day })
const liveWith = (note: (live: LiveObjects) => void): LiveObjects => {
  const live = noLiveObjects()
  note(live)
  return live
}
const gone = 'outputs/default/uid-gone/a1/files/data'
const ended = aJob('j').thatIs('Succeeded', { attempt: 3 }).build()
const runs = aJob('j').thatIs('Running', { attempt: 3 }).build()

const cases: Record<string, { readonly object: ListedObject; readonly live?: LiveObjects; readonly want: string }> = {
  'what a Job left that is gone goes': { object: old(gone), want: 'JobGone' },
  'what is young stays': { object: { ...old(gone), modifiedAt: now - 7 * day }, want: 'Young' },
  'what has no time that can be read stays': { object: { ...old(gone), modifiedAt: Number.NaN }, want: 'Young' },
  'the result of a Job stays as long as the Job': {
    object: old('outputs/default/uid-j/a3/result.json'),
    live: liveWith((live) => noteJob(live, ended)),
    want: 'Live',
  },
  'what an earlier attempt left goes when the Job has ended': {
    object: old('outputs/default/uid-j/a2/files/data'),
    live: liveWith((live) => noteJob(live, ended)),
    want: 'Superseded',
  },
  'what an earlier attempt left stays while the Job is at work': {
    object: old('outputs/default/uid-j/a2/files/data'),
    live: liveWith((live) => noteJob(live, runs)),
    want: 'Live',
  },
  'an attempt that nobody knows yet stays': {
    object: old('outputs/default/uid-j/a4/files/data'),
    live: liveWith((live) => noteJob(live, ended)),
    want: 'Live',
  },
  'an input of a Job stays': {
    object: old(gone),
    live: liveWith((live) =>
      noteJob(
        live,
        aJob('k')
          .running('x')
          .with({ container: { image: 'x', inputs: [{ path: '/in/a', from: `artifact://${gone}` }] } })
          .build(),
      ),
    ),
    want: 'Referenced',
  },
  'an artifact of a run stays': {
    object: old(gone),
    live: liveWith((live) => noteReferences(live, { status: { artifacts: [{ name: 'a/data', uri: `artifact://${gone}` }] } })),
    want: 'Referenced',
  },
  'what an output of a run names within a text stays': {
    object: old(gone),
    live: liveWith((live) => noteReferences(live, { status: { outputs: [{ value: { see: [`The data is at artifact://${gone}.`] } }] } })),
    want: 'Referenced',
  },
  'what a text of JSON names stays': {
    object: old(gone),
    live: liveWith((live) => noteReferences(live, JSON.stringify(JSON.stringify({ uri: `artifact://${gone}` })))),
    want: 'Referenced',
  },
  'the source of a Model stays': {
    object: old(gone),
    live: liveWith((live) => noteReferences(live, { spec: { source: { uri: `artifact://${gone}` } } })),
    want: 'Referenced',
  },
  'what lies below a place that is named stays': {
    object: old(gone),
    live: liveWith((live) => noteReferences(live, 'artifact://outputs/default/uid-gone/a1/')),
    want: 'Referenced',
  },
  'what only begins like a key that is named goes': {
    object: old(`${gone}-2`),
    live: liveWith((live) => noteReferences(live, `artifact://${gone}`)),
    want: 'JobGone',
  },
  'no sentence keeps all outputs of a namespace': {
    object: old(gone),
    live: liveWith((live) => noteReferences(live, 'See artifact://outputs/default/... and artifact://outputs/.')),
    want: 'JobGone',
  },
  'what is not of an attempt stays': { object: old('outputs/default/uid-gone/other'), want: 'Foreign' },
  'what is not an output stays': { object: old('files/default/uid-gone/a1/data'), want: 'Foreign' },
  'a Model stays': { object: old(`models/sha256/${'a'.repeat(64)}`), want: 'Foreign' },
}

for (const [what, { object, live = noLiveObjects(), want }] of Object.entries(cases)) {
  test(what, () => {
    const { remove, kept } = decideRetention([object], live, limits)
    assert.deepEqual(
      [...remove.map(({ reason }) => reason), ...Object.entries(kept).flatMap(([reason, count]) => (count === 0 ? [] : [reason]))],
      [want],
    )
  })
}

const someKey = fc
  .tuple(
    fc.constantFrom('a', 'b'),
    fc.constantFrom('u1', 'u2', 'u3'),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom('result.json', 'files/x', 'files/x/y'),
  )
  .map(([namespace, uid, attempt, name]) => ({ key: `outputs/${namespace}/${uid}/a${attempt}/${name}`, uid, attempt }))
const someWorld = fc.record({
  objects: fc.array(fc.tuple(someKey, fc.integer({ min: -1 * day, max: 14 * day })), { maxLength: 30 }),
  jobs: fc.array(fc.record({ uid: fc.constantFrom('u1', 'u2', 'u3'), attempt: fc.integer({ min: 0, max: 4 }), isOver: fc.boolean() })),
  named: fc.array(someKey),
})

test('nothing goes that is named, young, of a Job at work or of the last attempt; everything else does', () => {
  fc.assert(
    fc.property(someWorld, ({ objects, jobs, named }) => {
      const live = noLiveObjects()
      for (const { uid, ...job } of jobs) live.jobs.set(uid, job)
      noteReferences(
        live,
        named.map(({ key }) => ({ from: `artifact://${key}` })),
      )
      const listed = objects.map(([{ key }, age]) => ({ key, sizeBytes: 1, modifiedAt: now - age }))
      const { remove, kept } = decideRetention(listed, live, limits)
      const removed = new Set(remove.map(({ key, modifiedAt }) => `${key} ${modifiedAt}`))
      for (const [{ key, uid, attempt }, age] of objects) {
        const job = live.jobs.get(uid)
        const isNeeded =
          age <= limits.retentionMs ||
          named.some((each) => key === each.key || key.startsWith(`${each.key}/`)) ||
          (job !== undefined && (!job.isOver || attempt >= job.attempt))
        assert.equal(removed.has(`${key} ${now - age}`), !isNeeded, key)
      }
      assert.equal(remove.length + Object.values(kept).reduce((sum, each) => sum + each, 0), objects.length)
    }),
  )
})
