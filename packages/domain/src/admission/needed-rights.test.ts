import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newlyNeededRights, rightUnknown, withoutRight } from './needed-rights.ts'
import { admitted } from './review.ts'
import type { ReviewedObject, ReviewRequest } from './verdict.ts'

const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const context = { trustedUsers: new Set([operator]) }
const model = (source: object): ReviewedObject => ({
  apiVersion: 'mnemos.dev/v1alpha1',
  kind: 'Model',
  metadata: { name: 'm' },
  spec: { source },
})
const pool = (...names: readonly string[]): ReviewedObject => ({
  ...model({}),
  kind: 'WorkerPool',
  spec: { podTemplate: { imagePullSecrets: names.map((name) => ({ name })) } },
})

const of = (kind: string, spec: object): ReviewedObject => ({ ...model({}), kind, spec })
const ask = { name: 'ask', inference: {} }
const ship = { name: 'ship', publish: {} }
const swap = { overrides: [{ step: 'ask', image: 'x' }] }

function asked(object: ReviewedObject, oldObject?: ReviewedObject, change: Partial<ReviewRequest> = {}): readonly string[] {
  return newlyNeededRights(requestOf(object, oldObject, change), context).map(
    ({ verb, resource, name, path }) => name ?? `${verb} ${resource} for ${path.join('.')}`,
  )
}

function requestOf(object: ReviewedObject, oldObject?: ReviewedObject, change: Partial<ReviewRequest> = {}): ReviewRequest {
  const common = { stage: 'validate', group: 'mnemos.dev', kind: object.kind, namespace: 'team-a', userName: 'mallory' } as const
  return { ...common, operation: oldObject === undefined ? 'CREATE' : 'UPDATE', object, oldObject, ...change }
}

const uri = 's3://models/m.gguf'
const secretRef = { name: 'keys' }
const cases: Readonly<Record<string, readonly [got: readonly string[], want: readonly string[]]>> = {
  'a new Model that names one': [asked(model({ uri, secretRef })), ['keys']],
  'a new Model that names none': [asked(model({ uri })), []],
  'one that is added': [asked(model({ uri, secretRef }), model({ uri })), ['keys']],
  'another one': [asked(model({ uri, secretRef: { name: 'others' } }), model({ uri, secretRef })), ['others']],
  'the same one for another address': [asked(model({ uri: 'https://evil.example/', secretRef }), model({ uri, secretRef })), ['keys']],
  'the same source': [asked(model({ uri, secretRef }), model({ secretRef, uri })), []],
  'one that is removed': [asked(model({ uri }), model({ uri, secretRef })), []],
  'new ones for pulling an image': [asked(pool('a', 'b', 'c'), pool('b')), ['a', 'c']],
  'one for pulling images of a new pool': [asked(pool('a')), ['a']],
  'a Pipeline, for what its steps do': [
    asked(
      of('Pipeline', { steps: [{ name: 'g', gate: {} }, ask, { name: 'b', container: {} }, ship], finally: [{ name: 'c', pipeline: {} }] }),
    ),
    [
      ...['create mnemosjobs for spec.steps.1.inference', 'create mnemospipelineruns for spec.finally.0.pipeline'],
      ...['create mnemosmodels for spec.steps.3.publish', 'patch mnemosmodels for spec.steps.3.publish'],
    ],
  ],
  'a Pipeline that stays as it was': [asked(of('Pipeline', { steps: [ship] }), of('Pipeline', { steps: [ship] })), []],
  'a Pipeline that decides alone': [asked(of('Pipeline', { steps: [{ name: 'g', gate: {} }] })), []],
  'a run of what its author wrote': [asked(of('PipelineRun', { pipelineRef: { name: 'p' } })), []],
  'a run that puts another image there': [asked(of('PipelineRun', swap)), ['create mnemosjobs for spec.overrides']],
  'a run that is approved': [asked(of('PipelineRun', { ...swap, approvals: [{}] }), of('PipelineRun', swap)), []],
  'our own process': [asked(model({ uri, secretRef }), undefined, { userName: operator }), []],
  'the stage that comes before other webhooks': [asked(model({ uri, secretRef }), undefined, { stage: 'mutate' }), []],
  'an object that is going': [asked({ ...model({ uri, secretRef }), metadata: { deletionTimestamp: 'now' } }, model({ uri })), []],
  'a shape that the schema refuses': [asked({ ...pool(), spec: { podTemplate: { imagePullSecrets: [null, 7, {}] } } }), []],
}

for (const [name, [got, want]] of Object.entries(cases)) test(`who is asked about: ${name}`, () => assert.deepEqual(got, want))

test('the refusal names object, field, Secret and what to do', () => {
  const request = requestOf(pool('a', 'b'))
  const verdict = withoutRight(request, admitted, newlyNeededRights(request, context))
  assert.equal(verdict.allowed, false)
  assert.equal(
    verdict.status?.message,
    [
      'WorkerPool "m" names Secrets that you may not read:',
      ...[0, 1].map(
        (index) =>
          `- /spec/podTemplate/imagePullSecrets/${index}/name: you may not get Secret "${'ab'.charAt(index)}" of namespace team-a, so nothing may use it for you; have somebody who may get it make this change, or ask for the right to get it`,
      ),
    ].join('\n'),
  )
  assert.deepEqual(
    verdict.findings.map(({ field, code }) => [field, code]),
    [0, 1].map((index) => [`spec.podTemplate.imagePullSecrets[${index}].name`, 'forbidden']),
  )
})

test('the refusal of what the user may not do names the right', () => {
  const request = requestOf(of('Pipeline', { steps: [ship] }))
  const { status } = withoutRight(request, admitted, newlyNeededRights(request, context).slice(1))
  assert.equal(
    status?.message,
    'Pipeline "m" does what you may not do yourself:\n- /spec/steps/0/publish: you may not patch mnemosmodels in namespace team-a, so nothing may do it for you; have somebody who may make this change, or ask for that right',
  )
})

test('when nobody says what the user may do, that is no judgement and no permission', () => {
  const { allowed, status } = rightUnknown(requestOf(model({ uri, secretRef })), admitted)
  assert.deepEqual([allowed, status?.code, status?.reason], [false, 503, 'ServiceUnavailable'])
})
