import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkPipeline } from './check-pipeline.ts'

const said = (spec: unknown): readonly string[] =>
  checkPipeline(spec).findings.map(
    ({ field, message, suggestion }) => `${field}: ${message}${suggestion === undefined ? '' : `; ${suggestion}`}`,
  )
const ask = (prompt: string, more: object = {}): object => ({ inference: { modelRef: { name: 'm' }, prompt }, ...more })

const whole = {
  parameters: [
    { name: 'topics', type: 'list', default: ['sea'] },
    { name: 'threshold', type: 'number', default: 0.5 },
  ],
  steps: [
    { name: 'judge', ...ask('$(steps.draft.outputs.text)', { when: 'params.threshold > 0.1' }) },
    {
      name: 'draft',
      ...ask('Write of $(item) in run $(run.id); $(inputs.x) and $(date) are others’.', { forEach: { items: '$(params.topics)' } }),
    },
    { name: 'pass', dependsOn: ['judge'], gate: { expression: 'steps.judge.outputs.completionTokens > 3' } },
    {
      name: 'pack',
      container: {
        image: 'x',
        args: [`\${draft.text}`, '$(steps.pass.outputs.passed)'],
        outputs: [{ name: 'zip', path: '/out/zip' }],
      },
    },
    { name: 'ok', dependsOn: ['pack'], approval: { message: 'Look at $(steps.pack.outputs.zip)' } },
    { name: 'other', pipeline: { ref: { name: 'p' }, parameters: { x: '$(steps.ok.outputs.by)' } } },
  ],
  finally: [{ name: 'tell', container: { image: 'x', args: ['$(steps.draft.outputs.text)'] } }],
  outputs: [{ name: 'all', value: '$(steps.other.outputs.whatever)' }],
}

test('a pipeline: one that is right has its graph, by what is written and by what is named', () => {
  const { findings, graph } = checkPipeline(whole)
  assert.deepEqual(findings, [])
  assert.deepEqual(graph?.order, ['draft', 'judge', 'pass', 'pack', 'ok', 'other'])
  assert.deepEqual(graph.dependencies.get('pack'), ['draft', 'pass'])
})

const step = (change: object): object => ({ ...whole, steps: [...whole.steps, { name: 'new', ...change }] })
const rows: Record<string, [spec: object, want: readonly string[]]> = {
  'a parameter that there is not': [
    step(ask('$(params.topic)')),
    ['spec.steps[6].inference.prompt: $(params.topic) names no parameter of the pipeline; did you mean "topics"?'],
  ],
  'an output that the step has not': [
    step(ask('$(steps.judge.outputs.txt)')),
    ['spec.steps[6].inference.prompt: $(steps.judge.outputs.txt) names no output of step "judge"; did you mean "text"?'],
  ],
  'a file that a container does not leave': [
    step(ask('$(steps.pack.outputs.tar)')),
    ['spec.steps[6].inference.prompt: $(steps.pack.outputs.tar) names no output of step "pack"; there are exitCode, zip'],
  ],
  'a step that there is not, by reference': [
    step(ask('$(steps.jugde.outputs.text)')),
    ['spec.steps[6].inference.prompt: there is no step "jugde"; did you mean "judge"?'],
  ],
  'an item where there is none': [
    step(ask('$(item)')),
    ['spec.steps[6].inference.prompt: $(item) is of a step with forEach alone; give the step a forEach, or name a parameter'],
  ],
  'items that are no list': [
    step(ask('x', { forEach: { items: '$(params.threshold)' } })),
    ['spec.steps[6].forEach.items: is no list; write a list, or one reference to a list'],
  ],
  'items that are a text around a list': [
    step(ask('x', { forEach: { items: 'all $(params.topics)' } })),
    ['spec.steps[6].forEach.items: is no list; write a list, or one reference to a list'],
  ],
  'a condition on what there is not': [
    step(ask('x', { when: 'params.treshold > 1 && steps.pass.outputs.past' })),
    [
      'spec.steps[6].when: params.treshold is no parameter of the pipeline; did you mean "threshold"?',
      'spec.steps[6].when: steps.pass.outputs.past names no output of step "pass"; there are passed',
    ],
  ],
  'a condition that cannot be read': [step(ask('x', { when: 'steps >' })), ['spec.steps[6].when: is no CEL expression']],
  'a cycle by references alone': [
    {
      steps: [
        { name: 'a', ...ask('$(steps.b.outputs.text)') },
        { name: 'b', ...ask('$(steps.a.outputs.text)') },
      ],
    },
    ['spec.steps[0].inference.prompt: steps wait for one another: a → b → a; take one of these dependencies out'],
  ],
  'a step that does nothing, and one that does two things': [
    { steps: [{ name: 'a' }, { name: 'b', ...ask('x'), gate: { expression: 'true' } }] },
    [
      'spec.steps[0]: the step "a" must have exactly one of inference, container, training, embedding, gate, approval, pipeline, publish',
      'spec.steps[1]: the step "b" must have exactly one of inference, container, training, embedding, gate, approval, pipeline, publish',
    ],
  ],
  'a step that waits for one of the end': [
    { steps: [{ name: 'a', ...ask('x', { dependsOn: ['end'] }) }], finally: [{ name: 'end', ...ask('y') }] },
    ['spec.steps[0].dependsOn[0]: there is no step "end"; add it, or name another step'],
  ],
  'one name in both lists': [
    { steps: [{ name: 'a', ...ask('x') }], finally: [{ name: 'a', ...ask('y') }] },
    ['spec.finally[0].name: a step of spec.steps is called "a", too; give each step its own name'],
  ],
  'an output of the whole that comes from nowhere': [
    { steps: [{ name: 'a', ...ask('x') }], outputs: [{ name: 'o', value: '$(steps.a.outputs.x)' }] },
    [
      'spec.outputs[0].value: $(steps.a.outputs.x) names no output of step "a"; there are text, finishReason, promptTokens, completionTokens',
    ],
  ],
}
for (const [what, [spec, want]] of Object.entries(rows)) {
  test(`a pipeline: ${what}`, () => {
    const found = said(spec)
    assert.equal(found.length, want.length, found.join('\n'))
    for (const [index, line] of want.entries()) assert.ok(found[index]?.startsWith(line), `${found[index] ?? ''}\nwanted: ${line}`)
  })
}

test('a pipeline: whatever is written is judged, and never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (steps, other) => {
      for (const spec of [
        steps,
        { steps, parameters: other },
        { steps: [{ name: 'a', forEach: steps, inference: other, dependsOn: other }] },
      ])
        assert.ok(Array.isArray(checkPipeline(spec).findings))
    }),
    { numRuns: 500 },
  )
})

test('a pipeline: of a thousand steps each with the same mistake a hundred are told, and of five thousand that they are too many', () => {
  const many = Array.from({ length: 5000 }, (_, index) => ({ name: `s${index}`, ...ask('x') }))
  assert.deepEqual(said({ steps: many }), [
    'spec.steps: has 5000 steps and may have 1024; use forEach for many of the same, or pipelines that call one another',
  ])
  const steps = Array.from({ length: 1000 }, (_, index) => ({ name: `s${index}`, ...ask('$(params.none)') }))
  assert.equal(said({ steps }).length, 100)
})
