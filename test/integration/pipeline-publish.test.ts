/**
 * Steps that publish, with a real operator on a real API server: the Model that is made, the alias that is created and moved, the way back,
 * and everything that keeps a step from it. The worker imports what a test lets it import.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  apiVersion,
  type Model,
  type Pipeline,
  type PipelineInput,
  type PipelineRun,
  type PipelineRunInput,
  pipelineResource,
  pipelineRunResource,
} from '@mnemos/api'
import { aliasUri, previousTargetAnnotation, rollbackOfAlias } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, digest, models, ScriptedWorker, startBench } from './operator.fixture.ts'

const pipelines = resource<Pipeline>(pipelineResource)
const runs = resource<PipelineRun>(pipelineRunResource)
const bench = await startBench()
const { client } = bench
const operator = await bench.startOperator()
const worker = new ScriptedWorker('imports')
const imports = worker.onAssign
worker.onAssign = (given) => {
  const { work, ref } = given
  if (work.type === 'inference') worker.succeed(ref, JSON.stringify({ text: 'after', finishReason: 'stop' }))
  else if (JSON.stringify(work).includes('broken')) worker.fail(ref, 'BadInput', 'It is no model.')
  else imports(given)
}
await worker.connect(operator.dispatch, { slots: 8 })
await createModel(client, 'm')

const object = (kind: string, name: string) => ({ apiVersion, kind, metadata: { namespace: 'default', name } })
const at = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const after = { name: 'after', dependsOn: ['register'], inference: { modelRef: { name: 'm' }, prompt: 'Say something.' } }
const outputs = ['model', 'alias', 'previous', 'digest'].map((name) => ({ name, value: `$(steps.register.outputs.${name})` }))
await client.create(pipelines, {
  ...object('Pipeline', 'publish'),
  spec: {
    parameters: [{ name: 'alias' }, { name: 'uri', default: 'file:///weights.gguf' }],
    steps: [{ name: 'register', publish: { alias: '$(params.alias)', uri: '$(params.uri)', model: { license: 'MIT' } } }, after],
    outputs,
    // One Job at a time: what is published takes no room of theirs.
    concurrency: 1,
  },
} as PipelineInput)

async function published(name: string, parameters: Readonly<Record<string, string>>): Promise<void> {
  await client.create(runs, { ...object('PipelineRun', name), spec: { pipelineRef: { name: 'publish' }, parameters } } as PipelineRunInput)
}

async function until(name: string, phase: string): Promise<PipelineRun> {
  return eventually(
    async () => {
      const run = await client.get(runs, at(name))
      assert.equal(run?.status?.phase, phase, JSON.stringify(run?.status))
      return run
    },
    { timeoutMs: 15_000, message: `run ${name} is ${phase}` },
  )
}

async function modelNamed(name: string): Promise<Model> {
  return (await client.get(models, at(name))) ?? assert.fail(`no Model ${name}`)
}

async function madeBy(run: string): Promise<readonly Model[]> {
  const { items } = await client.list(models, { namespace: 'default', labelSelector: `mnemos.dev/pipeline-run=${run}` })
  return items
}

const said = (run: PipelineRun): Record<string, unknown> =>
  Object.fromEntries((run.status?.outputs ?? []).map(({ name, value }) => [name, value]))
const messageOf = (run: PipelineRun): string => run.status?.conditions[0]?.message ?? ''

test('the first run makes a Model that nobody owns, and the alias', async () => {
  await published('first', { alias: 'support' })
  const { model, ...others } = said(await until('first', 'Succeeded'))
  assert.deepEqual(others, { alias: 'support', digest, previous: undefined })
  const version = await modelNamed(String(model))
  assert.match(version.metadata.name, /^support-v-/)
  assert.deepEqual([version.spec.source.uri, version.spec.license], ['file:///weights.gguf', 'MIT'])
  assert.equal(version.metadata.ownerReferences, undefined, 'it outlives the run')
  const alias = await eventually(async () => {
    const found = await modelNamed('support')
    assert.equal(found.status?.phase, 'Ready', JSON.stringify(found.status))
    return found
  })
  assert.equal(alias.spec.source.uri, aliasUri(version.metadata.name))
  assert.deepEqual([alias.status?.target, alias.status?.digest], [version.metadata.name, digest])
})

test('a second run moves the alias, and remembers where it was; a rollback moves it back, and no pass moves it again', async () => {
  const first = said(await until('first', 'Succeeded'))['model']
  await published('second', { alias: 'support' })
  const { model, previous } = said(await until('second', 'Succeeded'))
  assert.notEqual(model, first)
  assert.equal(previous, first)
  const moved = await modelNamed('support')
  assert.equal(moved.spec.source.uri, aliasUri(String(model)))
  assert.equal(moved.metadata.annotations?.[previousTargetAnnotation], first)
  const back = rollbackOfAlias(moved)
  assert.ok('patch' in back)
  await client.patch(models, at('support'), { ...back.patch })
  // The runs are looked at once more.
  for (const run of ['first', 'second']) await client.patch(runs, at(run), { metadata: { labels: { looked: 'at' } } })
  const followed = await eventually(async () => {
    const found = await modelNamed('support')
    return found.status?.target === first ? found : undefined
  })
  assert.equal(followed.metadata.annotations?.[previousTargetAnnotation], model)
  assert.ok(await modelNamed(String(model)), 'what was published stays')
})

test('an alias that people made is moved like one that a run made', async () => {
  await createModel(client, 'by-hand', { uri: aliasUri('m') })
  await published('of-people', { alias: 'by-hand' })
  const { model, previous } = said(await until('of-people', 'Succeeded'))
  assert.equal(previous, 'm')
  assert.equal((await modelNamed('by-hand')).spec.source.uri, aliasUri(String(model)))
})

test('runs that publish the same alias at once all end, and the alias names a Model of one of them', async () => {
  const names = ['at-once-1', 'at-once-2', 'at-once-3']
  for (const name of names) await published(name, { alias: 'wanted' })
  const made = await Promise.all(names.map(async (name) => aliasUri(String(said(await until(name, 'Succeeded'))['model']))))
  assert.ok(made.includes((await modelNamed('wanted')).spec.source.uri))
})

const failures: Record<string, { parameters: Readonly<Record<string, string>>; want: RegExp; wantModels: number }> = {
  'a Model that is no alias is never moved, and nothing is made for it': {
    parameters: { alias: 'm' },
    want: /^Step register failed: Model m is no alias: its bytes come from file:\/\/\/m\.gguf; name a Model/,
    wantModels: 0,
  },
  'an import that fails fails the step with its words, and there is no alias': {
    parameters: { alias: 'never', uri: 'file:///broken.gguf' },
    want: /^Step register failed: Model never-v-\S+ cannot be used: .*It is no model\./,
    wantModels: 1,
  },
  'a source that no Model can have is refused by the API server, and told': {
    parameters: { alias: 'never', uri: 'ftp://host/file' },
    want: /^Step register failed: Model never-v-\S+ was refused: .*spec\.source\.uri/,
    wantModels: 0,
  },
  'an alias that is no name is told': {
    parameters: { alias: 'Not a name' },
    want: /^Step register failed: publish\.alias is no name that a Model can have/,
    wantModels: 0,
  },
}

for (const [index, [sentence, { parameters, want, wantModels }]] of Object.entries(failures).entries()) {
  test(sentence, async () => {
    const name = `fails-${index}`
    await published(name, parameters)
    const ended = await until(name, 'Failed')
    assert.match(messageOf(ended), want)
    assert.deepEqual(
      ended.status?.steps.map(({ phase }) => phase),
      ['Failed', 'Skipped'],
    )
    assert.equal((await madeBy(name)).length, wantModels)
    assert.equal(await client.get(models, at('never')), undefined)
  })
}
