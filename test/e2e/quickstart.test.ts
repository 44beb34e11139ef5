/**
 * The quickstart as a user runs it: `mnemos dev` starts every process, kubectl applies examples/quickstart, a real model
 * answers. What the README promises is asserted here.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually } from '@mnemos/testkit'
import { type DevProcess, startDev } from '../../hack/demo/dev-process.ts'
import { kubectl } from '../../hack/demo/kubectl.ts'
import { fetchResult, verifyResult } from '../../hack/demo/verify-result.ts'
import { ensureSmallModel, type FetchedModel } from '../../hack/models.ts'
import { mnemos, readStream, statusOf } from './user.ts'

const root = join(import.meta.dirname, '../..')
const quickstart = 'examples/quickstart'
let dev: DevProcess
let model: FetchedModel
let state: string

before(async () => {
  model = await ensureSmallModel()
  state = await mkdtemp(join(tmpdir(), 'mnemos-e2e-'))
  dev = await startDev({ root, state, fileRoot: join(model.path, '..'), output: 'ignore' })
})

after(async () => {
  await dev.stop()
  await rm(state, { recursive: true, force: true })
})

test('a Job applied before its Model is admitted with a warning, waits, and answers once the Model is there', async () => {
  const first = await kubectl(dev, ['apply', '-f', `${quickstart}/job.yaml`])
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stderr, /Warning: .*no Model `smollm2`/)
  await eventually(async () => JSON.stringify((await statusOf(dev, 'mnjob', 'hello')).conditions).includes('ModelNotFound'), {
    message: 'the Job says ModelNotFound',
  })
  const streaming = readStream(dev, 'hello')
  const second = await kubectl(dev, ['apply', '-f', `${quickstart}/model.yaml`])
  assert.equal(second.code, 0, second.stderr)
  const events = await streaming
  const tokens = events.filter(({ event }) => event === 'token')
  assert.ok(tokens.length > 5, `${tokens.length} token events`)
  const spreadMs = (tokens.at(-1)?.at ?? 0) - (tokens[0]?.at ?? 0)
  assert.ok(spreadMs > 20, `the tokens came within ${spreadMs} ms: they were not streamed`)
  assert.equal(events.at(-1)?.event, 'end')
  const status = await statusOf(dev, 'mnjob', 'hello')
  assert.equal(status.phase, 'Succeeded')
  assert.equal(status.attempt, 1)
})

test('one Job reads what another wrote', async () => {
  assert.equal((await kubectl(dev, ['apply', '-f', 'examples/inputs/chained.yaml'])).code, 0)
  const { promptTokens } = await eventually(
    async () => {
      const { phase, usage, failure } = await statusOf(dev, 'mnjob', 'summary')
      assert.equal(failure, undefined, JSON.stringify(failure))
      return phase === 'Succeeded' ? usage : undefined
    },
    { timeoutMs: 60_000, message: 'the summary is written' },
  )
  const draft = await statusOf(dev, 'mnjob', 'draft')
  assert.ok(promptTokens > (draft.usage?.completionTokens ?? 0), `${promptTokens} tokens hold the whole draft`)
})

test('the checksum in the status is that of the inline result and of the stored object', async () => {
  await verifyResult(dev, 'hello')
  const status = await statusOf(dev, 'mnjob', 'hello')
  const wanted = status.result?.sha256
  const found = await filesWithSum(join(state, 'artifacts'), wanted ?? '')
  assert.ok(found.length > 0, 'the stored object lies in the artifact folder')
})

test('the stream replays the whole answer to those who come late', async () => {
  const events = await readStream(dev, 'hello')
  const streamed = events.flatMap(({ event, data }) => (event === 'token' ? [data.text ?? ''] : [])).join('')
  const stored = JSON.parse((await fetchResult(dev, 'hello')).toString()) as { text: string } // the documented shape
  assert.equal(streamed.trim(), stored.text.trim())
})

test('the Model is Ready, pinned to the digest of its file, and shown by one command', async () => {
  const status = await statusOf(dev, 'mnmodel', 'smollm2')
  assert.equal(status.phase, 'Ready')
  assert.equal(status.digest, `sha256:${model.sha256}`)
  const shown = await kubectl(dev, ['get', 'mnemos', '-A'])
  for (const name of ['smollm2', 'hello', 'local']) assert.match(shown.stdout, new RegExp(name))
})

test('a mistyped Job is refused with every mistake, its field and a suggestion', async () => {
  const refused = await kubectl(dev, ['apply', '-f', `${quickstart}/mistyped-job.yaml`])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /mistyped/)
  assert.match(refused.stderr, /spec\.priority.*high/s)
  assert.match(refused.stderr, /maxTokens/)
})

test('a Model with a wrong digest never becomes Ready and names the file and both digests', async () => {
  const wrong = `sha256:${'0'.repeat(64)}`
  const text = `{"apiVersion":"mnemos.dev/v1alpha1","kind":"Model","metadata":{"name":"wrong","namespace":"default"},
    "spec":{"source":{"uri":"file:///SmolLM2-135M-Instruct.Q4_1.gguf","digest":"${wrong}"}}}`
  assert.equal((await kubectl(dev, ['apply', '-f', '-'], text)).code, 0)
  const status = await eventually(
    async () => {
      const now = await statusOf(dev, 'mnmodel', 'wrong')
      return now.phase === 'Failed' ? now : undefined
    },
    { timeoutMs: 60_000, message: 'the Model fails' },
  )
  const told = JSON.stringify(status.conditions)
  assert.match(told, /DigestMismatch/)
  for (const part of ['SmolLM2-135M-Instruct.Q4_1.gguf', wrong, model.sha256]) assert.match(told, new RegExp(part))
  assert.doesNotMatch(told, /"type":"Ready","status":"True"/)
})

test('chat streams to stdout, says how fast it was, and exits 0', async () => {
  const chat = await mnemos(dev, ['chat', 'smollm2', 'Name three colours.', '--max-tokens', '24', '--temperature', '0'])
  assert.equal(chat.code, 0, chat.stderr)
  assert.ok(chat.chunks > 3, `${chat.chunks} chunks`)
  assert.ok(chat.stdout.trim().length > 0)
  assert.match(chat.stderr, /tokens\/s/)
})

test('a running Job can be cancelled, and wait tells so by its exit code', async () => {
  // At temperature 0 this model never gets to the end of such a list.
  const prompt = 'Continue this list up to one thousand: 1. one 2. two 3. three 4. four 5. five 6. six 7. seven 8. eight'
  const flags = ['--name', 'endless', '--max-tokens', '6000', '--temperature', '0']
  const submitted = await mnemos(dev, ['jobs', 'submit', 'smollm2', prompt, ...flags])
  assert.equal(submitted.code, 0, submitted.stderr)
  await eventually(async () => (await statusOf(dev, 'mnjob', 'endless')).phase === 'Running', { timeoutMs: 30_000 })
  assert.equal((await mnemos(dev, ['jobs', 'cancel', 'endless'])).code, 0)
  const waited = await mnemos(dev, ['jobs', 'wait', 'endless', '--timeout', '30'])
  assert.equal(waited.code, 2, waited.stderr)
  assert.equal((await statusOf(dev, 'mnjob', 'endless')).phase, 'Cancelled')
})

const refusals: Record<string, { args: readonly string[]; wantCode: number; wantError: RegExp }> = {
  'a Job that does not exist': { args: ['jobs', 'get', 'nobody'], wantCode: 3, wantError: /nobody/ },
  'a command without its arguments': { args: ['jobs', 'submit'], wantCode: 64, wantError: /model and a prompt/ },
  'a context that does not exist': { args: ['jobs', 'list', '--context', 'nowhere'], wantCode: 4, wantError: /nowhere/ },
  'a server that does not answer': { args: ['jobs', 'list', '--server', 'http://127.0.0.1:9'], wantCode: 5, wantError: /did not answer/ },
  'a file with mistakes': { args: ['lint', `${quickstart}/mistyped-job.yaml`], wantCode: 1, wantError: /2 findings/ },
}

for (const [sentence, { args, wantCode, wantError }] of Object.entries(refusals)) {
  test(`exit codes: ${sentence}`, async () => {
    const ran = await mnemos(dev, args)
    assert.match(ran.stderr, wantError)
    assert.equal(ran.code, wantCode)
  })
}

test('when mnemos dev ends, nothing that it started is left', async () => {
  assert.deepEqual(await dev.stop(), [])
})

test('when mnemos dev is killed, what it started ends by itself', async () => {
  const other = await startDev({ root, state: join(state, 'killed'), fileRoot: state, output: 'ignore' })
  process.kill(other.record.pid, 'SIGKILL')
  await eventually(() => other.alive().length === 0, { timeoutMs: 20_000, message: 'all processes are gone' })
})

/** Files below a folder whose bytes have this SHA-256. */
async function filesWithSum(folder: string, sum: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sums = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  )
  return files.filter((_, index) => sums[index] === sum)
}
