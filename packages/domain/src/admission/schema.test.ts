import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, group } from '@mnemos/api'
import { noPolicies } from '../policies/policy-world.ts'
import { appliedSchemaOf, withSchemas } from '../schemas/applied.ts'
import { builtInSchemas } from '../schemas/built-in.ts'
import { emptyCatalog } from './catalog.ts'
import { review } from './review.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest } from './verdict.ts'

const digest = `sha256:${'a'.repeat(64)}`

function knowing(...schemas: readonly object[]): ReviewContext {
  const applied = schemas
    .map((schema) => appliedSchemaOf(schema as ReviewedObject & { metadata: { name: string } }))
    .filter((each) => each !== undefined)
  return { trustedUsers: new Set(), catalog: withSchemas(emptyCatalog, applied), policies: noPolicies }
}

function aSchema(spec: object, more: object = {}): ReviewedObject & { metadata: { name: string } } {
  return { apiVersion, kind: 'Schema', metadata: { name: 'families', generation: 2 }, spec: { document: {}, ...spec }, ...more }
}

function aModel(spec: object): ReviewedObject {
  return {
    apiVersion,
    kind: 'Model',
    metadata: { name: 'm' },
    spec: { source: { uri: 'https://x/y', digest }, ...spec },
  }
}

const stamped = (object: ReviewedObject): ReviewedObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { 'mnemos.dev/requester': 'alice' } },
})

function judged(object: ReviewedObject, oldObject?: ReviewedObject, context: ReviewContext = knowing()): ReturnType<typeof review> {
  const request: ReviewRequest = {
    ...{ stage: 'validate', group, kind: object.kind, namespace: 'team-a', userName: 'alice', object: stamped(object) },
    oldObject: oldObject === undefined ? undefined : stamped(oldObject),
    operation: oldObject === undefined ? 'CREATE' : 'UPDATE',
  }
  return review(request, context)
}

const causes = (verdict: ReturnType<typeof review>): string[] => verdict.findings.map(({ field, message }) => `${field}: ${message}`)
const recorded = (document: object): object => ({
  status: {
    observedGeneration: 2,
    latest: 1,
    versions: [{ version: 1, acceptedAt: '2026-01-02T03:04:05Z', document: JSON.stringify(document) }],
  },
})
const families = { properties: { family: { enum: ['qwen2', 'llama'] } }, required: ['family'] }

test('a Schema whose document does not compile is refused, with the place in it', () => {
  const verdict = judged(aSchema({ document: { properties: { a: { $ref: '#/$defs/b' }, c: { pattern: '(a)\\1' } } } }))
  assert.deepEqual(causes(verdict), [
    'spec.document.properties.c.pattern: the pattern refers back to a group, which cannot be matched in linear time',
    'spec.document.properties.a.$ref: leads to nothing',
  ])
})

test('an incompatible change is refused with the place, the difference and a document that shows it', () => {
  const verdict = judged(
    aSchema({ document: { ...families, properties: { family: { enum: ['qwen2'] } } } }),
    aSchema({ document: families }, recorded(families)),
  )
  assert.deepEqual(causes(verdict), [
    'spec.document.properties.family: is not BACKWARD compatible with version 1: /family must be one of "qwen2" in the newer version, which the older one does not ask: {"family":"llama"}',
  ])
})

test('the same change is admitted where nothing is promised, and a compatible one everywhere', () => {
  const older = aSchema({ document: families }, recorded(families))
  assert.equal(judged(aSchema({ document: { properties: { family: { enum: ['qwen2'] } } }, compatibility: 'NONE' }), older).allowed, true)
  assert.equal(
    judged(aSchema({ document: { ...families, properties: { family: { enum: ['qwen2', 'llama', 'gpt'] } } } }), older).allowed,
    true,
  )
})

test('what cannot be decided is refused and says so', () => {
  const older = { pattern: '^a{2}$', type: 'string' }
  const verdict = judged(aSchema({ document: { pattern: '^aa$', type: 'string' } }), aSchema({ document: older }, recorded(older)))
  assert.match(
    causes(verdict).join(),
    /may not be BACKWARD compatible with version 1: "pattern" could neither be proved to hold nor be disproved.*what is not decided is refused/,
  )
})

test('a version that nobody recorded is not overwritten', () => {
  const verdict = judged(aSchema({ document: { type: 'object' } }), aSchema({ document: families }, { status: { observedGeneration: 1 } }))
  assert.match(causes(verdict).join(), /the operator has not recorded the version before this one/)
})

test('rolling back names a version that is there', () => {
  const older = aSchema({ document: families }, recorded(families))
  assert.equal(judged(aSchema({ document: families, version: 1 }), older).allowed, true)
  assert.deepEqual(causes(judged(aSchema({ document: families, version: 2 }), older)), ['spec.version: there is no version 2'])
})

