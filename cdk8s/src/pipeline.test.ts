import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, Chart, Duration, Size } from 'cdk8s'
import { cel, item, Model, Pipeline, PipelineRun, Queue, run, text } from './index.ts'

function aChart(namespace = 'team'): Chart {
  return new Chart(new App(), 'chart', { disableResourceNameHashes: true, namespace })
}
const asking = { model: { name: 'm' }, prompt: 'hi' }
const specOf = (object: Pipeline | PipelineRun): unknown => object.toJson()['spec']

test('a pipeline renders as it would be written', () => {
  const chart = aChart()
  const model = new Model(chart, 'model', { spec: { source: { uri: 's3://b/m.gguf' } } })
  const queue = new Queue(chart, 'queue')
  const p = new Pipeline(chart, 'summaries', {
    parameters: {
      topics: { type: 'list', default: ['sea'] },
      tokens: { type: 'integer', default: 16, maximum: 64 },
      tone: { description: 'How.', enum: ['calm', 'loud'] },
    },
    spec: { concurrency: 4 },
  })
  const draft = p.inference('draft', {
    ...{ model, queue, memoize: { maxAgeSeconds: Duration.hours(1) }, timeoutSeconds: Duration.minutes(5) },
    prompt: text`Write a ${p.param('tone')} line about ${item.field('name')} for $(me) in ${run.id}.`,
    parameters: { maxTokens: p.param('tokens') },
    forEach: { items: p.param('topics'), maxFailed: 1 },
  })
  const good = p.gate('good', { expression: cel`size(${draft.output('text')}) > 0 && ${p.param('tone')} == ${'calm'}` })
  const pack = p.container('pack', {
    ...{
      image: 'example/pack:1',
      args: [text`${draft.output('text')}`],
      outputs: [{ name: 'archive', path: '/out/a.tar' }],
      dependsOn: [good],
    },
    resources: { limits: { memory: Size.gibibytes(1) } },
  })
  const ok = p.approval('ok', { message: text`Look at ${pack.output('archive')}`, groups: ['leads'] })
  const ship = p.publish('ship', { alias: 'chat', uri: pack.artifact('archive'), dependsOn: [ok, 'good'] })
  p.container('tell', { image: 'example/tell:1', finally: true, when: cel`steps["ship"].phase == ${'Succeeded'}` })
  p.output('lines', draft.output('text')).output('who', text`${ok.output('by')}, ${ship.name}`)
  assert.deepEqual(p.mistakes(), [])
  assert.deepEqual(specOf(p), {
    concurrency: 4,
    parameters: [
      { name: 'topics', type: 'list', default: ['sea'] },
      { name: 'tokens', type: 'integer', default: 16, maximum: 64 },
      { name: 'tone', description: 'How.', enum: ['calm', 'loud'] },
    ],
    steps: [
      {
        name: 'draft',
        inference: {
          modelRef: { name: 'chart-model' },
          prompt: 'Write a $(params.tone) line about $(item.name) for $$(me) in $(run.id).',
          parameters: { maxTokens: '$(params.tokens)' },
        },
        ...{ forEach: { items: '$(params.topics)', maxFailed: 1 }, queue: 'chart-queue' },
        ...{ memoize: { maxAgeSeconds: 3600 }, timeoutSeconds: 300 },
      },
      { name: 'good', gate: { expression: 'size(steps.draft.outputs.text) > 0 && params.tone == "calm"' } },
      {
        name: 'pack',
        dependsOn: ['good'],
        container: {
          image: 'example/pack:1',
          args: ['$(steps.draft.outputs.text)'],
          outputs: [{ name: 'archive', path: '/out/a.tar' }],
        },
        resources: { limits: { memory: '1Gi' } },
      },
      { name: 'ok', approval: { message: 'Look at $(steps.pack.outputs.archive)', groups: ['leads'] } },
      { name: 'ship', dependsOn: ['ok', 'good'], publish: { alias: 'chat', uri: '$(steps.pack.artifacts.archive)' } },
    ],
    finally: [{ name: 'tell', when: 'steps["ship"].phase == "Succeeded"', container: { image: 'example/tell:1' } }],
    outputs: [
      { name: 'lines', value: '$(steps.draft.outputs.text)' },
      { name: 'who', value: '$(steps.ok.outputs.by), ship' },
    ],
  })
})

test('steps may be given as in YAML, before those that are added', () => {
  const p = new Pipeline(aChart(), 'p', { spec: { steps: [{ name: 'a', gate: { expression: 'true' } }] } })
  p.gate('b', { expression: 'true', dependsOn: ['a'] })
  assert.deepEqual(specOf(p), {
    steps: [
      { name: 'a', gate: { expression: 'true' } },
      { name: 'b', dependsOn: ['a'], gate: { expression: 'true' } },
    ],
  })
})

test('a pipeline without steps, and one with a bad name, does not render', () => {
  const chart = aChart()
  const empty = new Pipeline(chart, 'empty')
  assert.deepEqual(empty.mistakes(), ['Pipeline "chart-empty": spec.steps: at least one step is needed'])
  const wrong = new Pipeline(chart, 'wrong')
  wrong.gate('A B', { expression: '' })
  assert.match(wrong.mistakes().join('\n'), /spec\.steps\[0\]\.name: .*\n.*spec\.steps\[0\]\.gate\.expression: /)
})

test('two steps of one name, and a parameter that was not declared, are told where they are written', () => {
  const p = new Pipeline(aChart(), 'p')
  p.inference('a', asking)
  assert.throws(() => p.gate('a', { expression: 'true', finally: true }), { message: 'Pipeline "chart-p" has a step "a" already' })
  // @ts-expect-error no parameters are declared
  assert.throws(() => p.param('x'), { message: 'Pipeline "chart-p" declares no parameter "x"' })
})

