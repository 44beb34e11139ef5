/**
 * The examples of examples/pipelines as a user runs them: `mnemos dev` starts every process, kubectl applies a folder and waits for its
 * end, a real model answers. What it says is not judged, only what the pipelines make of it.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type DevProcess, startDev } from '../../hack/demo/dev-process.ts'
import { ensureSmallModel, type FetchedModel } from '../../hack/models.ts'
import { readYaml, runUser } from './run-user.ts'
import { mnemos } from './user.ts'

const root = join(import.meta.dirname, '../..')
const folder = 'examples/pipelines'
let dev: DevProcess
let model: FetchedModel
let state: string
const user = runUser(() => dev)
const { kubectl, untilCondition, untilReason, runNamed, stepsOf, outputsOf, namesOf } = user

before(async () => {
  model = await ensureSmallModel()
  state = await mkdtemp(join(tmpdir(), 'mnemos-pipelines-'))
  dev = await startDev({ root, state, fileRoot: join(model.path, '..'), output: 'ignore' })
  await kubectl('apply', '-f', 'examples/quickstart/model.yaml')
})

after(async () => {
  assert.deepEqual(await dev.stop(), [])
  await rm(state, { recursive: true, force: true })
})

test('ensemble: applied in the wrong order it waits and says for what; the choice that most answers name wins', async () => {
  const example = `${folder}/ensemble`
  await kubectl('apply', '-f', `${example}/run.yaml`)
  await untilReason('ensemble-capital', 'PipelineNotFound', /There is no Pipeline ensemble/)
  await kubectl('apply', '-f', `${example}/pipeline.yaml`)
  await untilReason('ensemble-capital', 'StepsRunning')
  await kubectl('apply', '-f', example)
  const run = await untilCondition('ensemble-capital', 'Succeeded')
  assert.deepEqual(stepsOf(run), { ask: 'Succeeded', quorum: 'Succeeded', elaborate: 'Succeeded' })
  const { answers, elaborated } = outputsOf(run) as { answers: string[]; elaborated: (string | null)[] } // the outputs of the example
  assert.equal(answers.length, 3)
  for (const answer of answers) assert.match(answer, /\S/)
  const winners = ['Paris', 'London', 'Rome'].map(
    (choice) => answers.filter((answer) => answer.includes(choice)).length * 2 > answers.length,
  )
  assert.deepEqual(
    winners.map((_, at) => (elaborated[at] ?? null) !== null),
    winners,
  )
})

test('evaluation: what passes the gate is registered, and the alias leads to it', async () => {
  await kubectl('apply', '-f', `${folder}/evaluation`)
  const run = await untilCondition('evaluation-1', 'Succeeded')
  assert.deepEqual(stepsOf(run), { answer: 'Succeeded', 'good-enough': 'Succeeded', register: 'Succeeded' })
  const registered = String(outputsOf(run)['model'])
  await user.untilTarget('assistant', registered)
  assert.equal((await user.modelNamed('assistant')).status?.digest, `sha256:${model.sha256}`)
  assert.equal((await user.modelNamed(registered)).spec.license, 'Apache-2.0')
})

test('evaluation: a second run moves the alias; one command or one edit moves it back', async () => {
  const first = String(outputsOf(await runNamed('evaluation-1'))['model'])
  await user.applyAs('evaluation-2', await readYaml(`${folder}/evaluation/run.yaml`))
  const { model: second, previous } = outputsOf(await untilCondition('evaluation-2', 'Succeeded'))
  assert.equal(previous, first)
  await user.untilTarget('assistant', String(second))
  const rolledBack = await mnemos(dev, ['models', 'rollback', 'assistant'])
  assert.equal(rolledBack.code, 0, rolledBack.stderr)
  await user.untilTarget('assistant', first)
  const edit = { spec: { source: { uri: `model://${String(second)}` } } }
  await kubectl('patch', 'mnmodel', 'assistant', '--type', 'merge', '-p', JSON.stringify(edit))
  await user.untilTarget('assistant', String(second))
})

test('evaluation: a gate that stays closed fails the run, says so, and nothing is registered', async () => {
  await user.applyAs('evaluation-strict', await readYaml(`${folder}/evaluation/run.yaml`), { alias: 'never', least: 1000 })
  const run = await untilCondition('evaluation-strict', 'Succeeded=False')
  assert.deepEqual(stepsOf(run), { answer: 'Succeeded', 'good-enough': 'Failed', register: 'Skipped' })
  assert.match(run.status?.conditions[0]?.message ?? '', /^Step good-enough failed: The candidate gave too few right answers\./)
  assert.deepEqual(await namesOf('mnmodel', 'mnemos.dev/pipeline-run=evaluation-strict'), [])
  assert.ok(!(await namesOf('mnmodel')).includes('never'))
})

test('map-reduce: each text of a folder is brought to a Job of its own, and one reads all summaries', async () => {
  const put = await mnemos(dev, ['files', 'put', `${folder}/map-reduce/texts`, 'lorne'])
  assert.equal(put.code, 0, put.stderr)
  await kubectl('apply', '-f', `${folder}/map-reduce`)
  const run = await untilCondition('map-reduce-lorne', 'Succeeded')
  const { summaries, summary } = outputsOf(run) as { summaries: string[]; summary: string } // the outputs of the example
  assert.equal(summaries.length, 3)
  for (const text of [...summaries, summary]) assert.match(text, /\S/)
  for (const job of await user.jobsOf('map-reduce-lorne', 'map')) {
    const [input] = job.spec.inference?.inputs ?? []
    const text = await readFile(join(folder, 'map-reduce/texts', (input?.from ?? '').split('/').at(-1) ?? ''), 'utf8')
    assert.ok((job.status?.usage?.promptTokens ?? 0) > text.split(/\s+/).length, 'the whole text was in the prompt')
  }
})

test('approval: nothing is written before a person agrees, and the run tells what for', async () => {
  await kubectl('apply', '-f', `${folder}/approval`)
  await untilReason(
    'approval-tides',
    'ApprovalNeeded',
    /^Step go-ahead waits for the decision of a person: Write the article, up to 96 tokens\?/,
  )
  assert.deepEqual(await user.jobsOf('approval-tides', 'write'), [])
  const approvals = [{ step: 'go-ahead', comment: 'Go on.' }]
  await kubectl('patch', 'mnrun', 'approval-tides', '--type', 'merge', '-p', JSON.stringify({ spec: { approvals } }))
  const run = await untilCondition('approval-tides', 'Succeeded')
  assert.deepEqual(stepsOf(run), { outline: 'Succeeded', 'go-ahead': 'Succeeded', write: 'Succeeded' })
  assert.match(String(outputsOf(run)['article']), /\S/)
})

test('approval: what a person rejects is not written, and the run says who and why', async () => {
  await user.applyAs('approval-rejected', await readYaml(`${folder}/approval/run.yaml`))
  await untilReason('approval-rejected', 'ApprovalNeeded')
  const decided = await mnemos(dev, ['pipelines', 'approve', 'approval-rejected', 'go-ahead', '--reject', '--comment', 'Too long.'])
  assert.equal(decided.code, 0, decided.stderr)
  const run = await untilCondition('approval-rejected', 'Succeeded=False')
  assert.deepEqual(stepsOf(run), { outline: 'Succeeded', 'go-ahead': 'Failed', write: 'Skipped' })
  assert.match(run.status?.conditions[0]?.message ?? '', /rejected it: Too long\./)
  assert.deepEqual(await user.jobsOf('approval-rejected', 'write'), [])
})
