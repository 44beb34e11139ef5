/**
 * Pipelines and their runs before the real webhook, with a real operator behind it: what is refused, who is written down as having decided,
 * and that no policy is passed by on the way through a pipeline.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiVersion, type Job, type PipelineRun, pipelineRunResource } from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, type Given, jobs, models, ScriptedWorker, startBench } from './operator.fixture.ts'
import { kubectl, type Printed, startWebhook } from './webhook.fixture.ts'

const runs = resource<PipelineRun>(pipelineRunResource)
const bench = await startBench()
const { client, cluster } = bench
// The operator of a bench is the admin; people are impersonated.
const webhook = await startWebhook(cluster, { trustedUsers: ['admin'] })
after(() => webhook.stop())
const operator = await bench.startOperator()
for (const model of ['m', 'costly']) await createModel(client, model)

/** Answers every prompt with the prompt, and holds where it says so. */
const worker = new ScriptedWorker('echo')
const held = new Map<string, Given>()
const asked: string[] = []
const importing = worker.onAssign
worker.onAssign = (given) => {
  const { work, ref } = given
  if (work.type !== 'inference') {
    importing(given)
    return
  }
  const prompt = work.prompt ?? ''
  asked.push(prompt)
  if (prompt.includes('HOLD')) held.set(prompt, given)
  else worker.succeed(ref, JSON.stringify({ text: `<${prompt}>`, finishReason: 'stop' }))
}
await worker.connect(operator.dispatch, { slots: 16 })
for (const name of ['m', 'costly'])
  await eventually(async () => (await client.get(models, { namespace: 'default', name }))?.status?.phase === 'Ready')

const ask = (prompt: string, more: object = {}): object => ({ inference: { modelRef: { name: 'm' }, prompt }, ...more })
const as = (user: string, ...groups: readonly string[]): readonly string[] => [
  `--as=${user}`,
  ...['system:masters', ...groups].map((group) => `--as-group=${group}`),
]
const alice = as('alice', 'devs')
const withName = (kind: string, name: string, spec: object): object => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'default' },
  spec,
})
const applied = (object: object, who: readonly string[] = alice): Promise<Printed> =>
  kubectl(cluster, ['apply', ...who, '-f', '-'], JSON.stringify(object))

async function pipeline(name: string, steps: readonly object[], more: object = {}): Promise<void> {
  const { code, stderr } = await applied(withName('Pipeline', name, { steps, ...more }))
  assert.equal(code, 0, stderr)
}

async function run(name: string, of: string, spec: object = {}): Promise<void> {
  const { code, stderr } = await applied(withName('PipelineRun', name, { pipelineRef: { name: of }, ...spec }))
  assert.equal(code, 0, stderr)
}

/** Policies and Pipelines are known to the webhook some milliseconds after they were stored. */
async function refusedInTheEnd(object: object, why: RegExp): Promise<void> {
  await eventually(
    async () => {
      const dry = await kubectl(cluster, ['apply', ...alice, '--dry-run=server', '-f', '-'], JSON.stringify(object))
      assert.match(dry.stderr, why)
      return true
    },
    { message: `refused: ${String(why)}` },
  )
}

async function until(name: string, phase: string): Promise<PipelineRun> {
  return eventually(
    async () => {
      const found = await client.get(runs, { namespace: 'default', name })
      assert.equal(found?.status?.phase, phase, JSON.stringify(found?.status))
      return found
    },
    { timeoutMs: 20_000, message: `run ${name} is ${phase}` },
  )
}

const messageOf = ({ status }: PipelineRun): string => status?.conditions[0]?.message ?? ''
const stepsOf = ({ status }: PipelineRun): unknown => Object.fromEntries((status?.steps ?? []).map((step) => [step.name, step.phase]))
async function jobsOf(name: string): Promise<readonly Job[]> {
  return (await client.list(jobs, { namespace: 'default', labelSelector: `mnemos.dev/pipeline-run=${name}` })).items
}

