import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { InferenceWork } from '@mnemos/contract'
import { WorkFailure } from '../failure.ts'
import { cleanInput, openOutputFilter } from './personal-data.ts'

const model = { name: 'team-a/smol', digest: `sha256:${'a'.repeat(64)}`, artifact: 'models/x', sizeBytes: 1, engine: 'stub' }
const work = (change: Partial<InferenceWork>): InferenceWork => ({ type: 'inference', model, parameters: { maxTokens: 8 }, ...change })
const mail = 'Write to jane@example.com today.'
const answerOf = (text: string) => ({ text, finishReason: 'stop' as const, usage: { promptTokens: 1, completionTokens: 1, durationMs: 1 } })

describe('an input', () => {
  it('that no policy speaks of is left as it is', () => {
    const plain = work({ prompt: mail })
    assert.equal(cleanInput(plain), plain)
  })

  it('is redacted, each message by itself', () => {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: mail },
    ]
    assert.equal(cleanInput(work({ prompt: mail, personalData: { Email: 'Redact' } })).prompt, 'Write to [Email] today.')
    assert.deepEqual(
      cleanInput(work({ messages, personalData: { Email: 'Redact' } })).messages?.map(({ content }) => content),
      ['Be brief.', 'Write to [Email] today.'],
    )
  })

  it('with what is blocked fails for good, by field and kind, and without the value', () => {
    const asked = work({ messages: [{ role: 'user', content: mail }], personalData: { Email: 'Block', IP: 'Block' } })
    assert.throws(
      () => cleanInput(asked),
      (error: unknown) => {
        assert.ok(error instanceof WorkFailure)
        assert.deepEqual([error.class, error.reason], ['BadInput', 'PersonalData'])
        assert.equal(error.message, 'spec.inference.messages[0].content holds personal data (Email) that a policy blocks.')
        assert.doesNotMatch(`${error.message}${error.hint}`, /jane/)
        return true
      },
    )
  })

  it('may hold what another kind is blocked for', () => {
    assert.equal(cleanInput(work({ prompt: mail, personalData: { IP: 'Block' } })).prompt, mail)
  })
})

describe('an output', () => {
  it('that no policy speaks of needs no filter', () => {
    assert.equal(openOutputFilter(undefined), undefined)
    assert.equal(openOutputFilter({}), undefined)
  })

  it('leaves in pieces as it does whole: what is blocked and what is redacted are both taken out', () => {
    const text = 'Ask jane@example.com or 192.0.2.17, or just come by. Nothing else to say.'
    const filter = openOutputFilter({ Email: 'Redact', IP: 'Block' }) ?? assert.fail('no filter')
    const told = (text.match(/\S+\s*/g) ?? []).map((token) => filter.push(token)).join('') + filter.end()
    assert.equal(told, 'Ask [Email] or [IP], or just come by. Nothing else to say.')
    const whole = filter.whole(answerOf(text))
    assert.equal(whole.answer.text, told)
    assert.deepEqual(whole.found, { Email: 1, IP: 1 })
  })

  it('without personal data is what the model wrote', () => {
    const filter = openOutputFilter({ Email: 'Redact' })
    const whole = filter?.whole(answerOf('Hello.'))
    assert.deepEqual([whole?.answer.text, whole?.found], ['Hello.', {}])
  })
})
