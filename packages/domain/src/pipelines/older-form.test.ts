import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { judge } from '@mnemos/api'
import fc from 'fast-check'
import { parse } from 'yaml'
import { fieldOf, itemsOf } from '../reading.ts'
import { checkPipeline } from './check-pipeline.ts'
import { fromOlderForm, isOlderForm } from './older-form.ts'
import { piecesOf } from './reference.ts'

const ref = (path: string): string => `\${${path}}`

type Older = Readonly<Record<string, unknown>>

const aDocument = (spec: Older, metadata: Older = { name: 'p' }): Older => ({
  ...{ apiVersion: 'synkron.mnemos.dev/v1', kind: 'Pipeline', metadata, spec },
})
const asking: Older = { name: 'ask', kind: 'inference', model_ref: 'smollm2', prompt: 'Say hello.' }
const running: Older = { name: 'run', kind: 'custom', image: 'example/run:1' }

function converted(document: unknown): unknown {
  const result = fromOlderForm(document)
  assert.ok('pipeline' in result, JSON.stringify(result))
  assert.deepEqual(judge('Pipeline', result.pipeline), [])
  return result.pipeline.spec
}
function firstStep(step: Older): unknown {
  const spec = converted(aDocument({ parameters: { rows: 10 }, steps: [step] })) as { steps: readonly unknown[] }
  return spec.steps[0]
}

test('the older form: a whole document becomes a Pipeline that can run', () => {
  const result = fromOlderForm(
    aDocument(
      {
        description: 'From rows to a verdict.',
        parameters: [{ name: 'topic', type: 'str', default: 'sea', description: 'What about.' }],
        timeout: '2h',
        steps: [
          {
            ...{ id: 'prep', kind: 'data_prep', image: 'example/prep:1', args: ['--rows', 10, '--run', ref('RUN_ID')] },
            ...{
              env: { TOPIC: ref('params.topic') },
              outputs: ['train'],
              resources: { cpu: 2, memory: '4Gi' },
              retries: 2,
              timeout: '30m',
            },
          },
          {
            ...{ name: 'tune', kind: 'training', image: 'example/tune:1', depends_on: ['prep'], inputs: [ref('prep.train')] },
            ...{ params: { epochs: 3, data: ref('prep.train') }, outputs: { model: '/out/model.bin' }, resources: { gpu: 1 } },
          },
          {
            ...{ name: 'ask', kind: 'inference', model_ref: 'shared/smollm2', depends_on: ['tune'], outputs: ['verdict'] },
            ...{ prompt: `Is ${ref('params.style')} right about ${ref('params.topic')}?`, params: { max_tokens: 16, style: 'she' } },
          },
          { name: 'tell', kind: 'custom', image: 'example/tell:1', command: ['tell', ref('ask.verdict')] },
        ],
      },
      { name: 'verdict', namespace: 'team', version: '1.2.0', labels: { team: 'sky' } },
    ),
  )
  assert.ok('pipeline' in result, JSON.stringify(result))
  assert.deepEqual(result.pipeline, {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'verdict', namespace: 'team', labels: { team: 'sky' }, annotations: { 'mnemos.dev/older-version': '1.2.0' } },
    spec: {
      description: 'From rows to a verdict.',
      parameters: [{ name: 'topic', type: 'string', default: 'sea', description: 'What about.' }],
      timeoutSeconds: 7200,
      steps: [
        {
          name: 'prep',
          container: {
            image: 'example/prep:1',
            args: ['--rows', '10', '--run', '$(run.id)'],
            env: [{ name: 'TOPIC', value: '$(params.topic)' }],
            outputs: [{ name: 'train', path: '/out/train' }],
          },
          resources: { limits: { cpu: 2, memory: '4Gi' } },
          retry: { limit: 2 },
          timeoutSeconds: 1800,
        },
        {
          name: 'tune',
          dependsOn: ['prep'],
          container: {
            image: 'example/tune:1',
            env: [
              { name: 'PARAM_EPOCHS', value: '3' },
              { name: 'PARAM_DATA', value: '$(steps.prep.outputs.train)' },
            ],
            inputs: [{ path: '/in/train', from: '$(steps.prep.artifacts.train)' }],
            outputs: [{ name: 'model', path: '/out/model.bin' }],
          },
          resources: { limits: { 'nvidia.com/gpu': 1 } },
        },
        {
          name: 'ask',
          dependsOn: ['tune'],
          inference: {
            modelRef: { name: 'smollm2', namespace: 'shared' },
            prompt: 'Is she right about $(params.topic)?',
            parameters: { maxTokens: 16 },
          },
        },
        { name: 'tell', container: { image: 'example/tell:1', command: ['tell', '$(steps.ask.outputs.text)'] } },
      ],
    },
  })
})

