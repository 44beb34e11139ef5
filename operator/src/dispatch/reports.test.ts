import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type AttemptResult, attemptRef, workerMessage } from '@mnemos/contract'
import { endOf, Reports } from './reports.ts'

const ref = attemptRef({ jobUid: 'u', namespace: 'a', name: 'j', attempt: 2 })
const text = '{"text":"hello"}'
const good = {
  uri: 'artifact://outputs/a/u/a2/result.json',
  sha256: createHash('sha256').update(text).digest('hex'),
  sizeBytes: BigInt(text.length),
  inline: text,
}

function result(success: Partial<typeof good>): AttemptResult {
  const { message } = workerMessage({ case: 'result', value: { ref, outcome: { case: 'success', value: { ...good, ...success } } } })
  assert.ok(message.case === 'result')
  return message.value
}

const refused: Record<string, Partial<typeof good>> = {
  'an object of another Job': { uri: 'artifact://outputs/a/other/a2/result.json' },
  'an object of another attempt': { uri: 'artifact://outputs/a/u/a1/result.json' },
  'an object outside the store': { uri: 'https://elsewhere/outputs/a/u/a2/result.json' },
  'a path that climbs': { uri: 'artifact://outputs/a/u/a2/../../other/result.json' },
  'no digest': { sha256: '' },
  'a digest that is none': { sha256: 'Z'.repeat(64) },
  'an address longer than a status can hold': { uri: `${good.uri}${'x'.repeat(1024)}` },
  'a size that no number can hold': { sizeBytes: 2n ** 60n },
  'an inline text that is not the stored object': { inline: '{"text":"something else"}' },
}

for (const [what, of] of Object.entries(refused)) {
  test(`a success that names ${what} is a failure of the worker`, () => {
    const end = endOf(result(of))
    assert.equal(end.type === 'failed' ? end.class : end.type, 'Internal')
  })
}

test('a success is taken as it is', () => {
  const end = endOf(result({}))
  assert.deepEqual(end, {
    type: 'succeeded',
    ...good,
    sizeBytes: text.length,
    usage: { promptTokens: 0, completionTokens: 0, durationMs: 0 },
  })
})

test('a failure of a class that nobody knows is an internal one', () => {
  const { message } = workerMessage({
    case: 'result',
    value: { ref, outcome: { case: 'failure', value: { class: 'Gremlins', reason: '', message: '' } } },
  })
  assert.ok(message.case === 'result')
  const end = endOf(message.value)
  assert.deepEqual(end.type === 'failed' && [end.class, end.reason, end.message], ['Internal', 'Failed', 'The worker gave no reason.'])
})

test('reports are kept apart by attempt and by process until they are taken', () => {
  const reports = new Reports()
  const [old, young] = [
    { name: 'a/w', instance: 'i1' },
    { name: 'a/w', instance: 'i2' },
  ]
  reports.started(ref, old, 1)
  reports.started(ref, young, 2)
  reports.ended(ref, old, { type: 'cancelled' })
  assert.equal(reports.of('u', 2, old)?.end?.type, 'cancelled')
  assert.equal(reports.of('u', 2, young)?.end, undefined)
  assert.equal(reports.all('u').length, 2)
  assert.equal(reports.size, 2)
  reports.take('u', 2, old)
  reports.take('u', 2, young)
  assert.deepEqual(reports.all('u'), [])
  assert.equal(reports.size, 0)
})

test('what has ended does not start again', () => {
  const reports = new Reports()
  const from = { name: 'a/w', instance: 'i1' }
  reports.ended(ref, from, { type: 'cancelled' })
  reports.started(ref, from, 5)
  assert.equal(reports.of('u', 2, from)?.end?.type, 'cancelled')
})
