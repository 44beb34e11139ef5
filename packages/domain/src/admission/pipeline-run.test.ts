import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPolicies } from '../policies/policy-world.ts'
import { applyPatch } from './apply-patch.ts'
import { type Catalog, emptyCatalog } from './catalog.ts'
import { knownPipelineOf } from './known-pipeline.ts'
import { requesterAnnotation } from './requester.ts'
import { review } from './review.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './verdict.ts'

const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const now = Date.parse('2026-11-30T10:00:00Z')
const at = '2026-11-30T10:00:00Z'
const spec = {
  parameters: [{ name: 'count', type: 'integer', minimum: 1, default: 1 }, { name: 'topic' }],
  steps: [
    { name: 'draft', inference: { modelRef: { name: 'm' }, prompt: '$(params.topic)' }, breaker: {} },
    { name: 'pack', container: { image: 'x' } },
    { name: 'anybody', approval: {} },
    { name: 'lead', approval: { users: ['bob'], groups: ['leads'], byOther: true } },
  ],
}
const catalogAt = (generation: number): Catalog => ({
  ...emptyCatalog,
  pipelines: () => ['summaries'],
  pipeline: (namespace, name) =>
    namespace === 'team-a' && name === 'summaries' ? knownPipelineOf({ metadata: { generation }, spec }) : undefined,
})
const contextAt = (generation: number): ReviewContext => ({
  trustedUsers: new Set([operator]),
  catalog: catalogAt(generation),
  policies: { ...noPolicies, now: () => now },
})

function aRun(more: object, status?: unknown, requester = 'alice'): ReviewedObject {
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'PipelineRun',
    metadata: { name: 'run', annotations: { [requesterAnnotation]: requester } },
    spec: { pipelineRef: { name: 'summaries' }, ...more },
    status,
  }
}

interface By {
  readonly userName?: string
  readonly groups?: readonly string[]
  readonly old?: ReviewedObject
  readonly generation?: number
}

function reviewed(
  stage: ReviewRequest['stage'],
  object: ReviewedObject,
  { userName = 'alice', groups = [], old, generation = 1 }: By = {},
): Verdict {
  return review(
    {
      ...{ stage, group: 'mnemos.dev', kind: 'PipelineRun', namespace: 'team-a', userName, object },
      groups: ['system:authenticated', ...groups],
      operation: old === undefined ? 'CREATE' : 'UPDATE',
      oldObject: old,
    },
    contextAt(generation),
  )
}

/** As it is stored, or why it is not. */
function admitted(object: ReviewedObject, by: By = {}): unknown {
  const { allowed, status, patch = [] } = reviewed('mutate', object, by)
  if (!allowed) return status?.message
  const stamped = applyPatch(object, patch)
  const second = reviewed('validate', stamped, by)
  return second.allowed ? (stamped.spec as { approvals?: unknown }).approvals : second.status?.message
}