test('the older form: the example of the page is converted to what it shows', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/pipelines-migrating.md'), 'utf8')
  const [older, newer] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']): unknown => parse(block))
  assert.deepEqual(fromOlderForm(older), { pipeline: newer })
})

const steps: Record<string, [step: Older, want: Older]> = {
  'an inference that asks for resources gets a pod of its own': [
    { ...asking, resources: { gpu: 1 } },
    { resources: { limits: { 'nvidia.com/gpu': 1 } }, placement: { dedicated: true } },
  ],
  'a Model by name and namespace, and parameters in either writing': [
    { ...asking, model_ref: { name: 'm', namespace: 'n' }, parameters: { topP: 0.5, top_k: 3, max_tokens: ref('params.rows') } },
    {
      inference: {
        ...{ modelRef: { name: 'm', namespace: 'n' }, prompt: 'Say hello.' },
        parameters: { topP: 0.5, topK: 3, maxTokens: '$(params.rows)' },
      },
    },
  ],
  'what belongs to others stays to the letter': [
    { ...running, args: ['echo $(date) $HOME', ref('HOME')] },
    { container: { image: 'example/run:1', args: ['echo $(date) $HOME', ref('HOME')] } },
  ],
  'references in the words of today stay as they are': [
    { ...running, args: [`$(steps.a.outputs.b.0) $(run.name) ${ref('steps.a.outputs.b')} ${ref('a.b.c')} ${ref('item.x')}`] },
    {
      container: {
        image: 'example/run:1',
        args: ['$(steps.a.outputs.b.0) $(run.name) $(steps.a.outputs.b) $(steps.a.outputs.b.c) $(item.x)'],
      },
    },
  ],
  'beside a reference it is escaped': [
    { ...running, args: [`$(date) ${ref('params.rows')}`] },
    { container: { image: 'example/run:1', args: ['$$(date) $(params.rows)'] } },
  ],
  'outputs by name, with a path or without': [
    { ...running, outputs: { a: null, b: { path: '/x/b' }, c: '/x/c' } },
    {
      container: {
        image: 'example/run:1',
        outputs: [
          { name: 'a', path: '/out/a' },
          { name: 'b', path: '/x/b' },
          { name: 'c', path: '/x/c' },
        ],
      },
    },
  ],
  'files in each of their writings': [
    {
      ...running,
      inputs: { a: 'artifact://team/a', b: { path: '/data/b', from: 'job://j/b' } },
      outputs: [{ name: 'c' }, { name: 'd', path: '/x/d' }],
    },
    {
      container: {
        image: 'example/run:1',
        inputs: [
          { path: '/in/a', from: 'artifact://team/a' },
          { path: '/data/b', from: 'job://j/b' },
        ],
        outputs: [
          { name: 'c', path: '/out/c' },
          { name: 'd', path: '/x/d' },
        ],
      },
    },
  ],
}
for (const [what, [step, want]] of Object.entries(steps))
  test(`the older form: ${what}`, () => {
    const made = firstStep(step) as Older
    assert.deepEqual(Object.fromEntries(Object.keys(want).map((field) => [field, made[field]])), want)
  })

test('the older form: parameters by name, with defaults or declarations', () => {
  const parameters = { n: 3, share: 0.5, on: true, list: [1], any: { x: 1 }, free: null, said: { type: 'int', minimum: 1 } }
  assert.deepEqual((converted(aDocument({ params: parameters, steps: [asking] })) as Older)['parameters'], [
    { name: 'n', type: 'integer', default: 3 },
    { name: 'share', type: 'number', default: 0.5 },
    { name: 'on', type: 'boolean', default: true },
    { name: 'list', type: 'list', default: [1] },
    { name: 'any', type: 'object', default: { x: 1 } },
    { name: 'free', type: 'string' },
    { name: 'said', type: 'integer', minimum: 1 },
  ])
})

