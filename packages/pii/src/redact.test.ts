import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { piiEntityNames } from './entities.ts'
import { type PiiActions, redactPii } from './redact.ts'

const all: PiiActions = Object.fromEntries(piiEntityNames.map((entity) => [entity, 'Redact']))

test('puts the name of its kind in the place of each find', () => {
  const { text, matches } = redactPii('mail jane@example.com phone 1234567', all)
  assert.equal(text, 'mail [Email] phone [Phone]')
  assert.deepEqual(
    matches.map(({ entity, start, end }) => [entity, start, end]),
    [
      ['Email', 5, 21],
      ['Phone', 28, 35],
    ],
  )
})

test('leaves what is blocked, warned of or allowed, and reports all but the allowed', () => {
  const given = 'jane@example.com 203.0.113.7 4111111111111111 123-45-6789'
  const { text, matches } = redactPii(given, { Email: 'Block', IP: 'Warn', Card: 'Allow', SSN: 'Redact' })
  assert.equal(text, 'jane@example.com 203.0.113.7 4111111111111111 [SSN]')
  assert.deepEqual(
    matches.map(({ entity }) => entity),
    ['Email', 'IP', 'SSN'],
  )
})

const pieces = fc.constantFrom(
  ...'phone: |passport |ssn |order |1234567|7654321 |jane@example.com|4111 1111 1111 1111|123-45-6789|, |.|-| |+49 30 901820|(|)|X1234567|DE89370400440532013000|203.0.113.7|2001:db8::1|12 Main Street|, Springfield, IL 62704|Hauptstraße 5|\n|and |[Phone]|[|]|Card|me '.split(
    '|',
  ),
)
const texts = fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(''))

test('to redact twice is to redact once', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const once = redactPii(text, all).text
      assert.equal(redactPii(once, all).text, once)
    }),
    { numRuns: 3000 },
  )
})

test('matches in order, within the text, replaced exactly', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const { matches, text: redacted } = redactPii(text, all)
      let rebuilt = ''
      let from = 0
      for (const { start, end, entity } of matches) {
        assert.ok(from <= start && start < end && end <= text.length)
        rebuilt += `${text.slice(from, start)}[${entity}]`
        from = end
      }
      assert.equal(redacted, rebuilt + text.slice(from))
    }),
    { numRuns: 1000 },
  )
})