test('everything that is wrong with a Pipeline is told at once, by field, and what may come later is only warned about', async () => {
  const wrong = await applied(
    withName('Pipeline', 'wrong', {
      parameters: [{ name: 'count', type: 'integer', default: 'three' }],
      steps: [
        { name: 'draft', ...ask('$(params.cuont)') },
        { name: 'never', when: 'false', ...ask('x') },
        { name: 'last', dependsOn: ['drfat'], ...ask('$(steps.draft.outputs.txt)') },
      ],
    }),
  )
  for (const line of [
    /The Pipeline "wrong" is invalid:/,
    /\* spec\.parameters\[0\]\.default: is a string and must be an integer/,
    /\* spec\.steps\[0\]\.inference\.prompt: \$\(params\.cuont\) names no parameter of the pipeline; did you mean "count"\?/,
    /\* spec\.steps\[1\]\.when: is never true/,
    /\* spec\.steps\[2\]\.inference\.prompt: \$\(steps\.draft\.outputs\.txt\) names no output of step "draft"; did you mean "text"\?/,
    /\* spec\.steps\[2\]\.dependsOn\[0\]: there is no step "drfat"; did you mean "draft"\?/,
  ])
    assert.match(wrong.stderr, line)
  const round = await applied(
    withName('Pipeline', 'round', {
      steps: [
        { name: 'a', dependsOn: ['b'], ...ask('x') },
        { name: 'b', ...ask('$(steps.a.outputs.text)') },
      ],
    }),
  )
  assert.match(round.stderr, /steps wait for one another: a → b → a; take one of these dependencies out/)
  const early = await applied(
    withName('Pipeline', 'early', {
      steps: [
        { name: 'a', inference: { modelRef: { name: 'costlyy' }, prompt: 'x' } },
        { name: 'b', pipeline: { name: 'later' } },
      ],
    }),
  )
  assert.equal(early.code, 0, early.stderr)
  assert.match(early.stderr, /Warning: step `a`: no Model `costlyy`; did you mean `costly`\?/)
  assert.match(early.stderr, /Warning: step `b`: no Pipeline `later`/)
})

test('the largest Pipeline is judged well within the time that the API server waits, also one that is all wrong', async () => {
  const steps = (prompt: (index: number) => string): readonly object[] =>
    Array.from({ length: 1024 }, (_, index) => ({
      name: `step-${index}`,
      ...(index === 0 ? {} : { dependsOn: [`step-${index - 1}`], when: `steps["step-${index - 1}"].phase == "Succeeded"` }),
      ...ask(prompt(index)),
    }))
  const send = (list: readonly object[]): Promise<Printed> =>
    kubectl(cluster, ['apply', '--server-side', ...alice, '-f', '-'], JSON.stringify(withName('Pipeline', 'large', { steps: list })))
  const right = await send(steps((index) => (index === 0 ? 'x' : `$(steps.step-${index - 1}.outputs.text)`)))
  assert.equal(right.code, 0, right.stderr)
  const wrong = await send(steps((index) => `$(steps.stepp-${index}.outputs.text) $(params.none)`))
  assert.match(wrong.stderr, /and 50 more|spec\.steps\[0\]\.inference\.prompt/)
  const many = Array.from({ length: 5000 }, (_, index) => ({ name: `s${index}`, ...ask('x') }))
  assert.match((await send(many)).stderr, /spec\.steps: has 5000 steps and may have 1024; use forEach/)
})

