import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { virtualClock } from '@mnemos/testkit'
import { engineConformance } from './conformance.ts'
import { type StubOptions, stubEngine } from './stub.ts'

const model = { digest: `sha256:${'a'.repeat(64)}`, path: '/nowhere' }
const signal = new AbortController().signal
const words = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')

engineConformance('stub', () => ({
  engine: stubEngine(),
  model,
  longPrompt: words,
  crash: (_engine, ask) => ask(`${words} [[crash]]`),
}))

describe('the stub engine', () => {
  const cases: Record<string, { prompt: string; maxTokens?: number; stop?: string[]; wantText: string; wantFinish: 'stop' | 'length' }> = {
    'answers with the words of the prompt': { prompt: 'one two', wantText: 'one two', wantFinish: 'stop' },
    'stops at maxTokens': { prompt: 'one two three', maxTokens: 2, wantText: 'one two ', wantFinish: 'length' },
    'stops before a stop text': { prompt: 'one two three', stop: ['wo'], wantText: 'one t', wantFinish: 'stop' },
    'answers with as many tokens as asked for': { prompt: 'a [[tokens 3]]', wantText: 'a a a ', wantFinish: 'stop' },
  }
  for (const [sentence, { prompt, maxTokens = 100, stop, wantText, wantFinish }] of Object.entries(cases)) {
    it(sentence, async () => {
      const engine = await loaded()
      const parameters = { maxTokens, ...(stop === undefined ? {} : { stop }) }
      const { text, finishReason } = await engine.generate(
        { model: model.digest, prompt, parameters },
        { onToken: () => undefined, signal },
      )
      assert.equal(text, wantText)
      assert.equal(finishReason, wantFinish)
    })
  }

  it('fails with the class that the prompt asks for', async () => {
    const engine = await loaded()
    const asked = engine.generate(
      { model: model.digest, prompt: '[[fail DiskFull]]', parameters: { maxTokens: 1 } },
      { onToken: () => undefined, signal },
    )
    await assert.rejects(asked, { class: 'DiskFull' })
  })

  it('waits before each token as long as the prompt asks for', async () => {
    const clock = virtualClock()
    const engine = await loaded({ clock })
    const at: number[] = []
    const request = { model: model.digest, prompt: 'one two [[delay 50]]', parameters: { maxTokens: 9 } }
    const asked = engine.generate(request, { onToken: () => at.push(clock.monotonic()), signal })
    await clock.advance(100)
    await asked
    assert.deepEqual(at, [50, 100])
  })
})

async function loaded(options: StubOptions = {}): Promise<ReturnType<typeof stubEngine>> {
  const engine = stubEngine(options)
  await engine.load(model, { signal })
  return engine
}