const rows: Record<string, [document: unknown, want: readonly string[]]> = {
  'no object': [7, [': must be an object; write apiVersion, kind, metadata and spec']],
  'everything that is wrong at once': [
    { apiVersion: 'synkron.mnemos.dev/v2', kind: 'Flow', metadata: { version: 1 }, spec: { stepz: [] }, status: {} },
    [
      'status: is no field of the older form; use one of apiVersion, kind, metadata, spec',
      'apiVersion: is no version of the older form; write synkron.mnemos.dev/v1',
      'kind: is no kind of the older form; write Pipeline',
      'metadata.name: is required; give the pipeline a name',
      'metadata.version: is no text; write a text, in quotes where it looks like a number',
      'spec.stepz: is no field of the older form; did you mean "steps"?',
      'spec.steps: is required; list at least one step',
    ],
  ],
  'a field of a step in the words of today': [
    aDocument({ steps: [{ ...asking, dependsOn: ['x'], retrys: 3 }] }),
    [
      'spec.steps[0].dependsOn: is no field of the older form; write depends_on',
      'spec.steps[0].retrys: is no field of the older form; did you mean "retries"?',
    ],
  ],
  'a kind that there is not, and none': [
    aDocument({ steps: [{ ...asking, kind: 'magic' }, { name: 'b' }, 'c'] }),
    [
      'spec.steps[0].kind: is no kind of step; use one of data_prep, training, inference, custom',
      'spec.steps[1].kind: is required; write one of data_prep, training, inference, custom',
      'spec.steps[2]: is no step; write name, kind and what the step needs',
    ],
  ],
  'training without an image': [
    aDocument({ steps: [{ name: 'a', kind: 'training' }] }),
    ['spec.steps[0].image: is required: there is no engine for training yet; name an image that trains'],
  ],
  'what the kind of the step does not take': [
    aDocument({
      steps: [
        { ...asking, image: 'x', outputs: ['a', 'b'] },
        { ...running, prompt: 'x' },
      ],
    }),
    [
      'spec.steps[0].image: is no field of the older form; take it out, or write kind: custom to run an image',
      'spec.steps[0].outputs: names more than one output; name one: an inference leaves one text',
      'spec.steps[1].prompt: is no field of the older form; take it out, or write kind: inference to ask a Model',
    ],
  ],
  'a parameter that nobody takes': [
    aDocument({ steps: [{ ...asking, params: { epochs: 3 } }] }),
    [
      'spec.steps[0].params.epochs: is no parameter of an inference, and the prompt does not name it; use one of max_tokens, temperature, top_p, top_k, seed, stop',
    ],
  ],
  'a name and an id': [
    aDocument({ steps: [{ ...asking, id: 'other' }] }),
    ['spec.steps[0].id: says the same as name; keep one of the two'],
  ],
  'a time, a count, an amount and a list that are none': [
    aDocument({ steps: [{ ...running, timeout: 'soon', retries: '3', resources: { cpu: [], gpus: 1 }, args: 'x' }] }),
    [
      'spec.steps[0].args: is no list; write a list',
      'spec.steps[0].retries: is no whole number; write a number such as 3',
      'spec.steps[0].timeout: is no time; write seconds, or a text such as "90s", "30m", "1h30m"',
      'spec.steps[0].resources.gpus: is no field of the older form; did you mean "gpu"?',
      'spec.steps[0].resources.cpu: is no amount; write 2, "500m" or "8Gi"',
    ],
  ],
  'two variables of one name': [
    aDocument({ steps: [{ ...running, env: { PARAM_N: 1 }, params: { n: 2 } }] }),
    ['spec.steps[0].params.n: becomes the variable PARAM_N, too; rename one'],
  ],
  'a reference that is none': [
    aDocument({ steps: [{ ...running, args: [ref('params')] }] }),
    [
      `spec.steps[0].args[0]: ${ref('params')} names no parameter; write $(params.<name>); name an output as ${ref('step.output')}, a parameter as ${ref('params.name')}`,
    ],
  ],
}
for (const [what, [document, want]] of Object.entries(rows))
  test(`the older form: ${what}`, () => {
    const result = fromOlderForm(document)
    const said =
      'mistakes' in result ? result.mistakes.map(({ field, message, suggestion }) => `${field}: ${message}; ${suggestion ?? ''}`) : []
    assert.deepEqual(said, want)
  })