test('a run is held to what its Pipeline declares', async () => {
  await pipeline('typed', [{ name: 'say', ...ask('$(params.topic)') }], { parameters: [{ name: 'topic', enum: ['sea', 'sky'] }] })
  const wrong = withName('PipelineRun', 'typed-1', {
    pipelineRef: { name: 'typed' },
    parameters: { topics: 'sea' },
    overrides: [{ step: 'say', image: 'x' }],
    approvals: [{ step: 'say' }],
  })
  await refusedInTheEnd(wrong, /\* spec\.parameters\.topics: the pipeline has no such parameter; did you mean "topic"\?/)
  const { stderr } = await applied(wrong)
  assert.match(stderr, /\* spec\.parameters\.topic: is required \(string\)/)
  assert.match(stderr, /\* spec\.overrides\[0\]\.image: says nothing of the step "say", which has no container/)
  assert.match(stderr, /\* spec\.approvals\[0\]\.step: the step "say" waits for nobody's decision/)
  const lost = await applied(withName('PipelineRun', 'lost', { pipelineRef: { name: 'typd' } }))
  assert.equal(lost.code, 0, lost.stderr)
  assert.match(lost.stderr, /Warning: no Pipeline `typd`; did you mean `typed`\?/)
})

test('whoever decides is written down, may not be whoever asked, and cannot pass for another', async () => {
  await pipeline('careful', [
    { name: 'ok', approval: { groups: ['leads'], byOther: true } },
    { name: 'say', dependsOn: ['ok'], ...ask('approved by $(steps.ok.outputs.by)') },
  ])
  await run('careful-1', 'careful')
  await until('careful-1', 'Paused')
  const decide = (entry: object, who: readonly string[]): Promise<Printed> =>
    kubectl(cluster, ['patch', 'mnrun', 'careful-1', '--type=merge', ...who, '-p', JSON.stringify({ spec: { approvals: [entry] } })])
  const own = await decide({ step: 'ok' }, as('alice', 'leads'))
  assert.match(own.stderr, /about step "ok": alice asked for the run and cannot decide; it waits for the decision of group leads/)
  const stranger = await decide({ step: 'ok', by: 'bob', groups: ['leads'] }, as('eve', 'devs'))
  assert.match(stranger.stderr, /eve is not one of those who may decide; it waits for the decision of group leads/)
  const slip = await decide({ step: 'okk' }, as('bob', 'leads'))
  assert.match(slip.stderr, /there is no step "okk" in the Pipeline; did you mean "ok"\?/)
  const forged = await decide({ step: 'ok', by: 'carol', at: '2020-01-01T00:00:00Z' }, as('bob', 'leads'))
  assert.equal(forged.code, 0, forged.stderr)
  const [decided] = (await until('careful-1', 'Succeeded')).spec.approvals ?? []
  assert.deepEqual([decided?.by, decided?.groups], ['bob', ['system:masters', 'leads']])
  assert.ok(Math.abs(Date.now() - Date.parse(decided?.at ?? '')) < 60_000, decided?.at)
  assert.ok(asked.includes('approved by bob'))
  const again = await decide({ step: 'ok' }, as('carol', 'leads'))
  assert.equal(again.code, 0, again.stderr)
  assert.deepEqual((await client.get(runs, { namespace: 'default', name: 'careful-1' }))?.spec.approvals, [decided])
})

test('a parameter that looks like a reference is a text and nothing else, from one end to the other', async () => {
  await pipeline(
    'echo',
    [
      { name: 'secret', ...ask('the secret') },
      { name: 'call', pipeline: { name: 'inner', parameters: { said: '$(params.said)' } } },
      {
        name: 'read',
        dependsOn: ['secret'],
        inference: {
          modelRef: { name: 'm' },
          prompt: 'read $(params.said)',
          inputs: [{ name: 'secret', from: '$(steps.secret.artifacts.text)' }],
        },
      },
    ],
    { parameters: [{ name: 'said' }] },
  )
  await pipeline('inner', [{ name: 'say', ...ask('inner $(params.said)') }], {
    parameters: [{ name: 'said' }, { name: 'hidden', default: 'H' }],
  })
  const said = `$(params.hidden) \${params.hidden} $(steps.secret.outputs.text) \${secret.text} \${RUN_ID} $(inputs.secret) $$(inputs.secret)`
  await run('echo-1', 'echo', { parameters: { said } })
  await eventually(() => asked.includes(`inner ${said}`), { message: 'the called pipeline was asked with the text as it was given' })
  const read = await eventually(async () => (await jobsOf('echo-1')).find(({ spec }) => spec.inference?.inputs !== undefined))
  // The Job writes a plain `$(` as `$$(`.
  assert.equal(read.spec.inference?.prompt, `read ${said.replaceAll('$(', () => '$$(')}`)
})

const noCostly = withName('Policy', 'no-costly', {
  rules: [{ name: 'models', message: 'ask for a budget first', models: { deny: ['costly'] } }],
})
const said = /the Model costly is .*\(Policy "default\/no-costly", rule "models"\); ask for a budget first/

test('a policy that comes under a run ends it in its own words, what was finished is kept, and a retry goes on from there', async () => {
  await pipeline('spend', [
    { name: 'cheap', ...ask('HOLD cheap') },
    { name: 'costly', dependsOn: ['cheap'], inference: { modelRef: { name: 'costly' }, prompt: 'spend $(steps.cheap.outputs.text)' } },
    { name: 'last', ...ask('$(steps.costly.outputs.text)') },
  ])
  await run('spend-1', 'spend')
  const given = await eventually(() => held.get('HOLD cheap'), { message: 'the first step is at work' })
  await applied(noCostly)
  await refusedInTheEnd(withName('Job', 'probe', { inference: { modelRef: { name: 'costly' }, prompt: 'x' } }), said)
  worker.succeed(given.ref, '{"text":"kept"}')
  const ended = await until('spend-1', 'Failed')
  assert.match(messageOf(ended), /^Step costly failed: refused: /)
  assert.match(messageOf(ended), said)
  assert.deepEqual(stepsOf(ended), { cheap: 'Succeeded', costly: 'Failed', last: 'Skipped' })
  assert.deepEqual(
    (await jobsOf('spend-1')).map(({ status }) => status?.phase),
    ['Succeeded'],
  )
  // Of a revision that is forbidden from the beginning, what comes before the forbidden step is still done.
  await run('spend-2', 'spend', { retryFrom: { run: 'spend-1' } })
  assert.match(messageOf(await until('spend-2', 'Failed')), said)
  await kubectl(cluster, ['delete', 'mnpol', 'no-costly'])
  await eventually(async () => {
    const probe = withName('Job', 'probe', { inference: { modelRef: { name: 'costly' }, prompt: 'x' } })
    return (await kubectl(cluster, ['apply', ...alice, '--dry-run=server', '-f', '-'], JSON.stringify(probe))).code === 0
  })
  await run('spend-3', 'spend', { retryFrom: { run: 'spend-2' } })
  assert.deepEqual(stepsOf(await until('spend-3', 'Succeeded')), { cheap: 'Succeeded', costly: 'Succeeded', last: 'Succeeded' })
  assert.equal(asked.filter((prompt) => prompt === 'HOLD cheap').length, 1)
  assert.ok(asked.includes('spend kept'))
})

test('an image that is not on the list runs in no step, neither by a parameter, nor in a fan-out, nor as an override', async () => {
  await applied(withName('Policy', 'trusted', { rules: [{ name: 'registry', images: { allow: ['registry.example.com/*'] } }] }))
  const words =
    /the image evil\.example\.com\/x is not allowed \(Policy "default\/trusted", rule "registry"\); allowed are registry\.example\.com/
  await refusedInTheEnd(withName('Job', 'probe', { container: { image: 'evil.example.com/x' } }), words)
  await pipeline(
    'images',
    [
      { name: 'one', container: { image: '$(params.image)' } },
      { name: 'many', forEach: { items: ['$(params.image)', '$(params.image)'] }, container: { image: '$(item)' } },
    ],
    { parameters: [{ name: 'image' }] },
  )
  await run('images-1', 'images', { parameters: { image: 'evil.example.com/x' } })
  const ended = await until('images-1', 'Failed')
  for (const step of ended.status?.steps ?? []) assert.match(step.message ?? '', words, step.name)
  assert.deepEqual(stepsOf(ended), { one: 'Failed', many: 'Failed' })
  await pipeline('override', [{ name: 'one', container: { image: 'registry.example.com/app' } }])
  await run('override-1', 'override', { overrides: [{ step: 'one', image: 'evil.example.com/x' }] })
  assert.match(messageOf(await until('override-1', 'Failed')), words)
  assert.deepEqual([...(await jobsOf('images-1')), ...(await jobsOf('override-1'))], [])
  await kubectl(cluster, ['delete', 'mnpol', 'trusted'])
})

test('personal data does not get past a policy by way of a Pipeline, a parameter, a decision or the answer of a model', async () => {
  const rule = { name: 'pii', pii: { default: 'Redact', entities: { SSN: 'Block' } } }
  await applied(withName('Policy', 'no-personal-data', { rules: [rule] }))
  const mail = 'Write to jane.doe@example.com.'
  await refusedInTheEnd(
    withName('Pipeline', 'private', { steps: [{ name: 'a', ...ask('My SSN is 536-22-8145.') }] }),
    /spec\.steps\[0\]\.inference\.prompt: holds personal data \(SSN\) \(Policy "default\/no-personal-data", rule "pii"\)/,
  )
  await pipeline(
    'private',
    [
      { name: 'first', ...ask('HOLD $(params.text)') },
      { name: 'second', ...ask('of $(steps.first.outputs.text)') },
    ],
    { parameters: [{ name: 'text' }] },
  )
  // What GitOps keeps is never rewritten.
  const kept = await applied(
    withName('Pipeline', 'kept', { parameters: [{ name: 'to', default: mail }], steps: [{ name: 'a', ...ask('x') }] }),
  )
  assert.match(kept.stderr, /spec\.parameters\[0\]\.default: holds personal data \(Email\).*remove it, or pass a placeholder/)
  await run('private-1', 'private', { parameters: { text: mail } })
  const given = await eventually(() => held.get('HOLD Write to [Email].'), { message: 'the parameter was redacted' })
  worker.succeed(given.ref, JSON.stringify({ text: 'jane.doe@example.com again', finishReason: 'stop' }))
  await until('private-1', 'Succeeded')
  assert.ok(asked.includes('of [Email] again'), asked.join('\n'))
  assert.doesNotMatch((await kubectl(cluster, ['get', 'mnrun', 'private-1', '-o', 'yaml'])).stdout, /jane\.doe/)
  const blocked = await applied(
    withName('PipelineRun', 'private-2', { pipelineRef: { name: 'private' }, parameters: { text: 'My SSN is 536-22-8145.' } }),
  )
  assert.match(blocked.stderr, /spec\.parameters\.text: holds personal data \(SSN\)/)
  await kubectl(cluster, ['delete', 'mnpol', 'no-personal-data'])
})
