/** The llama.cpp engine with the real small model: real answers, cancel, a crash of the child. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { llamaCppEngine } from '@mnemos/worker'
import { engineConformance } from '@mnemos/worker/testing'
import { ensureSmallModel } from '../../hack/models.ts'

const fetched = await ensureSmallModel((line) => process.stderr.write(`${line}\n`))
const model = { digest: `sha256:${fetched.sha256}`, path: fetched.path }
const signal = new AbortController().signal

engineConformance('llama-cpp', () => {
  const engine = llamaCppEngine()
  return {
    engine,
    model,
    longPrompt: 'Write a long story about the sea.',
    crash: (_engine, ask) => {
      const asked = ask('Write a long story about the sea.')
      process.kill(engine.pid() ?? assert.fail('the engine has no child'), 'SIGSEGV')
      return asked
    },
  }
})

describe('the real model', () => {
  const engine = llamaCppEngine()
  before(() => engine.load(model, { signal }))
  after(() => engine.close())

  it('knows a fact and streams it in pieces', async () => {
    const pieces: string[] = []
    const question = { model: model.digest, prompt: 'What is the capital of France?', parameters: { maxTokens: 32 } }
    const { text, finishReason, usage } = await engine.generate(question, { onToken: (piece) => pieces.push(piece), signal })
    assert.match(text, /Paris/)
    assert.ok(pieces.length > 3, `${pieces.length} pieces`)
    assert.equal(finishReason, 'stop')
    assert.ok(usage.completionTokens >= pieces.length)
  })

  it('stops at most one token after an abort, and answers the next question at once', async () => {
    const controller = new AbortController()
    let pieces = 0
    let abortedAt = 0
    const question = { model: model.digest, prompt: 'Write a long story about the sea.', parameters: { maxTokens: 500 } }
    const onToken = (): void => {
      pieces += 1
      if (pieces !== 8) return
      abortedAt = performance.now()
      controller.abort(new Error('cancelled'))
    }
    await assert.rejects(engine.generate(question, { onToken, signal: controller.signal }), /cancelled/)
    const stoppedMs = performance.now() - abortedAt
    assert.equal(pieces, 8)
    // 490 tokens more would take seconds; one takes some 15 ms, and a busy machine some times that.
    assert.ok(stoppedMs < 1500, `stopped after ${stoppedMs} ms`)
    const next = await engine.generate({ ...question, parameters: { maxTokens: 2 } }, { onToken: () => undefined, signal })
    assert.equal(next.usage.completionTokens, 2)
  })

  it('repeats an answer under the same seed, and ends at a stop text', async () => {
    const parameters = { maxTokens: 24, temperature: 0.9, topK: 50, topP: 0.9, seed: 7 }
    const ask = (extra: { stop?: string[] } = {}): Promise<string> =>
      engine
        .generate(
          { model: model.digest, prompt: 'Tell me about rivers.', parameters: { ...parameters, ...extra } },
          { onToken: () => undefined, signal },
        )
        .then(({ text }) => text)
    const first = await ask()
    assert.equal(await ask(), first)
    const stop = first.slice(20, 24)
    assert.equal(await ask({ stop: [stop] }), first.slice(0, first.indexOf(stop)))
  })

  it('refuses an input that fills the context, with its size', async () => {
    const question = { model: model.digest, prompt: 'word '.repeat(5000), parameters: { maxTokens: 5 } }
    await assert.rejects(engine.generate(question, { onToken: () => undefined, signal }), {
      class: 'BadInput',
      reason: 'PromptTooLong',
      message: /5\d\d\d tokens/,
    })
  })

  it('refuses a file that is no model, and lives on', async () => {
    const other = { digest: `sha256:${'0'.repeat(64)}`, path: import.meta.filename }
    await assert.rejects(engine.load(other, { signal }), { class: 'ModelUnavailable', reason: 'ModelUnloadable' })
    await engine.load(model, { signal })
    assert.deepEqual(engine.models(), [model.digest])
  })
})