test('a kind that does not exist is a warning, and so is a keyword', () => {
  const { warnings } = judged(
    aSchema({ document: { propertees: {}, properties: { a: { const: null } } }, appliesTo: [{ kind: 'Modell' }] }),
  )
  assert.deepEqual(warnings, [
    'spec.appliesTo[0]: no kind Modell; did you mean Model?',
    'spec.document.properties.a has a null that a patch would remove; write enum: [null] or type: "null"',
    'spec.document.propertees is no keyword of JSON Schema 2020-12 and has no effect; did you mean "properties"?',
  ])
})

test('an object that does not fit an enforced Schema is refused with all mistakes and what was meant', () => {
  const context = knowing(aSchema({ document: { ...families, required: ['family', 'version'] }, appliesTo: [{ kind: 'Model' }] }))
  const verdict = judged(aModel({ family: 'lama' }), undefined, context)
  assert.equal(verdict.allowed, false)
  assert.deepEqual(
    verdict.status?.details.causes.map(({ field, message }) => `${field}: ${message}`),
    [
      'spec.version: is required (Schema families)',
      'spec.family: must be one of "qwen2", "llama" (Schema families); did you mean "llama"?',
    ],
  )
  assert.equal(judged(aModel({ family: 'llama', version: '7b-x' }), undefined, context).allowed, true)
})

test('a Schema that warns, warns; one that is off says nothing; one for other families neither', () => {
  const to = (mode: string, target: object = {}): ReviewContext =>
    knowing(aSchema({ document: families, mode, appliesTo: [{ kind: 'Model', ...target }] }))
  const model = aModel({ family: 'gpt' })
  const warned = judged(model, undefined, to('Warn'))
  assert.deepEqual([warned.allowed, warned.warnings], [true, ['spec.family must be one of "qwen2", "llama" (Schema families)']])
  assert.deepEqual(judged(model, undefined, to('Off')).warnings, [])
  assert.equal(judged(model, undefined, to('Enforce', { families: ['qwen2'] })).allowed, true)
  assert.equal(judged(model, undefined, to('Enforce', { families: ['gpt'] })).allowed, false)
})

test('a change is refused only for what it makes wrong', () => {
  const context = knowing(
    aSchema({
      document: { ...families, properties: { ...families.properties, version: { pattern: '^[0-9]' } } },
      appliesTo: [{ kind: 'Model' }],
    }),
  )
  assert.equal(judged(aModel({ family: 'gpt', version: '7b' }), aModel({ family: 'gpt' }), context).allowed, true)
  assert.deepEqual(causes(judged(aModel({ family: 'gpt', version: 'b' }), aModel({ family: 'gpt' }), context)), [
    'spec.version: must match ^[0-9] (Schema families)',
  ])
})

test('the version in force judges, not the document of the spec', () => {
  const strict = { required: ['version'] }
  const schema = aSchema(
    { document: {}, appliesTo: [{ kind: 'Model' }] },
    { status: { inForce: 1, versions: [{ version: 1, acceptedAt: '2026-01-02T03:04:05Z', document: JSON.stringify(strict) }] } },
  )
  assert.equal(judged(aModel({}), undefined, knowing(schema)).allowed, false)
})

test('while the Schemas are not known nothing is admitted but Schemas', () => {
  const context: ReviewContext = { trustedUsers: new Set(), catalog: { ...emptyCatalog, schemas: () => undefined }, policies: noPolicies }
  assert.match(causes(judged(aModel({}), undefined, context)).join(), /have not been read yet/)
  assert.equal(judged(aSchema({ document: families }), undefined, context).allowed, true)
})

test('an enforced Schema that does not compile is no open door', () => {
  const context = knowing(aSchema({ document: { $ref: '#' }, appliesTo: [{ kind: 'Model' }] }))
  assert.match(causes(judged(aModel({}), undefined, context)).join(), /does not compile/)
})

test('the built-in Schemas are admitted, and the strict Model asks for what it always asked', () => {
  for (const schema of builtInSchemas()) assert.deepEqual(causes(judged(schema)), [], schema.metadata.name)
  const [strict] = builtInSchemas()
  const context = knowing({ ...strict, spec: { ...strict?.spec, mode: 'Enforce' } })
  assert.deepEqual(
    causes(judged(aModel({ family: 'qwen3', runtime: {} }), undefined, context)).map((cause) => cause.split(':')[0]),
    ['spec.version', 'spec.family', 'spec.runtime.engine'],
  )
  const good = { family: 'mistral', version: '7b-instruct', runtime: { engine: 'llama-cpp', parameters: { contextSize: '8192' } } }
  assert.equal(judged(aModel(good), undefined, context).allowed, true)
  const long = { ...good, runtime: { engine: 'llama-cpp', parameters: { contextSize: '131072' } } }
  assert.match(causes(judged(aModel(long), undefined, context)).join(), /contextSize/)
})
