import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPiiRedactor, type PiiActions, piiEntityNames, redactPii } from '@mnemos/pii'
import { casesOf } from './corpus.ts'
import { disguises, recallOf } from './disguises.ts'

const heldOut = casesOf('held-out')

/** Ways that people and keyboards write, not only those who hide: they must cost next to nothing. */
const harmless = [
  'nothing special',
  'full-width digits',
  'Arabic-Indic digits',
  'mathematical digits',
  'spaces without break',
  'escapes in JSON',
]
for (const disguise of disguises.filter(({ name }) => harmless.includes(name))) {
  test(`personal data written with ${disguise.name} is found as well as ever`, () => {
    for (const entity of piiEntityNames) {
      const recall = recallOf(disguise, entity, heldOut)
      if (recall !== undefined) assert.ok(recall >= 0.9, `${entity}: ${recall}`)
    }
  })
}

test('the whole corpus in chunks is redacted as it is in one piece', () => {
  const actions: PiiActions = Object.fromEntries(piiEntityNames.map((entity) => [entity, 'Redact']))
  const different = [...heldOut, ...casesOf('tuning')].filter(({ text }, index) => {
    const redactor = createPiiRedactor(actions)
    let result = ''
    for (let at = 0, turn = index; at < text.length; turn += 1) {
      const size = 1 + ((turn * 7919) % 11)
      result += redactor.push(text.slice(at, at + size))
      at += size
    }
    return result + redactor.end() !== redactPii(text, actions).text
  })
  assert.deepEqual(
    different.map(({ text }) => text),
    [],
  )
})