test('the older form: what the schema of today refuses is told in the words of the document', () => {
  const result = fromOlderForm(
    aDocument({
      steps: [
        { ...asking, name: undefined, id: 'Data_Prep', retries: 1000 },
        { ...running, depends_on: ['A_B'], timeout: '9999h' },
      ],
    }),
  )
  assert.deepEqual('mistakes' in result ? result.mistakes.map(({ field, path }) => `${field} ${path}`).toSorted() : [], [
    'spec.steps[0].id /spec/steps/0/id',
    'spec.steps[0].retries /spec/steps/0/retries',
    'spec.steps[1].depends_on[0] /spec/steps/1/depends_on/0',
    'spec.steps[1].timeout /spec/steps/1/timeout',
  ])
})

test('the older form is known by its apiVersion', () => {
  for (const [document, want] of [
    [aDocument({}), true],
    [{ apiVersion: 'synkron.mnemos.dev/v2' }, true],
    [{ apiVersion: 'synkron.mnemos.device/v1' }, false],
    [{ apiVersion: 'mnemos.dev/v1alpha1' }, false],
    [null, false],
    [[], false],
  ] as const)
    assert.equal(isOlderForm(document), want, JSON.stringify(document))
})

test('the older form: whatever is written becomes a Pipeline that its schema takes, or mistakes', () => {
  const fields = [
    'name',
    'id',
    'kind',
    'depends_on',
    'image',
    'command',
    'args',
    'env',
    'inputs',
    'outputs',
    'params',
    'model_ref',
    'prompt',
  ]
  const word = fc.constantFrom('a', 'inference', 'custom', 'x/y', ref('a.x'), ref('params.a'), '$', `$${ref('RUN_ID')}`, '__proto__')
  const value = fc.oneof(word, fc.array(word, { maxLength: 3 }), fc.dictionary(word, word, { maxKeys: 3 }), fc.jsonValue({ maxDepth: 3 }))
  const step = fc.dictionary(fc.constantFrom(...fields, 'resources', 'retries', 'timeout', 'other'), value)
  const document = fc.oneof(
    fc.jsonValue(),
    fc
      .record({ steps: fc.array(fc.oneof(step, value), { maxLength: 3 }), params: value }, { requiredKeys: ['steps'] })
      .map((spec) => aDocument(spec)),
    step.map((each) => aDocument({ steps: [{ ...running, ...each }] })),
    step.map((each) => aDocument({ steps: [{ ...asking, ...each }] })),
  )
  let pipelines = 0
  fc.assert(
    fc.property(document, (each) => {
      const result = fromOlderForm(each)
      if ('mistakes' in result) {
        assert.ok(result.mistakes.length > 0)
        return
      }
      pipelines += 1
      assert.deepEqual(judge('Pipeline', result.pipeline), [])
      assert.ok(Array.isArray(checkPipeline(result.pipeline.spec).findings))
    }),
    { numRuns: 3000 },
  )
  assert.ok(pipelines > 10, String(pipelines))
})

test('the older form: a text means what it meant', () => {
  const part = fc.constantFrom(
    '$',
    '$(',
    ')',
    '{',
    '}',
    ' ',
    'x',
    '$(date)',
    '$$(run.id)',
    ref('RUN_ID'),
    ref('params.rows'),
    ref('ask.text'),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const text = parts.join('')
      const result = fromOlderForm(aDocument({ steps: [{ ...running, args: [text] }] }))
      const meant = (value: string): unknown => piecesOf(value).map((piece) => ('reference' in piece ? piece.reference : piece))
      if ('mistakes' in result) return
      const [step] = result.pipeline.spec.steps
      assert.deepEqual(meant(String(itemsOf(fieldOf(step?.container, 'args'))[0])), meant(text))
    }),
    { numRuns: 2000 },
  )
})

test('the older form: values that are nested without end are refused, not followed', () => {
  let deep: unknown = 'x'
  for (let level = 0; level < 20_000; level += 1) deep = [deep]
  assert.ok('mistakes' in fromOlderForm(aDocument({ steps: [{ ...running, params: { deep } }] })))
})