const topic = { parameters: { topic: 'sea' } }
const told: Record<string, { readonly more: object; readonly by?: By; readonly want: readonly RegExp[] }> = {
  'a parameter that is missing, one of another type, and one that there is not': {
    more: { parameters: { count: 'three', topics: 'x' } },
    want: [
      /spec\/parameters\/topics: the pipeline has no such parameter; did you mean "topic"\?/,
      /spec\/parameters\/count: is a string and must be an integer/,
      /spec\/parameters\/topic: is required/,
    ],
  },
  'a step that is overridden and is not there': {
    more: { ...topic, overrides: [{ step: 'drafts', modelRef: { name: 'x' } }] },
    want: [/spec\/overrides\/0\/step: there is no step "drafts" in the Pipeline; did you mean "draft"\?/],
  },
  'an image for a step without a container, and a Model for one without an inference': {
    more: {
      ...topic,
      overrides: [
        { step: 'draft', image: 'x' },
        { step: 'pack', modelRef: { name: 'x' } },
      ],
    },
    want: [
      /spec\/overrides\/0\/image: says nothing of the step "draft", which has no container/,
      /spec\/overrides\/1\/modelRef: says nothing of the step "pack", which has no inference/,
    ],
  },
  'a step that is to be done again and is not there': {
    more: { ...topic, retryFrom: { run: 'before', steps: ['drafts'] } },
    want: [/spec\/retryFrom\/steps\/0: there is no step "drafts" in the Pipeline; did you mean "draft"\?/],
  },
  'a run that retries itself': { more: { ...topic, retryFrom: { run: 'run' } }, want: [/spec\/retryFrom\/run: is the run itself/] },
  'a decision about a step that is not there': {
    more: { ...topic, approvals: [{ step: 'leed' }] },
    want: [/spec\/approvals\/0\/step: there is no step "leed" in the Pipeline; did you mean "lead"\?/],
  },
  'a decision about a step that waits for nobody': {
    more: { ...topic, approvals: [{ step: 'pack' }] },
    want: [/spec\/approvals\/0\/step: the step "pack" waits for nobody's decision; decide about draft, anybody, lead/],
  },
  'a decision of whoever asked for the run': {
    more: { ...topic, approvals: [{ step: 'lead' }] },
    by: { groups: ['leads'] },
    want: [
      /about step "lead": alice asked for the run and cannot decide; it waits for the decision of bob, group leads, not whoever asked/,
    ],
  },
}
for (const [sentence, { more, by, want }] of Object.entries(told)) {
  test(`a run is refused: ${sentence}`, () => {
    const message = admitted(aRun(more), by)
    for (const line of want) assert.match(String(message), line)
    assert.equal(String(message).split('\n- ').length - 1, want.length, String(message))
  })
}

test('a run of a Pipeline that there is not is admitted with the nearest name', () => {
  const { allowed, warnings } = reviewed('validate', aRun({ pipelineRef: { name: 'sumaries' }, parameters: { any: 1 } }))
  assert.deepEqual({ allowed, warnings }, { allowed: true, warnings: ['no Pipeline `sumaries`; did you mean `summaries`?'] })
})

test('a run of an earlier revision is not held to the present one, but told what differs', () => {
  const { allowed, warnings } = reviewed('validate', aRun({ parameters: { topics: 'x' }, revision: 1 }), { generation: 2 })
  assert.equal(allowed, true)
  assert.match(
    warnings.join('\n'),
    /spec\.parameters\.topics the pipeline has no such parameter, as the Pipeline is now; the run uses an earlier revision/,
  )
  assert.equal(reviewed('validate', aRun({ parameters: { topics: 'x' }, revision: 2 }), { generation: 2 }).allowed, false)
})

test('who decides is written down, whatever the manifest says', () => {
  const forged = { step: 'anybody', by: 'mallory', groups: ['leads'], at: '2020-01-01T00:00:00Z' }
  assert.deepEqual(admitted(aRun({ ...topic, approvals: [forged] }), { groups: ['devs'] }), [
    { step: 'anybody', by: 'alice', groups: ['devs'], at },
  ])
})

const decided = { step: 'anybody', decision: 'Approved', by: 'carol', groups: [], at: '2026-11-30T09:00:00Z' }
const stored = aRun({ ...topic, approvals: [decided] }, { revision: 1 })

test('what was decided stays as it is, and only what is new is named after whoever adds it', () => {
  assert.deepEqual(admitted(aRun({ ...topic, approvals: [decided, { step: 'lead' }] }), { userName: 'bob', old: stored }), [
    decided,
    { step: 'lead', by: 'bob', groups: [], at },
  ])
})

test('a manifest without names is applied again, and one with another name changes nothing', () => {
  for (const again of [{ step: 'anybody' }, { ...decided, by: 'mallory' }])
    assert.deepEqual(admitted(aRun({ ...topic, approvals: [again], suspend: true }), { old: stored }), [decided])
})

test('somebody who may not decide is told who may, and a member of the group may', () => {
  const more = { ...topic, approvals: [{ step: 'lead', decision: 'Rejected', comment: 'no' }] }
  const old = aRun(topic, { revision: 1 })
  assert.match(
    String(admitted(aRun(more), { userName: 'eve', groups: ['devs'], old })),
    /about step "lead": eve is not one of those who may decide; it waits for the decision of bob, group leads/,
  )
  assert.deepEqual(admitted(aRun(more), { userName: 'dora', groups: ['leads'], old }), [
    { step: 'lead', decision: 'Rejected', comment: 'no', by: 'dora', groups: ['leads'], at },
  ])
})

test('a step with a breaker can be let through', () => {
  assert.deepEqual(admitted(aRun({ ...topic, approvals: [{ step: 'draft' }] })), [{ step: 'draft', by: 'alice', groups: [], at }])
})

test('a decision that another webhook changed is refused', () => {
  for (const change of [{ by: 'mallory' }, { groups: ['leads'] }, { at: '2026-11-30T09:00:00Z' }, { by: undefined }]) {
    const run = aRun({ ...topic, approvals: [{ step: 'anybody', by: 'alice', groups: [], at, ...change }] })
    assert.match(reviewed('validate', run).status?.message ?? '', /another admission webhook changed them/)
  }
})

test('only our own processes name somebody else, and whoever they name is held to the same', () => {
  const entry = { step: 'lead', by: 'bob', groups: [], at }
  assert.deepEqual(admitted(aRun({ ...topic, approvals: [entry] }), { userName: operator }), [entry])
  assert.match(
    String(admitted(aRun({ ...topic, approvals: [{ ...entry, by: 'eve' }] }), { userName: operator })),
    /eve is not one of those/,
  )
})

test('a run can be cancelled, whatever became of its Pipeline', () => {
  const old = aRun({ parameters: { gone: 1 }, approvals: [{ step: 'gone', by: 'x', groups: [], at }] }, { revision: 1 })
  assert.equal(reviewed('validate', { ...old, spec: { ...(old.spec as object), cancel: true } }, { old, generation: 7 }).allowed, true)
})

test('of many groups as many are written down as fit', () => {
  const groups = Array.from({ length: 100 }, (_, index) => `g${index}`)
  const [entry] = admitted(aRun({ ...topic, approvals: [{ step: 'anybody' }] }), { groups }) as { groups: string[] }[]
  assert.deepEqual(entry?.groups, groups.slice(0, 64))
})
