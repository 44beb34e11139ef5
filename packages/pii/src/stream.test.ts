import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { piiEntityNames } from './entities.ts'
import { findPii } from './find.ts'
import { type PiiActions, replaced } from './redact.ts'
import { createPiiRedactor } from './stream.ts'

const all: PiiActions = Object.fromEntries(piiEntityNames.map((entity) => [entity, 'Redact']))

const sentences = fc.constantFrom(
  'Write to jane.doe@example.com please. ',
  'Her card is 4111 1111 1111 1111, thank you. ',
  'My telephone number is +49 30 901820 or (202) 555-0143. ',
  'She lives at 12 Main Street, Springfield, IL 62704 now. ',
  'The server 203.0.113.7 answers, and so does 2001:db8::1 today. ',
  'passport number C01X00T47 was lost in the year 2019. ',
  'Nothing of this is anything but ordinary prose that goes on. ',
  'DE89 3704 0044 0532 0130 00 is where to pay. ',
  'ssn 123-45-6789. ',
  'Unter den Linden 77, 10117 Berlin is an address. ',
)

test('in chunks of any size the same is redacted as in one piece', () => {
  fc.assert(
    fc.property(
      fc.array(sentences, { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
      (parts, sizes) => {
        const text = parts.join('')
        const redactor = createPiiRedactor(all)
        let result = ''
        for (let at = 0, turn = 0; at < text.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1
          result += redactor.push(text.slice(at, at + size))
          at += size
        }
        assert.equal(result + redactor.end(), replaced(text, findPii(text)))
      },
    ),
    { numRuns: 500 },
  )
})

test('of ordinary prose no more than the last words are held', () => {
  const redactor = createPiiRedactor(all)
  const prose = 'the quick brown fox jumps over the lazy dog and goes on to rest beside the river until evening comes '
  let most = 0
  let out = ''
  for (const [at, letter] of Array.from(prose.repeat(5)).entries()) {
    out += redactor.push(letter)
    most = Math.max(most, at + 1 - out.length)
  }
  assert.ok(most <= 16, `${most} units were held`)
})

test('a row of digits without end is not held without end', () => {
  const redactor = createPiiRedactor(all)
  let out = ''
  for (let at = 0; at < 1000; at += 1) out += redactor.push('12 ')
  assert.ok(out.length >= 3000 - 600, `${3000 - out.length} units are held`)
  assert.equal((out + redactor.end()).length, 3000)
})
