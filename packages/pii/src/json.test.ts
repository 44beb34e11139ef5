import assert from 'node:assert/strict'
import { test } from 'node:test'
import { piiEntityNames } from './entities.ts'
import { findPiiInJson, redactPiiInJson } from './json.ts'
import type { PiiActions } from './redact.ts'

const all: PiiActions = Object.fromEntries(piiEntityNames.map((entity) => [entity, 'Redact']))

test('points to the string, however its names are written', () => {
  const value = { messages: [{ role: 'user', content: 'I am jane@example.com' }], 'a/b~c': { ip: '203.0.113.7' } }
  assert.deepEqual(
    findPiiInJson(value, { pointer: '/spec' }).map(({ pointer, entity, start, end }) => [pointer, entity, start, end]),
    [
      ['/spec/messages/0/content', 'Email', 5, 21],
      ['/spec/a~1b~0c/ip', 'IP', 0, 11],
    ],
  )
})

test("a member's name introduces its value, numbers included", () => {
  const value = { ssn: 123456789, phoneNumber: '5550143', orderId: '123-45-6789', 'jane@example.com': true }
  assert.deepEqual(
    findPiiInJson(value).map(({ pointer, entity, isName }) => [pointer, entity, isName]),
    [
      ['/ssn', 'SSN', undefined],
      ['/phoneNumber', 'Phone', undefined],
      ['/jane@example.com', 'Email', true],
    ].sort((a, b) => names.indexOf(String(a[0])) - names.indexOf(String(b[0]))),
  )
})
const names = ['/jane@example.com', '/ssn', '/phoneNumber']

test('looks into the lines of a dataset and keeps the lines that it need not change', () => {
  const data = '{"text": "hello",  "n": 1}\n{"text":"call +49 30 901820","ssn":123456789}\nno json: jane@example.com\n'
  const { value, matches } = redactPiiInJson({ inline: data }, all)
  assert.deepEqual(
    matches.map(({ pointer, record, entity }) => [pointer, record, entity]),
    [
      ['/inline', { line: 2, pointer: '/text' }, 'Phone'],
      ['/inline', { line: 2, pointer: '/ssn' }, 'SSN'],
      ['/inline', { line: 3, pointer: '' }, 'Email'],
    ],
  )
  assert.deepEqual(value, { inline: '{"text": "hello",  "n": 1}\n{"text":"call [Phone]","ssn":"[SSN]"}\nno json: [Email]\n' })
  assert.deepEqual(redactPiiInJson(value, all).value, value)
})

test('nesting of ten thousand levels is walked', () => {
  let value: unknown = 'jane@example.com'
  for (let depth = 0; depth < 10_000; depth += 1) value = [value]
  assert.equal(findPiiInJson(value).length, 1)
})

test('a value without finds is given back as it is', () => {
  const value = { a: ['nothing', 1, null, true] }
  assert.equal(redactPiiInJson(value, all).value, value)
})
