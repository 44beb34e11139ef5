import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outlineOf, type ParameterDeclaration } from '@mnemos/domain'
import { CliError } from './errors.ts'
import { checkSteps, type Given, readOverrides, readParameters } from './parameter-values.ts'
import { ensembleSpec } from './pipelines.test-kit.ts'

const declared: ParameterDeclaration[] = [
  { name: 'topic', type: 'string' },
  { name: 'rounds', type: 'integer', default: 3, maximum: 9 },
  { name: 'share', type: 'number', default: 0.5 },
  { name: 'fast', type: 'boolean', default: false },
  { name: 'files', type: 'list', default: [] },
  { name: 'extra', type: 'object', default: {} },
]

const right: Record<string, { given: Given; want: unknown }> = {
  'a text stays a text, whatever it looks like': { given: { pairs: ['topic=12=x'] }, want: { topic: '12=x' } },
  'numbers and truths by their type': {
    given: { pairs: ['topic=', 'rounds=4', 'share=1e-3', 'fast=true'] },
    want: { topic: '', rounds: 4, share: 0.001, fast: true },
  },
  'a list item by item': {
    given: { pairs: ['topic=t', 'files=a', 'files=b: c', 'files=3'] },
    want: { topic: 't', files: ['a', 'b: c', 3] },
  },
  'a list as JSON, an object as YAML': {
    given: { pairs: ['topic=t', 'files=["a", 1]', 'extra=a: 1\nb: [x]'] },
    want: { topic: 't', files: ['a', 1], extra: { a: 1, b: ['x'] } },
  },
  'words win over a file, files that are uploaded too': {
    given: { pairs: ['topic=new'], fromFile: { topic: 'old', rounds: 2, files: ['x'] }, files: { files: ['artifact://a'] } },
    want: { topic: 'new', rounds: 2, files: ['artifact://a'] },
  },
}

for (const [sentence, { given, want }] of Object.entries(right)) {
  test(`parameters: ${sentence}`, () => {
    assert.deepEqual(readParameters(declared, given), want)
  })
}

const details = (work: () => unknown): readonly string[] => {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof CliError)
    assert.equal(error.exitCode, 64)
    return error.details
  }
  return assert.fail('it was taken')
}

test('everything that is wrong with parameters is told at once, by name, and no value is repeated', () => {
  const pairs = ['tpoic=secret', 'rounds=many', 'share=1', 'share=2', 'fast=yes', 'extra=[secret]', 'files=[secret']
  assert.deepEqual(details(() => readParameters(declared, { pairs })).toSorted(), [
    'extra: must be an object, as JSON or YAML, e.g. {"a": 1}',
    'fast: must be true or false',
    'files: begins like a list and is none; write JSON, or repeat -p for each item',
    'rounds: must be an integer',
    'share: is given 2 times; only a list is',
    'topic: is required (string); give it with -p topic=VALUE',
    'tpoic: the pipeline has no such parameter; did you mean "topic"?',
  ])
})

test('what a file says of a parameter that is misread does not hide the mistake, and limits hold', () => {
  assert.deepEqual(
    details(() => readParameters(declared, { pairs: ['topic=t', 'rounds=x'], fromFile: { rounds: 4 } })),
    ['rounds: must be an integer'],
  )
  assert.deepEqual(
    details(() => readParameters(declared, { pairs: ['topic=t', 'rounds=10'] })),
    ['rounds: is more than 9'],
  )
})

test('a pair without = is wrong usage', () => {
  assert.throws(() => readParameters(declared, { pairs: ['topic'] }), { exitCode: 64, message: '-p is written key=value' })
})

test('an image and a Model change the step that they name', () => {
  const steps = outlineOf(ensembleSpec)
  assert.deepEqual(readOverrides(steps, { images: ['read=r:2@sha256:x=y'], models: ['ask=models/big', 'each=tiny'] }), [
    { step: 'read', image: 'r:2@sha256:x=y' },
    { step: 'ask', modelRef: { namespace: 'models', name: 'big' } },
    { step: 'each', modelRef: { name: 'tiny' } },
  ])
})

test('a step that there is not, or that has no image or no Model, is named with what was meant', () => {
  const steps = outlineOf(ensembleSpec)
  assert.deepEqual(
    details(() => readOverrides(steps, { images: ['raed=x', 'ask=x'], models: ['read=x'] })),
    [
      '--override raed: the pipeline has no such step; did you mean "read"?',
      '--override ask: is of type inference, and only container steps have that',
      '--model read: is of type container, and only inference steps have that',
    ],
  )
  assert.match(
    details(() => checkSteps(steps, ['nothing'], '--from')).join(),
    /^--from nothing: the pipeline has no such step; it has read,/,
  )
})
