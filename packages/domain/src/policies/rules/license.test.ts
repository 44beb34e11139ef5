import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, aModel, clusterPolicy, said, violations } from '../policies.test-kit.ts'

const open = { allow: ['Apache-2.0', 'MIT', 'GPL-2.0-only WITH Classpath-exception-2.0', 'LicenseRef-acme'] }

interface Case {
  readonly rule: Record<string, unknown>
  readonly license?: string
  /** Part of what is said; absent: nothing is. */
  readonly want?: RegExp
}

const cases: Record<string, Case> = {
  'a licence on the list passes': { rule: open, license: 'Apache-2.0' },
  'identifiers are the same in any case': { rule: open, license: 'apache-2.0' },
  'operators may be all lower case': { rule: open, license: 'mit or GPL-3.0-only' },
  'an operator in mixed case makes no expression': { rule: open, license: 'MIT Or Apache-2.0', want: /no SPDX expression/ },
  'one allowed way of an OR is enough': { rule: open, license: 'GPL-3.0-only OR MIT' },
  'all parts of an AND must be allowed': { rule: open, license: 'MIT AND GPL-3.0-only', want: /GPL-3\.0-only is not allowed/ },
  'AND binds tighter than OR': { rule: open, license: 'MIT OR GPL-3.0-only AND Apache-2.0' },
  'parentheses are respected': { rule: open, license: '(MIT OR Apache-2.0) AND GPL-3.0-only', want: /GPL-3\.0-only/ },
  'an exception that the list names passes': { rule: open, license: 'GPL-2.0-only WITH Classpath-exception-2.0' },
  'another exception does not': { rule: open, license: 'GPL-2.0-only WITH GCC-exception-2.0', want: /not allowed/ },
  'nor the licence without the exception': { rule: open, license: 'GPL-2.0-only', want: /not allowed/ },
  'an exception only grants more': { rule: open, license: 'Apache-2.0 WITH LLVM-exception' },
  'a reference is the same in any case': { rule: open, license: 'licenseref-ACME' },
  'another reference is not allowed': { rule: open, license: 'LicenseRef-other', want: /LicenseRef-other is not allowed/ },
  'the name that a hub uses is understood': { rule: { denyClasses: ['NonCommercial'] }, license: 'cc-by-nc-4.0', want: /NonCommercial/ },
  'a licence of a model family has a class': { rule: { denyClasses: ['UseRestricted'] }, license: 'llama3.1', want: /UseRestricted/ },
  'a denied licence may be avoided by an OR': { rule: { deny: ['GPL-3.0-only'] }, license: 'GPL-3.0-only OR MIT' },
  'but not by an AND': { rule: { deny: ['GPL-3.0-only'] }, license: 'GPL-3.0-only AND MIT', want: /is denied/ },
  'or later is the licence, too': { rule: { deny: ['GPL-3.0-only'] }, license: 'GPL-3.0-or-later', want: /is denied/ },
  'a plus means or later': { rule: { allow: ['GPL-2.0-only'] }, license: 'GPL-2.0+' },
  'deny goes before allow': { rule: { allow: ['MIT'], deny: ['MIT'] }, license: 'MIT', want: /is denied/ },
  'a denied class catches every licence of it': { rule: { denyClasses: ['Copyleft'] }, license: 'AGPL-3.0-or-later', want: /Copyleft/ },
  'no derivatives and share alike are two things': { rule: { denyClasses: ['NoDerivatives'] }, license: 'CC-BY-SA-4.0' },
  'a licence of no known class is refused': { rule: { denyClasses: ['Copyleft'] }, license: 'LicenseRef-x', want: /no known class/ },
  'unless unknown ones are allowed': { rule: { denyClasses: ['Copyleft'], unknown: 'Allow' }, license: 'LicenseRef-x' },
  'a text that is no expression is refused': { rule: open, license: 'do what you like', want: /no SPDX expression/ },
  'unless unknown ones are allowed, too': { rule: { ...open, unknown: 'Allow' }, license: 'do what you like' },
  'a licence that is still to be detected waits': { rule: open },
}

for (const [name, { rule, license, want }] of Object.entries(cases)) {
  test(`licence: ${name}`, () => {
    const found = said(violations(clusterPolicy({ license: rule }), aModel(license === undefined ? {} : { license })))
    if (want === undefined) assert.deepEqual(found, [])
    else assert.match(found.join('\n'), want)
  })
}

test('licence: a Job is judged by the licence of its Model, and says so', () => {
  const found = violations(clusterPolicy({ license: open }), aJob({}, { model: { license: 'CC-BY-NC-4.0' } }))
  assert.deepEqual(said(found), ['spec.inference.modelRef: the licence of the Model does not do: CC-BY-NC-4.0 is not allowed'])
})

test('licence: none in the bytes is an unknown one', () => {
  const found = violations(clusterPolicy({ license: open }), aJob({}, { model: { isImported: true } }))
  assert.match(said(found).join(), /is not known, and none was found/)
})

test('licence: what was found in other bytes says nothing of a new source', () => {
  const model = { uri: 's3://models/old.gguf', license: 'CC-BY-NC-4.0', isImported: true }
  assert.deepEqual(violations(clusterPolicy({ license: open }), aModel({}, { model })), [])
  assert.equal(violations(clusterPolicy({ license: open }), aModel({}, { model: { ...model, uri: 's3://models/smollm.gguf' } })).length, 1)
})

test('licence: an entry that is no single licence does not compile', () => {
  const { problems } = clusterPolicy({ license: { allow: ['MIT', 'MIT OR X', 'Apache 2'] } })
  assert.deepEqual(
    problems.map(({ field }) => field),
    ['spec.rules[0].license.allow[1]', 'spec.rules[0].license.allow[2]'],
  )
})
