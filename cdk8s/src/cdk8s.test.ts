import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { kinds } from '@mnemos/api'
import { App, Chart, Duration, JsonPatch, Size } from 'cdk8s'
import * as library from './index.ts'
import { Job, Model, Queue, WorkerPool } from './index.ts'

const asking = { inference: { modelRef: { name: 'm' }, prompt: 'hi' } }

function aChart(namespace?: string): { app: App; chart: Chart } {
  const app = new App()
  return { app, chart: new Chart(app, 'chart', { disableResourceNameHashes: true, ...(namespace === undefined ? {} : { namespace }) }) }
}

test('every kind has a construct', () => {
  for (const { kind } of kinds) assert.equal(typeof Reflect.get(library, kind), 'function', kind)
})

test('a mistake fails the rendering, with field and suggestion', () => {
  const { app, chart } = aChart()
  // @ts-expect-error no such priority; a type error for those who look, an error of synth for those who do not
  new Job(chart, 'job', { spec: { ...asking, priority: 'hihg', retry: { limit: -1 } } })
  assert.throws(() => app.synthYaml(), {
    message: [
      'Validation failed with the following errors:',
      '  [chart/job] Job "chart-job": spec.priority: "hihg" is not supported; did you mean "high"?',
      '  [chart/job] Job "chart-job": spec.retry.limit: -1 is less than 0; use a whole number from 0 to 100',
    ].join('\n'),
  })
})

test('a rule over several fields and an unknown field are mistakes too', () => {
  const { chart } = aChart()
  const both = new Job(chart, 'both', { spec: { inference: { modelRef: { name: 'm' }, prompt: 'hi', messages: [] } } })
  // @ts-expect-error a field that nobody declared
  const unknown = new Job(chart, 'unknown', { spec: { ...asking, priorty: 'high' } })
  assert.deepEqual(both.mistakes(), ['Job "chart-both": spec.inference: exactly one of prompt and messages must be given'])
  assert.match(unknown.mistakes().join(), /spec\.priorty: .*did you mean "priority"\?/)
})

test('what a JSON patch does is judged as well', () => {
  const { app, chart } = aChart()
  new Job(chart, 'job', { spec: asking }).addJsonPatch(JsonPatch.add('/spec/priority', 'urgent'))
  assert.throws(() => app.synthYaml(), /spec\.priority: "urgent" is not supported/)
})

test('constructs stand for references, by name or by name and namespace', () => {
  const { app, chart } = aChart('team')
  const shared = new Model(new Chart(app, 'shared', { namespace: 'models' }), 'base', {
    metadata: { name: 'base' },
    spec: { source: { uri: 's3://b/m.gguf' } },
  })
  const own = new Model(chart, 'own', { spec: { source: { uri: 's3://b/m.gguf' } } })
  const queue = new Queue(chart, 'queue')
  const before = new Job(chart, 'before', { spec: asking })
  const job = new Job(chart, 'job', { spec: { inference: { modelRef: shared, prompt: 'hi' }, queue, dependsOn: ['first'] } })
  const near = new Job(chart, 'near', { spec: { inference: { modelRef: own, prompt: 'hi' } } })
  assert.equal(job.dependsOn(before, 'first', before), job)
  const { spec } = job.toJson()
  assert.deepEqual(spec, {
    inference: { modelRef: { name: 'base', namespace: 'models' }, prompt: 'hi' },
    queue: 'chart-queue',
    dependsOn: ['first', 'chart-before'],
  })
  assert.deepEqual(near.toJson()['spec'], { inference: { modelRef: { name: 'chart-own' }, prompt: 'hi' } })
})

test('a construct of another kind is a type error, and one of another namespace a mistake', () => {
  const { app, chart } = aChart('team')
  const elsewhere = new Job(new Chart(app, 'other', { namespace: 'other' }), 'job', { metadata: { name: 'far' }, spec: asking })
  const job = new Job(chart, 'job', { spec: asking }).dependsOn(elsewhere)
  assert.deepEqual(job.mistakes(), ['Job "chart-job": spec.dependsOn[0]: Job "far" is in namespace other; name one of the same namespace'])
  const queue = new Queue(chart, 'queue')
  // @ts-expect-error a Queue is no Model
  new Job(chart, 'typed', { spec: { inference: { modelRef: queue, prompt: 'hi' } } })
})

test('Sizes and Durations are written as amounts and seconds', () => {
  const { chart } = aChart()
  const pool = new WorkerPool(chart, 'pool', {
    spec: {
      resources: { limits: { memory: Size.mebibytes(1536), 'nvidia.com/gpu': 1, cpu: '500m' } },
      cache: { sizeLimit: Size.tebibytes(1) },
    },
  })
  const job = new Job(chart, 'job', { spec: { ...asking, ttlSecondsAfterFinished: Duration.hours(2) } })
  assert.deepEqual(pool.toJson()['spec'], {
    cache: { sizeLimit: '1024Gi' },
    resources: { limits: { cpu: '500m', memory: '1536Mi', 'nvidia.com/gpu': 1 } },
  })
  assert.deepEqual([job.toJson()['spec'], job.mistakes()], [{ ...asking, ttlSecondsAfterFinished: 7200 }, []])
})

test('an object of the cluster takes no namespace from its chart', () => {
  const { chart } = aChart('team')
  assert.deepEqual(new Queue(chart, 'queue').toJson()['metadata'], { name: 'chart-queue' })
})

test('Model.fromFile pins the bytes of the file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'mnemos-cdk8s-')), 'm.gguf')
  const bytes = Buffer.alloc(2 * 1024 * 1024 + 17, 'x')
  writeFileSync(file, bytes)
  const { chart } = aChart()
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const local = Model.fromFile(chart, 'local', { file })
  const stored = Model.fromFile(chart, 'stored', { file, uri: 's3://b/m.gguf', secretRef: { name: 's' }, spec: { license: 'MIT' } })
  assert.deepEqual(local.toJson()['spec'], { source: { uri: 'file:///m.gguf', digest } })
  assert.deepEqual(stored.toJson()['spec'], { license: 'MIT', source: { uri: 's3://b/m.gguf', digest, secretRef: { name: 's' } } })
  assert.throws(() => Model.fromFile(chart, 'gone', { file: `${file}.gone` }), { code: 'ENOENT' })
})
