import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Model, PipelineRun, PipelineSpec } from '@mnemos/api'
import { aModel } from '@mnemos/testkit'
import { compilePipeline } from './check-pipeline.ts'
import { type Publishing, publish } from './publish-step.ts'
import { publishedModel } from './run-names.ts'
import { RunValues } from './run-values.ts'
import type { RunWorld } from './run-world.ts'

const run = {
  ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'PipelineRun' },
  metadata: { name: 'r', namespace: 'default', uid: 'uid-r' },
  spec: { pipelineRef: { name: 'p' } },
} as PipelineRun // what a step that publishes reads of it
const version = publishedModel(run, 'register', 'prod')
const ready = aModel(version)
  .thatIsReady()
  .thatIs({
    conditions: [
      { type: 'Ready', status: 'True', reason: 'ArtifactVerified', message: 'x', observedGeneration: 1, lastTransitionTime: '' },
    ],
  })
  .build()

interface Given {
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly models?: readonly Model[]
  readonly made?: readonly string[]
  readonly refused?: Readonly<Record<string, string>>
}

function published({ parameters = {}, models = [], made = [], refused = {} }: Given): Publishing {
  const pipeline = compilePipeline({
    parameters: [
      { name: 'alias', type: 'string' },
      { name: 'uri', type: 'string' },
    ],
    steps: [
      { name: 'register', publish: { alias: '$(params.alias)', uri: '$(params.uri)', model: { source: { uri: 'x' }, license: 'MIT' } } },
    ],
  } as unknown as PipelineSpec) // as it is written
  assert.ok('steps' in pipeline)
  const world: RunWorld = {
    ...{ run, jobs: [], calls: [], revision: { name: 'p-1', number: 1, pipeline } },
    ...{ made: new Set(made), refused: new Map(Object.entries(refused)), isNeeded: false, dueInMs: 0 },
    ...{ source: () => undefined, jobNamed: () => undefined, remembered: () => [], before: () => [], sha256: (text) => text },
    modelNamed: (name) => models.find(({ metadata }) => metadata.name === name),
  }
  const params = { alias: 'prod', uri: 'file:///m.gguf', ...parameters }
  const values = new RunValues({ world, pipeline, revision: { name: 'p-r1', number: 1 }, params, viewOf: () => undefined })
  const step = pipeline.steps.get('register')
  assert.ok(step)
  return publish(world, values, step)
}

const anAlias = (target: string): Model => aModel('prod').from(`model://${target}`).build()
const made = ({ create }: Publishing): readonly string[] => create.map(({ metadata }) => metadata.name)

const cases: Record<string, { given: Given; want: { phase: string; message?: RegExp; create?: readonly string[]; patch?: number } }> = {
  'first the Model is made': { given: {}, want: { phase: 'Running', create: [version] } },
  'what was made is not made again': { given: { made: [version] }, want: { phase: 'Running' } },
  'a Model that is not verified is waited for': {
    given: { models: [aModel(version).build()] },
    want: { phase: 'Running', message: /^waits for Model prod-v-/ },
  },
  'then the alias is made': { given: { models: [ready] }, want: { phase: 'Running', create: ['prod'] } },
  'an alias that is there is moved': { given: { models: [ready, anAlias('m-0')] }, want: { phase: 'Running', patch: 1 } },
  'an alias that is where it should be is the end': { given: { models: [ready, anAlias(version)] }, want: { phase: 'Succeeded' } },
  'a Model that is no alias is told before anything is made': {
    given: { models: [aModel('prod').build()] },
    want: { phase: 'Failed', message: /^Model prod is no alias/ },
  },
  'a Model that is refused is told by its name': {
    given: { refused: { [version]: 'open-models: the licence is not allowed' } },
    want: { phase: 'Failed', message: /^Model prod-v-\S+ was refused: open-models/ },
  },
  'a move that is refused is told by the name of the alias': {
    given: { models: [ready, anAlias('m-0')], refused: { prod: 'open-models: the licence is not allowed' } },
    want: { phase: 'Failed', message: /^Model prod was refused: open-models/ },
  },
  'an alias that is no name is told': {
    given: { parameters: { alias: 'Prod' } },
    want: { phase: 'Failed', message: /^publish\.alias is no name/ },
  },
  'a source that is a list is told as that': {
    given: { parameters: { uri: ['job://a/model'] } },
    want: { phase: 'Failed', message: /^publish\.uri is no text/ },
  },
}

for (const [sentence, { given, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const did = published(given)
    assert.equal(did.view.state.phase, want.phase, did.view.message)
    assert.match(did.view.message ?? '', want.message ?? /^/)
    assert.deepEqual(made(did), want.create ?? [])
    assert.equal(did.patch.length, want.patch ?? 0)
  })
}

test('what the pipeline says of the Model goes with it, but never another source', () => {
  const [model] = published({}).create
  assert.deepEqual(model, { ...model, spec: { license: 'MIT', source: { uri: 'file:///m.gguf' } } })
})

test('a move is of the very alias that was seen, and its refusal has an answer', () => {
  const alias = anAlias('m-0')
  const [change] = published({ models: [ready, alias] }).patch
  const { uid, resourceVersion } = alias.metadata
  assert.deepEqual([change?.uid, change?.resourceVersion, change?.tellsRefusal], [uid, resourceVersion, true])
})
