import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPolicies } from '../policies/policy-world.ts'
import { type Catalog, emptyCatalog } from './catalog.ts'
import { knownPipelineOf } from './known-pipeline.ts'
import { requesterAnnotation } from './requester.ts'
import { review } from './review.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './verdict.ts'

const called = (name: string): ReturnType<typeof knownPipelineOf> =>
  knownPipelineOf({ metadata: {}, spec: { steps: [{ name: 'call', pipeline: { name } }] } })
const catalog: Catalog = {
  ...emptyCatalog,
  models: () => ['smollm'],
  queues: () => ['research'],
  pipelines: () => ['summaries', 'there', 'back'],
  pipeline: (_, name) => (name === 'there' ? called('back') : name === 'back' ? called('me') : undefined),
}
const context: ReviewContext = { trustedUsers: new Set(), catalog, policies: noPolicies }
const ask = (prompt: string, more: object = {}): object => ({ inference: { modelRef: { name: 'smollm' }, prompt }, ...more })

function aPipeline(spec: unknown): ReviewedObject {
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'me', annotations: { [requesterAnnotation]: 'alice' } },
    spec,
  }
}

function reviewed(spec: unknown, oldSpec?: unknown): Verdict {
  const request: ReviewRequest = {
    ...{ stage: 'validate', group: 'mnemos.dev', kind: 'Pipeline', namespace: 'team-a', userName: 'alice', object: aPipeline(spec) },
    operation: oldSpec === undefined ? 'CREATE' : 'UPDATE',
    oldObject: oldSpec === undefined ? undefined : aPipeline(oldSpec),
  }
  return review(request, context)
}

const refused: Record<string, { readonly steps: readonly object[]; readonly want: RegExp }> = {
  'steps that wait for one another are shown as the way around': {
    steps: [
      { name: 'a', ...ask('$(steps.c.outputs.text)') },
      { name: 'b', dependsOn: ['a'], ...ask('x') },
      { name: 'c', dependsOn: ['b'], ...ask('x') },
    ],
    want: /spec\/steps\/0\/inference\/prompt: steps wait for one another: a → c → b → a; take one of these dependencies out/,
  },
  'a step that waits for itself': {
    steps: [{ name: 'a', dependsOn: ['a'], ...ask('x') }],
    want: /the step "a" cannot wait for itself/,
  },
  'a reference to nothing is told with what was meant': {
    steps: [
      { name: 'draft', ...ask('x') },
      { name: 'b', ...ask('$(steps.drfat.outputs.text)') },
    ],
    want: /there is no step "drfat"; did you mean "draft"\?/,
  },
  'a value of the wrong type': {
    steps: [{ name: 'a', ...ask('x', { forEach: { items: '$(run.id)' } }) }],
    want: /spec\/steps\/0\/forEach\/items: is no list/,
  },
  'a step that is never reached': {
    steps: [{ name: 'a', when: '1 > 2', ...ask('x') }],
    want: /is never true, so that the step is never reached/,
  },
  'five thousand steps are one mistake': {
    steps: Array.from({ length: 5000 }, (_, index) => ({ name: `s${index}`, ...ask('x') })),
    want: /has one mistake:\n- \/spec\/steps: has 5000 steps and may have 1024; use forEach/,
  },
}
for (const [sentence, { steps, want }] of Object.entries(refused)) {
  test(`a Pipeline is refused: ${sentence}`, () => {
    const { allowed, status } = reviewed({ steps })
    assert.equal(allowed, false)
    assert.match(status?.message ?? '', want)
  })
}

const warned: Record<string, { readonly steps: readonly object[]; readonly want: readonly string[] }> = {
  'a Model that there is not, once for all steps that name it': {
    steps: [
      { name: 'a', inference: { modelRef: { name: 'smolm' }, prompt: 'x' } },
      { name: 'b', inference: { modelRef: { name: 'smolm' }, prompt: 'x' } },
    ],
    want: ['step `a`: no Model `smolm`; did you mean `smollm`?'],
  },
  'a Queue that there is not': {
    steps: [{ name: 'a', ...ask('x', { queue: 'reserach' }) }],
    want: ['step `a`: no Queue `reserach` that takes Jobs of namespace `team-a`; did you mean `research`?'],
  },
  'a Pipeline that there is not': {
    steps: [{ name: 'a', pipeline: { name: 'sumaries' } }],
    want: ['step `a`: no Pipeline `sumaries`; did you mean `summaries`?'],
  },
  'a Pipeline that calls itself': {
    steps: [{ name: 'a', pipeline: { name: 'me' } }],
    want: ['step `a`: the Pipeline calls itself (me → me); only a `when` ends that, and at most 8 runs call one another'],
  },
  'a Pipeline that calls itself by way of others': {
    steps: [{ name: 'a', pipeline: { name: 'there' } }],
    want: ['step `a`: the Pipeline calls itself (me → there → back → me); only a `when` ends that, and at most 8 runs call one another'],
  },
  'nothing about names that a run decides': {
    steps: [{ name: 'a', inference: { modelRef: { name: '$(run.name)' }, prompt: 'x' } }],
    want: [],
  },
}
for (const [sentence, { steps, want }] of Object.entries(warned)) {
  test(`a Pipeline is admitted with a warning: ${sentence}`, () => {
    const { allowed, warnings, status } = reviewed({ steps })
    assert.deepEqual({ allowed, warnings }, { allowed: true, warnings: want }, status?.message)
  })
}

test('an update is refused only for what it makes wrong', () => {
  const wrong = { name: 'a', ...ask('$(steps.none.outputs.text)') }
  assert.equal(reviewed({ steps: [wrong], concurrency: 3 }, { steps: [wrong] }).allowed, true)
  const { findings } = reviewed({ steps: [wrong, { name: 'b', ...ask('$(params.x)') }] }, { steps: [wrong] })
  assert.deepEqual(
    findings.map(({ field }) => field),
    ['spec.steps[1].inference.prompt'],
  )
})

test('the most that fits into a Pipeline is judged in time, whatever is wrong with it', () => {
  const wide = (of: (index: number) => object): readonly object[] =>
    Array.from({ length: 1024 }, (_, index) => ({ name: `step-${index}`, ...ask('x'), ...of(index) }))
  const large: readonly (readonly object[])[] = [
    wide((index) => (index === 0 ? {} : { dependsOn: [`step-${index - 1}`], when: `steps["step-${index - 1}"].phase == "Succeeded"` })),
    wide((index) => ask(`$(steps.stepp-${index}x.outputs.text)`)),
    wide(() => ({ dependsOn: Array.from({ length: 128 }, (_, index) => `none-${index}`) })),
    wide(() => ({ when: 'params.x == "a" || '.repeat(100).concat('true') })),
  ]
  for (const steps of large) {
    const before = process.cpuUsage()
    reviewed({ steps })
    const { user, system } = process.cpuUsage(before)
    // API servers wait three seconds; this takes a tenth of them, and minutes before what was looked for had bounds.
    assert.ok((user + system) / 1e6 < 2.5, `${(user + system) / 1e6} s for ${JSON.stringify(steps[1])}`)
  }
})
