/**
 * What every engine must do, as a suite that is run against each adapter: `engineConformance('stub', …)`.
 *
 * It asks for nothing that depends on a model's wisdom, only on the port's promises (engine.ts).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WorkFailure } from '../failure.ts'
import type { Engine, EngineModel, GenerateRequest } from './engine.ts'

export interface EngineUnderTest {
  readonly engine: Engine
  readonly model: EngineModel
  /** A question whose answer has at least 30 tokens when it is allowed that many, and takes some time. */
  readonly longPrompt: string
  /** Answers that question in such a way that the engine crashes on the way. */
  readonly crash: (engine: Engine, ask: (prompt: string) => Promise<unknown>) => Promise<unknown>
}

/** Registers the suite with node:test. `start` is called per test, and what it gave is closed after it. */
export function engineConformance(name: string, start: () => Promise<EngineUnderTest> | EngineUnderTest): void {
  const never = new AbortController().signal
  const withEngine = (run: (under: EngineUnderTest) => Promise<void>) => async (): Promise<void> => {
    const under = await start()
    await run(under).finally(() => under.engine.close())
  }
  const asking = ({ model, longPrompt }: EngineUnderTest, maxTokens: number): GenerateRequest => ({
    model: model.digest,
    prompt: longPrompt,
    parameters: { maxTokens },
  })

  describe(`engine ${name}`, () => {
    it(
      'lists a model once it is loaded, and loads it again for free',
      withEngine(async ({ engine, model }) => {
        assert.deepEqual(engine.models(), [])
        await engine.load(model, { signal: never })
        await engine.load(model, { signal: never })
        assert.deepEqual(engine.models(), [model.digest])
      }),
    )
    it(
      'streams tokens that joined are the text, counts them, and repeats itself',
      withEngine(async (under) => {
        await under.engine.load(under.model, { signal: never })
        const answers = []
        for (let round = 0; round < 2; round++) {
          const pieces: string[] = []
          const done = await under.engine.generate(asking(under, 12), { onToken: (text) => pieces.push(text), signal: never })
          assert.equal(pieces.join(''), done.text)
          assert.ok(done.usage.completionTokens >= 1 && done.usage.completionTokens <= 12)
          assert.ok(done.usage.promptTokens >= 1)
          assert.equal(done.finishReason, 'length')
          answers.push(done.text)
        }
        assert.equal(answers[0], answers[1])
      }),
    )
    it(
      'answers a conversation',
      withEngine(async ({ engine, model }) => {
        await engine.load(model, { signal: never })
        const messages = [
          { role: 'system', content: 'Answer with one word.' },
          { role: 'user', content: 'Say hello' },
        ] as const
        const { text } = await engine.generate(
          { model: model.digest, messages, parameters: { maxTokens: 8 } },
          { onToken: () => undefined, signal: never },
        )
        assert.notEqual(text, '')
      }),
    )
    it(
      'tells no token after an abort and rejects with its reason',
      withEngine(async (under) => {
        await under.engine.load(under.model, { signal: never })
        const controller = new AbortController()
        const reason = new Error('enough')
        let after = 0
        const onToken = (): void => {
          if (controller.signal.aborted) after += 1
          controller.abort(reason)
        }
        await assert.rejects(under.engine.generate(asking(under, 64), { onToken, signal: controller.signal }), reason)
        assert.equal(after, 0)
      }),
    )
    it(
      'refuses a signal that is already aborted',
      withEngine(async (under) => {
        const aborted = AbortSignal.abort(new Error('too late'))
        await assert.rejects(under.engine.load(under.model, { signal: aborted }), /too late/)
        await assert.rejects(under.engine.generate(asking(under, 1), { onToken: () => undefined, signal: aborted }), /too late/)
      }),
    )
    it(
      'fails with ModelUnavailable when the model is not loaded',
      withEngine(async (under) => {
        const asked = under.engine.generate(asking(under, 1), { onToken: () => undefined, signal: never })
        await assert.rejects(asked, (error) => error instanceof WorkFailure && error.class === 'ModelUnavailable')
      }),
    )
    it(
      'fails with EngineCrashed when it crashes, forgets its models, and works again after the next load',
      withEngine(async (under) => {
        const { engine, model } = under
        await engine.load(model, { signal: never })
        const ask = (prompt: string): Promise<unknown> =>
          engine.generate({ model: model.digest, prompt, parameters: { maxTokens: 64 } }, { onToken: () => undefined, signal: never })
        await assert.rejects(under.crash(engine, ask), (error) => error instanceof WorkFailure && error.class === 'EngineCrashed')
        assert.deepEqual(engine.models(), [])
        await engine.load(model, { signal: never })
        const { text } = await engine.generate(asking(under, 4), { onToken: () => undefined, signal: never })
        assert.notEqual(text, '')
      }),
    )
  })
}
