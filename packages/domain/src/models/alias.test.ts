import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition, Model, ModelStatus, Reason } from '@mnemos/api'
import { aDigest, aModel, type ModelBuilder, testEpochMs } from '@mnemos/testkit'
import { aliasesThatLeadTo, followAlias } from './alias.ts'
import { decideModel, type ModelPlan, type ModelWorld } from './model.ts'

const now = testEpochMs + 60_000
const first = aDigest('first')
const second = aDigest('second')
const runtime = { engine: 'llama-cpp' as const, parameters: { contextSize: '2048' } }
const resolved = { family: 'llama', license: 'apache-2.0' }
const one = aModel('m-1').thatIsReady(first).thatIs({ resolved }).with({ runtime })
const two = aModel('m-2').thatIsReady(second)
const alias = (target: string, name = 'prod'): ModelBuilder => aModel(name).from(`model://${target}`)
const prod = alias('m-1')
/** As it stands once it has followed `m-1`. */
const followed = prod.thatIs({ phase: 'Ready', digest: first, artifact: 'models/sha256/x', sizeBytes: 1024, target: 'm-1', runtime })
const told = (type: Condition['type'], status: Condition['status'], reason: Reason, message = 'Why.'): Condition => ({
  ...{ type, status, reason, message },
  ...{ observedGeneration: 1, lastTransitionTime: new Date(now).toISOString() },
})
const unserved = { pool: undefined, poolAllowed: false, ownPool: undefined, warmUp: undefined, serverUrl: 'https://server' }

function world(of: ModelBuilder, others: readonly ModelBuilder[] = [], facts: Partial<ModelWorld> = {}): ModelWorld {
  const model = of.build()
  const models = others.map((each) => each.build())
  return {
    model,
    alias: followAlias(model, {
      modelNamed: (name) => [model, ...models].find(({ metadata }) => metadata.name === name),
      names: () => models.map(({ metadata }) => metadata.name),
    }),
    ...{ sourceJob: undefined, importJob: undefined, missedAt: undefined, cachedOn: [], loadedOn: [] },
    ...{ serving: unserved, violation: undefined, dueInMs: 0, ...facts },
  }
}

interface Case {
  readonly world: ModelWorld
  readonly want: readonly [phase: ModelStatus['phase'], reason: Reason, stands: 'Ready' | 'Reconciling' | 'Stalled']
  readonly wantMessage?: RegExp
  readonly wantStatus?: Partial<ModelStatus>
  readonly wantEvents?: readonly string[]
}

const nothing = { digest: undefined, artifact: undefined, target: undefined }

