import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { judge } from '@mnemos/api'
import { parse } from 'yaml'
import { demoObjects } from './demo.ts'

const folder = join(import.meta.dirname, '../../../../examples/quickstart')
const example = (file: string): { spec: { source?: { uri: string; digest: string } } } =>
  parse(readFileSync(join(folder, file), 'utf8')) as { spec: { source?: { uri: string; digest: string } } }

test('the demo is the quickstart of the examples', () => {
  const { uri = '', digest } = example('model.yaml').spec.source ?? {}
  const objects = demoObjects({ namespace: 'default', modelUri: uri, modelDigest: digest })
  assert.deepEqual(
    objects.map(({ kind, spec }) => [kind, spec]),
    [
      ['WorkerPool', { replicas: 1 }],
      ['Model', example('model.yaml').spec],
      ['Job', example('job.yaml').spec],
    ],
  )
  for (const object of objects) assert.deepEqual(judge(object.kind, object), [])
})

test('without a digest the import pins what it finds', () => {
  const [, model] = demoObjects({ namespace: 'a', modelUri: 'https://models.example/m.gguf', modelDigest: undefined })
  assert.deepEqual(model?.spec, { source: { uri: 'https://models.example/m.gguf' } })
})
