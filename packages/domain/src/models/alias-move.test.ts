import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Model } from '@mnemos/api'
import { aDigest, aModel } from '@mnemos/testkit'
import { type AliasPatch, movedAlias, previousTargetAnnotation, rollbackOfAlias } from './alias-move.ts'

function anAlias(target: string, previous?: string): Model {
  const model = aModel('prod').from(`model://${target}`).build()
  if (previous === undefined) return model
  return { ...model, metadata: { ...model.metadata, annotations: { [previousTargetAnnotation]: previous } } }
}

const patch = (uri: string, previous: string): AliasPatch => ({
  metadata: { annotations: { [previousTargetAnnotation]: previous } },
  spec: { source: { uri } },
})

test('a move keeps where the alias was', () => {
  assert.deepEqual(movedAlias(anAlias('m-1'), 'm-2'), { patch: patch('model://m-2', 'm-1') })
})

test('a digest that was demanded of the old target is not demanded of the new one', () => {
  const moved = movedAlias(aModel('prod').from('model://m-1', aDigest()).build(), 'm-2')
  assert.deepEqual(moved, { patch: { ...patch('model://m-2', 'm-1'), spec: { source: { uri: 'model://m-2', digest: null } } } })
})

test('a move to where the alias is already is none', () => assert.equal(movedAlias(anAlias('m-1', 'm-0'), 'm-1'), undefined))

test('a rollback goes back, and a second one forward again', () => {
  const back = rollbackOfAlias(anAlias('m-2', 'm-1'))
  assert.deepEqual(back, { patch: patch('model://m-1', 'm-2') })
  assert.deepEqual(rollbackOfAlias(anAlias('m-1', 'm-2')), { patch: patch('model://m-2', 'm-1') })
})

const mistakes: Record<string, { readonly said: unknown; readonly want: RegExp }> = {
  'what is no alias is not rolled back': {
    said: rollbackOfAlias(aModel('m').from('https://user:secret@models.example/m.gguf').build()),
    want: /^Model m is no alias: its bytes come from https:\/\/models\.example\/m\.gguf; name a Model/,
  },
  'what is no alias is not moved': { said: movedAlias(aModel('m').build(), 'm-2'), want: /^Model m is no alias/ },
  'an alias that was never moved is not rolled back': {
    said: rollbackOfAlias(anAlias('m-1')),
    want: /^Model prod was never moved .*; set spec\.source\.uri to model:\/\/<name>/,
  },
  'an annotation that names no Model is not followed': {
    said: rollbackOfAlias(anAlias('m-1', '../x')),
    want: /names no Model to go back to/,
  },
  'an annotation that names the alias itself is not followed': { said: rollbackOfAlias(anAlias('m-1', 'prod')), want: /names no Model/ },
  'an annotation that names where the alias is goes nowhere': { said: rollbackOfAlias(anAlias('m-1', 'm-1')), want: /names no Model/ },
  'an alias is not moved to what is no name': { said: movedAlias(anAlias('m-1'), 'M 2'), want: /^"M 2" is no name of a Model/ },
  'an alias is not moved to itself': { said: movedAlias(anAlias('m-1'), 'prod'), want: /cannot be an alias of itself/ },
}
for (const [sentence, { said, want }] of Object.entries(mistakes))
  test(sentence, () => {
    const { mistake } = said as { mistake?: string }
    assert.match(mistake ?? '', want)
  })