const cases: Record<string, Case> = {
  'an alias has the bytes of its target, what was found in them, and how they are run': {
    world: world(prod, [one]),
    want: ['Ready', 'AliasResolved', 'Ready'],
    wantMessage: new RegExp(`Model prod is an alias of Model m-1, whose bytes are stored with digest ${first}`),
    wantStatus: { digest: first, artifact: `models/sha256/${first.slice(7)}`, sizeBytes: 1024, resolved, target: 'm-1', runtime },
  },
  'an alias that was moved follows at once, and says so': {
    world: world(followed.from('model://m-2'), [one, two]),
    want: ['Ready', 'AliasResolved', 'Ready'],
    wantStatus: { digest: second, target: 'm-2', runtime: { engine: 'llama-cpp' } },
    wantEvents: ['Normal AliasMoved'],
  },
  'an alias follows other bytes of the same target': {
    world: world(followed, [one.thatIsReady(second)]),
    want: ['Ready', 'AliasResolved', 'Ready'],
    wantStatus: { digest: second },
  },
  'an alias of an alias has the bytes at the end': {
    world: world(prod, [alias('m-2', 'm-1'), two]),
    want: ['Ready', 'AliasResolved', 'Ready'],
    wantMessage: /\(prod → m-1 → m-2\)/,
    wantStatus: { digest: second, target: 'm-2' },
  },
  'an alias that is made before its target waits for it, without an event': {
    world: world(prod),
    want: ['Pending', 'AliasTargetNotFound', 'Reconciling'],
    wantMessage: /there is no Model m-1 \(any more\); create it, or point spec\.source\.uri at another Model\.$/,
    wantStatus: nothing,
  },
  'a target that was mistyped is told with the nearest one': {
    world: world(alias('m-11'), [one]),
    want: ['Pending', 'AliasTargetNotFound', 'Reconciling'],
    wantMessage: /did you mean model:\/\/m-1\?$/,
  },
  'an alias whose target was deleted says so, and names no bytes any more': {
    world: world(followed),
    want: ['Pending', 'AliasTargetNotFound', 'Reconciling'],
    wantStatus: { ...nothing, runtime: undefined },
    wantEvents: ['Warning AliasTargetNotFound'],
  },
  'an alias waits for a target that is being imported': {
    world: world(prod, [aModel('m-1').thatIs({ conditions: [told('Ready', 'False', 'Importing', 'Job i imports file:///m-1.')] })]),
    want: ['Pending', 'AliasTargetNotReady', 'Reconciling'],
    wantMessage: /Model m-1 is not ready: Job i imports file:\/\/\/m-1\.$/,
  },
  'an alias of a target that nobody has looked at yet waits': {
    world: world(prod, [aModel('m-1')]),
    want: ['Pending', 'AliasTargetNotReady', 'Reconciling'],
    wantMessage: /it has not been looked at yet/,
  },
  'an alias of a target that failed has failed with its words': {
    world: world(prod, [
      aModel('m-1').thatIs({
        conditions: [told('Ready', 'False', 'ImportFailed', 'Nothing there.'), told('Stalled', 'True', 'ImportFailed')],
      }),
    ]),
    want: ['Failed', 'AliasTargetNotReady', 'Stalled'],
    wantMessage: /Nothing there\.$/,
    wantEvents: ['Warning AliasTargetNotReady'],
  },
  'an alias names no bytes of a target that policy forbids': {
    world: world(followed, [
      one.thatIs({ conditions: [told('Ready', 'False', 'PolicyViolation', 'Not allowed.'), told('Stalled', 'True', 'PolicyViolation')] }),
    ]),
    want: ['Failed', 'AliasTargetNotReady', 'Stalled'],
    wantStatus: nothing,
    wantEvents: ['Warning AliasTargetNotReady'],
  },
  'a target that is being brought up for serving has its bytes': {
    world: world(prod, [one.thatIs({ phase: 'Starting', conditions: [told('Ready', 'False', 'WarmingUp')] })]),
    want: ['Ready', 'AliasResolved', 'Ready'],
    wantStatus: { digest: first },
  },
  'an alias of itself is a cycle': {
    world: world(alias('prod')),
    want: ['Failed', 'AliasCycle', 'Stalled'],
    wantMessage: /prod → prod; point one of them at a Model that is no alias/,
    wantEvents: ['Warning AliasCycle'],
  },
  'a cycle is shown as a path': {
    world: world(prod, [alias('m-2', 'm-1'), alias('prod', 'm-2')]),
    want: ['Failed', 'AliasCycle', 'Stalled'],
    wantMessage: /prod → m-1 → m-2 → prod/,
    wantEvents: ['Warning AliasCycle'],
  },
  'an alias that leads into a cycle of others ends, too': {
    world: world(prod, [alias('m-2', 'm-1'), alias('m-1', 'm-2')]),
    want: ['Failed', 'AliasCycle', 'Stalled'],
    wantEvents: ['Warning AliasCycle'],
  },
  'four steps are followed': {
    world: world(alias('a'), [alias('b', 'a'), alias('c', 'b'), alias('m-1', 'c'), one]),
    want: ['Ready', 'AliasResolved', 'Ready'],
    wantStatus: { digest: first },
  },
  'five steps are too many': {
    world: world(alias('a'), [alias('b', 'a'), alias('c', 'b'), alias('d', 'c'), alias('m-1', 'd'), one]),
    want: ['Failed', 'AliasTooDeep', 'Stalled'],
    wantMessage: /more than 4 steps: prod → a → b → c → d → m-1; point it at the Model itself/,
    wantEvents: ['Warning AliasTooDeep'],
  },
  'a digest that the alias demands is the one of its target': {
    world: world(prod.from('model://m-1', second), [one]),
    want: ['Failed', 'DigestMismatch', 'Stalled'],
    wantMessage: new RegExp(`${first}.*${second}`),
    wantEvents: ['Warning DigestMismatch'],
  },
}