test('text: everything but references is plain, whatever it looks like', () => {
  const dollar = '$'
  const rows: readonly (readonly [written: string, want: string])[] = [
    [text`$(params.x) ${run.id}`, '$$(params.x) $(run.id)'],
    [text`${dollar}{RUN_ID}`, `$${dollar}{RUN_ID}`],
    [text`${'$'}(run.id)`, '$$(run.id)'],
    [text`$5 ${'$(params.x)'} ${1} ${true}`, '$5 $$(params.x) 1 true'],
    [text`$$(x)`, '$$$(x)'],
  ]
  for (const [written, want] of rows) assert.equal(written, want)
  assert.throws(() => text`costs $${run.id}`, /a \$ right before \$\(run\.id\)/)
})

test('cel: references are selections, everything else is a constant', () => {
  const p = new Pipeline(aChart(), 'p', { parameters: { 'a-b': { type: 'object' }, in: { type: 'number' } } })
  const step = p.inference('my-step', asking)
  assert.equal(cel`${p.param('a-b').field('list', 0, 'x')} == ${[1, 'a"b']}`, 'params["a-b"].list[0].x == [1,"a\\"b"]')
  assert.equal(
    cel`${step.output('text')} != ${''} && ${p.param('in')} > ${0.5}`,
    'steps["my-step"].outputs.text != "" && params["in"] > 0.5',
  )
})

test('what a step leaves has a type, a list of a step with forEach', () => {
  const p = new Pipeline(aChart(), 'p', { parameters: { n: { type: 'integer' }, topic: {}, topics: { type: 'list' } } })
  const one = p.inference('one', asking)
  const many = p.container('many', { image: 'x', forEach: ['a', 'b'], outputs: [{ name: 'file', path: '/out/file' }] })
  const over = p.inference('over', { ...asking, forEach: many.output('file') })
  p.inference('uses', {
    model: { name: p.param('topic') },
    prompt: one.output('text'),
    parameters: { maxTokens: one.output('promptTokens') },
  })
  p.inference('all', { ...asking, prompt: text`${over.output('text')}`, forEach: p.param('topics') })
  // @ts-expect-error an inference leaves no such output
  one.output('txt')
  // @ts-expect-error nor a file of such a name
  one.artifact('file')
  // @ts-expect-error a container leaves only the files that it names
  many.artifact('fil')
  // @ts-expect-error a parameter that was not declared
  assert.throws(() => p.param('topik'))
  p.container('reads', { image: 'x', inputs: [{ path: '/in/text', from: one.artifact('text') }] })
  p.call('calls', { pipeline: 'other', forEach: over.output('text'), parameters: { line: item } })
  // @ts-expect-error only what is a Job has a time
  p.gate('timed', { expression: 'true', timeoutSeconds: 60 })
  // @ts-expect-error a text is no list
  p.inference('wrong-items', { ...asking, forEach: p.param('topic') })
  // @ts-expect-error a text is no number
  p.inference('wrong-number', { ...asking, parameters: { maxTokens: p.param('topic') } })
  // @ts-expect-error what a step over a list leaves is no text
  p.inference('wrong-text', { ...asking, prompt: over.output('text') })
  // @ts-expect-error nor is it an argument
  p.container('wrong-argument', { image: 'x', args: [over.output('text')] })
  // @ts-expect-error a field that an inference does not have
  p.inference('wrong-field', { ...asking, promt: 'hi' })
  // @ts-expect-error no such priority
  p.inference('wrong-priority', { ...asking, priority: 'hihg' })
  // @ts-expect-error a default of another type
  new Pipeline(aChart(), 'wrong', { parameters: { n: { type: 'integer', default: 'three' } } })
})

test('runs and calls are given what the pipeline declares', () => {
  const chart = aChart()
  const p = new Pipeline(chart, 'p', { parameters: { topic: {}, n: { type: 'integer', default: 3 } } })
  p.inference('a', asking)
  const first = PipelineRun.fromPipeline(chart, 'first', { pipeline: p, parameters: { topic: 'sea' }, spec: { priority: 'high' } })
  assert.deepEqual(
    [first.mistakes(), specOf(first)],
    [[], { pipelineRef: { name: 'chart-p' }, parameters: { topic: 'sea' }, priority: 'high' }],
  )
  const outer = new Pipeline(chart, 'outer', { parameters: { about: {} } })
  const called = outer.call('inner', { pipeline: p, parameters: { topic: outer.param('about'), n: 5 } })
  outer.call('by-name', { pipeline: 'other', parameters: { whatever: called.output('lines') } })
  assert.deepEqual(outer.mistakes(), [])
  assert.deepEqual(specOf(outer), {
    parameters: [{ name: 'about' }],
    steps: [
      { name: 'inner', pipeline: { name: 'chart-p', parameters: { topic: '$(params.about)', n: 5 } } },
      { name: 'by-name', pipeline: { name: 'other', parameters: { whatever: '$(steps.inner.outputs.lines)' } } },
    ],
  })
  const simple = new Pipeline(chart, 'simple')
  simple.inference('a', asking)
  assert.deepEqual(PipelineRun.fromPipeline(chart, 'again', { pipeline: simple }).mistakes(), [])
  // @ts-expect-error a parameter without default must be given
  PipelineRun.fromPipeline(chart, 'without', { pipeline: p })
  // @ts-expect-error a value of another type
  PipelineRun.fromPipeline(chart, 'mistyped', { pipeline: p, parameters: { topic: 3 } })
  // @ts-expect-error a parameter that was not declared
  PipelineRun.fromPipeline(chart, 'unknown', { pipeline: p, parameters: { topic: 'sea', tone: 'calm' } })
})
