import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { piecesOf, type Reference } from './reference.ts'
import { fieldAt, type Resolved, referencesIn, substitute } from './substitute.ts'

/** Pieces in one line: texts as they stand, references in angle brackets, mistakes after an exclamation mark. */
function shown(text: string): string {
  return piecesOf(text)
    .map((piece) => {
      if ('text' in piece) return piece.text
      if ('mistake' in piece) return `!${piece.written}: ${piece.mistake}!`
      return `<${pathOf(piece.reference)}>`
    })
    .join('')
}

function pathOf(reference: Reference): string {
  switch (reference.from) {
    case 'params':
      return ['params', reference.name, ...reference.field].join('.')
    case 'steps':
      return ['steps', reference.step, 'outputs', reference.output, ...reference.field].join('.')
    case 'item':
      return ['item', ...reference.field].join('.')
    case 'run':
      return `run.${reference.name}`
  }
}

const dollar = '$'
const rows: Record<string, [text: string, want: string]> = {
  'a parameter': ['$(params.topic)', '<params.topic>'],
  'a field of a parameter': ['a $(params.person.first_name) b', 'a <params.person.first_name> b'],
  'an output of a step, and the run': ['$(steps.prepare.outputs.train)/$(run.id)', '<steps.prepare.outputs.train>/<run.id>'],
  'an item and its field': ['$(item) $(item.name)', '<item> <item.name>'],
  'aliases in braces': [
    `${dollar}{RUN_ID} ${dollar}{params.x} ${dollar}{prepare.train} ${dollar}{steps.a.outputs.b}`,
    '<run.id> <params.x> <steps.prepare.outputs.train> <steps.a.outputs.b>',
  ],
  'two dollars are a plain one': [`$$(params.x) $${dollar}{params.x} $$`, `$(params.x) ${dollar}{params.x} $$`],
  'what others mean is left alone': [
    `$(date) $(HOME) ${dollar}{HOME} $(inputs.text) $HOME $( params.x )`,
    `$(date) $(HOME) ${dollar}{HOME} $(inputs.text) $HOME $( params.x )`,
  ],
  'a bracket without end': ['$(params.x and more', '$(params.x and more'],
  'an output without outputs': ['$(steps.a.x)', '!$(steps.a.x): is no output of a step; write $(steps.<step>.outputs.<output>)!'],
  'a parameter without a name': ['$(params)', '!$(params): names no parameter; write $(params.<name>)!'],
  'an empty name': ['$(params..x)', '!$(params..x): has an empty name between its dots!'],
  'what a run does not have': ['$(run.secret)', '!$(run.secret): of a run there are id, name, namespace, pipeline, revision!'],
  'a name that none can have': ['$(params.a;b)', '!$(params.a;b): has a name that none can have: "a;b"!'],
}
for (const [what, [text, want]] of Object.entries(rows)) test(`references: ${what}`, () => assert.equal(shown(text), want))

const values: Readonly<Record<string, unknown>> = {
  name: 'Ada',
  count: 3,
  list: ['a', 'b'],
  sly: `$(params.name) $$( ${dollar}{RUN_ID}`,
  none: null,
}
const resolve = (reference: Reference): Resolved => {
  if (reference.from !== 'params') return { missing: 'not here' }
  return Object.hasOwn(values, reference.name)
    ? fieldAt(values[reference.name], reference.field)
    : { missing: `no parameter ${reference.name}` }
}

const substituted: Record<string, [value: unknown, want: Resolved]> = {
  'a text that is one reference keeps the type': [
    { n: '$(params.count)', l: '$(params.list)', z: '$(params.none)' },
    { value: { n: 3, l: ['a', 'b'], z: null } },
  ],
  'within a text values are texts or JSON': ['$(params.name): $(params.count) of $(params.list)', { value: 'Ada: 3 of ["a","b"]' }],
  'what is put in is not read again': ['<$(params.sly)>', { value: `<$(params.name) $$( ${dollar}{RUN_ID}>` }],
  'a field of a list by its place': ['$(params.list.1)', { value: 'b' }],
  'a field that is not there': ['$(params.list.9)', { missing: 'has no field 9' }],
  'members of the prototype are no fields': ['$(params.list.length) $(params.name.constructor)', { missing: 'has no field constructor' }],
  'the first that is missing is told': [{ a: 'x', b: ['$(params.gone)'] }, { missing: 'no parameter gone' }],
  'names of members stay': [{ '$(params.name)': 1 }, { value: { '$(params.name)': 1 } }],
}
for (const [what, [value, want]] of Object.entries(substituted))
  test(`substitution: ${what}`, () => assert.deepEqual(substitute(value, resolve), want))

test('references are found with the path to their text', () => {
  const value = { env: [{ value: 'x' }, { value: '$(params.a) $(item)' }], n: 1 }
  assert.deepEqual(
    referencesIn(value, ['spec']).map(({ path, piece }) => `${path.join('/')} ${piece.written}`),
    ['spec/env/1/value $(params.a)', 'spec/env/1/value $(item)'],
  )
})

test('no text of a user becomes a reference by being put in, and a text without references stays as it is', () => {
  const nasty = fc.string({ unit: fc.constantFrom('$', '(', ')', '{', '}', '.', 'params', 'x', 'RUN_ID', 'steps', ' '), maxLength: 20 })
  fc.assert(
    fc.property(nasty, nasty, (before, put) => {
      const escaped = before.replaceAll('$', '')
      const done = substitute(`${escaped}$(params.x)!`, (reference) => (reference.from === 'params' ? { value: put } : { missing: '' }))
      assert.deepEqual(done, { value: `${escaped}${put}!` })
      assert.deepEqual(
        substitute(escaped, () => ({ missing: '' })),
        { value: escaped },
      )
    }),
    { numRuns: 1000 },
  )
})