for (const [sentence, { world: of, want, wantMessage, wantStatus, wantEvents = [] }] of Object.entries(cases)) {
  test(sentence, () => {
    const plan = decideModel(of, now)
    const [phase, reason, stands] = want
    assert.deepEqual([plan.status?.phase, plan.conditions?.[0]?.reason], [phase, reason])
    assert.ok(
      plan.conditions?.some(({ type, status }) => type === stands && status === 'True'),
      JSON.stringify(plan.conditions),
    )
    if (wantMessage !== undefined) assert.match(plan.conditions?.[0]?.message ?? '', wantMessage)
    for (const [field, value] of Object.entries(wantStatus ?? {})) assert.deepEqual(plan.status?.[field as keyof ModelStatus], value, field)
    assert.deepEqual(
      plan.events.map(({ type, reason: why }) => `${type} ${why}`),
      wantEvents,
    )
    assert.deepEqual([plan.create ?? [], plan.remove, plan.apply], [[], [], []], 'an alias imports nothing')
    assert.deepEqual(decideModel({ ...of, model: written(of.model, plan) }, now).events, [], 'nothing is told twice')
  })
}

/** The Model once its plan was carried out. */
function written(model: Model, { status, conditions = [] }: ModelPlan): Model {
  const lastTransitionTime = new Date(now).toISOString()
  const facts = conditions.map((fact) => ({ ...fact, observedGeneration: 1, lastTransitionTime }))
  return { ...model, status: { phase: 'Pending', observedGeneration: 1, ...status, conditions: facts } }
}

test('an alias that a policy is against keeps its bytes verified and may not be used', () => {
  const { status, conditions } = decideModel(world(prod, [one], { violation: 'spec.license: not allowed' }), now)
  assert.deepEqual([status?.phase, status?.digest], ['Failed', first])
  assert.deepEqual(
    conditions?.map(({ type, reason }) => `${type} ${reason}`),
    ['Ready PolicyViolation', 'ArtifactVerified AliasResolved', 'Stalled PolicyViolation'],
  )
})

test('an alias that is served has a pool with the engine of its target', () => {
  const vllm = one.with({ runtime: { engine: 'vllm' } })
  const plan = decideModel(world(prod.with({ serving: { resources: { requests: { cpu: '1' } } } }), [vllm]), now)
  assert.deepEqual((plan.apply[0] as { spec?: { engines?: unknown } } | undefined)?.spec?.engines, ['vllm'])
})

test('an alias that gets a source of its own imports it, and keeps nothing of its target', () => {
  const plan = decideModel(world(followed.from('https://models.example/m.gguf'), [one]), now)
  assert.equal(plan.create?.length, 1)
  assert.deepEqual([plan.status?.phase, plan.status?.digest, plan.status?.target], ['Importing', undefined, undefined])
})

test('the aliases that lead to a Model are found at any distance, each once, cycles or not', () => {
  const named: Record<string, readonly string[]> = { m: ['a', 'b'], a: ['c'], c: ['d', 'a'], b: ['c'] }
  assert.deepEqual([...aliasesThatLeadTo('m', (name) => named[name] ?? [])].sort(), ['a', 'b', 'c', 'd'])
})
