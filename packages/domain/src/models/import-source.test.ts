import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelStatus, Reason } from '@mnemos/api'
import { aDigest, aJob, aModel, type JobBuilder, type ModelBuilder, testEpochMs } from '@mnemos/testkit'
import { importKeyOf } from './import-source.ts'
import { decideModel, importJobName, type ModelWorld } from './model.ts'

const now = testEpochMs + 60_000
const digest = aDigest('found')
const tuned = aModel('tuned').from('job://train/model')
const train = aJob('train')
  .running('trainer')
  .with({ container: { image: 'trainer', outputs: [{ name: 'model', path: '/out/model.gguf' }] } })
const trained = train.thatIs('Succeeded', { attempt: 2 })
const key = 'outputs/default/uid-train/a2/files/model'
const unserved = { pool: undefined, poolAllowed: false, ownPool: undefined, warmUp: undefined, serverUrl: 'https://server' }
const importing = (parameters: Record<string, string>): JobBuilder =>
  aJob('import')
    .importing('x')
    .with({ maintenance: { task: 'ImportModel', parameters } })
const inline = JSON.stringify({ digest, artifact: `models/sha256/${digest.slice(7)}`, sizeBytes: '9' })
const result = { uri: 'artifact://x', sha256: '0'.repeat(64), sizeBytes: 9, inline }

function world(model: ModelBuilder, sourceJob?: JobBuilder, importJob?: JobBuilder): ModelWorld {
  return {
    model: model.build(),
    sourceJob: sourceJob?.build(),
    importJob: importJob?.build(),
    ...{ alias: undefined, missedAt: undefined, cachedOn: [], loadedOn: [], serving: unserved, violation: undefined, dueInMs: 0 },
  }
}

interface Case {
  readonly world: ModelWorld
  readonly want: readonly [phase: ModelStatus['phase'], reason: Reason]
  readonly wantMessage?: RegExp
  /** Parameters of the import that is created. */
  readonly wantImport?: Record<string, string>
}

const cases: Record<string, Case> = {
  'a Model of the output of a Job that does not exist waits for it': {
    world: world(tuned),
    want: ['Pending', 'WaitingForJob'],
    wantMessage: /waits for Job train, which does not exist; create it, or correct spec\.source\.uri\./,
  },
  'a Model of the output of a Job that runs waits for it': {
    world: world(tuned, train.thatIs('Running')),
    want: ['Pending', 'WaitingForJob'],
    wantMessage: /waits for Job train to succeed/,
  },
  'what the committed attempt left behind is imported': {
    world: world(tuned, trained),
    want: ['Importing', 'Importing'],
    wantImport: { uri: 'job://train/model', key },
  },
  'a digest that is demanded is demanded of the output': {
    world: world(aModel('tuned').from('job://train/model', digest), trained),
    want: ['Importing', 'Importing'],
    wantImport: { uri: 'job://train/model', key, digest },
  },
  'a Model of a Job that failed fails with its words': {
    world: world(tuned, train.thatIs('Failed', { failure: { class: 'OutOfMemory', reason: 'OOM', message: 'No memory.' } })),
    want: ['Failed', 'SourceJobFailed'],
    wantMessage: /Job train, .*, is Failed \(No memory\.\); create it again, or name another Job/,
  },
  'a Model of a Job that was cancelled fails': { world: world(tuned, train.thatIs('Cancelled')), want: ['Failed', 'SourceJobFailed'] },
  'an output that the Job does not have is named with those that it has': {
    world: world(aModel('tuned').from('job://train/weights'), trained),
    want: ['Failed', 'SourceInvalid'],
    wantMessage: /Job train has no output weights; it has model; correct it\./,
  },
  'the text of an answer is no file': {
    world: world(aModel('tuned').from('job://ask/text'), aJob('ask').thatIs('Succeeded', { attempt: 1 })),
    want: ['Failed', 'SourceInvalid'],
    wantMessage: /is a part of the answer of an inference, and no file/,
  },
  'an object of the namespace is imported': {
    world: world(aModel('tuned').from(`artifact://${key}`)),
    want: ['Importing', 'Importing'],
    wantImport: { uri: `artifact://${key}` },
  },
  'an object of another namespace is not': {
    world: world(aModel('tuned').from('artifact://outputs/other/uid/a1/files/model')),
    want: ['Failed', 'SourceInvalid'],
    wantMessage: /is not of namespace default/,
  },
  'an object that only seems to be of the namespace is not': {
    world: world(aModel('tuned').from('artifact://outputs/default/../other/uid/a1/files/model')),
    want: ['Failed', 'SourceInvalid'],
  },
  'an import that has ended makes the Model ready, whether the Job is still there or not': {
    world: world(tuned, undefined, importing({ uri: 'job://train/model', key }).thatIs('Succeeded', { result })),
    want: ['Ready', 'ArtifactVerified'],
  },
  'an import of another object than the output is not believed': {
    world: world(tuned, trained, importing({ uri: 'job://train/model', key: 'outputs/default/uid-evil/a1/files/model' })),
    want: ['Failed', 'ImportFailed'],
    wantMessage: /imports something else/,
  },
}

for (const [sentence, { world: of, want, wantMessage, wantImport }] of Object.entries(cases)) {
  test(sentence, () => {
    const plan = decideModel(of, now)
    assert.deepEqual([plan.status?.phase, plan.conditions?.[0]?.reason], want)
    if (wantMessage !== undefined) assert.match(plan.conditions?.[0]?.message ?? '', wantMessage)
    const made = plan.create?.[0] as { spec?: { maintenance?: { parameters?: unknown } } } | undefined
    assert.deepEqual(made?.spec?.maintenance?.parameters, wantImport)
  })
}

test('a Model whose Job and import are gone, or whose Job was made again, stays ready', () => {
  const verified = tuned.thatIsReady(digest).thatIs({
    importedBy: importJobName(tuned.build()),
    conditions: [
      { type: 'ArtifactVerified', status: 'True', reason: 'ArtifactVerified', message: '', observedGeneration: 1, lastTransitionTime: '' },
    ],
  })
  for (const sourceJob of [undefined, train, trained.thatIs('Failed'), trained.thatIs('Succeeded', { attempt: 3 })])
    assert.deepEqual(
      [decideModel(world(verified, sourceJob), now).status?.phase, decideModel(world(verified, sourceJob), now).create],
      ['Ready', undefined],
    )
})

const keys: Record<string, { parameters: Record<string, string>; want: unknown }> = {
  'an import of an address reads the address, whatever key somebody wrote': {
    parameters: { uri: 'https://models.example/m', key: 'outputs/default/u/a1/x' },
    want: undefined,
  },
  'an import of an output reads the key': { parameters: { uri: 'job://train/model', key }, want: { key } },
  'an import of an object reads that object': { parameters: { uri: `artifact://${key}` }, want: { key } },
  'a key of another namespace is refused': {
    parameters: { uri: 'job://train/model', key: 'outputs/other/u/a1/files/model' },
    want: /outputs\/other\/u\/a1\/files\/model is not of namespace default/,
  },
  'a key of a model is refused': { parameters: { uri: 'job://train/model', key: 'models/sha256/x' }, want: /is not of namespace default/ },
  'an import of an output without a key is refused': { parameters: { uri: 'job://train/model' }, want: /needs parameters\.key/ },
}
for (const [sentence, { parameters, want }] of Object.entries(keys))
  test(sentence, () => {
    const found = importKeyOf(importing(parameters).build())
    if (want instanceof RegExp) assert.match((found as { mistake?: string } | undefined)?.mistake ?? '', want)
    else assert.deepEqual(found, want)
  })
