/** Schemas as a person at a terminal meets them: kubectl, a real API server, our operator and our webhook. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Schema, schemaResource } from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { startBench } from './operator.fixture.ts'
import { apply, jobYaml, kubectl, startWebhook } from './webhook.fixture.ts'

const schemas = resource<Schema>(schemaResource)
const bench = await startBench()
const { cluster, client } = bench
const webhook = await startWebhook(cluster)
after(() => webhook.stop())
await bench.startOperator()

const example = (name: string): string => readFileSync(join(import.meta.dirname, '../../examples/schemas', `${name}.yaml`), 'utf8')
const families = example('model-families')
const model = (name: string, ...lines: readonly string[]): string => `apiVersion: mnemos.dev/v1alpha1
kind: Model
metadata: {name: ${name}, namespace: default}
spec:
  source: {uri: "file:///${name}.gguf", digest: "sha256:${'0'.repeat(64)}"}
${lines.map((line) => `  ${line}\n`).join('')}`

async function untilVersion(name: string, inForce: number): Promise<Schema> {
  return eventually(
    async () => {
      const schema = await client.get(schemas, { name })
      assert.equal(schema?.status?.inForce, inForce, JSON.stringify(schema?.status))
      assert.equal(schema.status.observedGeneration, schema.metadata.generation)
      return schema
    },
    { timeoutMs: 10_000, message: `Schema ${name} has version ${inForce} in force` },
  )
}

test('the built-in Schemas are there, switched off', async () => {
  for (const name of ['strict-model', 'strict-job', 'strict-policy', 'strict-pipeline']) {
    const schema = await untilVersion(name, 1)
    assert.equal(schema.spec.mode, 'Off')
    assert.equal(schema.status?.conditions[0]?.status, 'True')
  }
})

test('an applied Schema refuses what does not fit, with every mistake and what was meant', async () => {
  assert.equal((await apply(cluster, families)).stdout, 'schema.mnemos.dev/model-families created\n')
  await untilVersion('model-families', 1)
  const mistyped = model('m1', 'family: lama')
  await eventually(async () => (await apply(cluster, mistyped, ['--dry-run=server'])).code === 1, {
    message: 'the webhook knows the Schema',
  })
  const printed = await apply(cluster, mistyped)
  assert.equal(
    printed.stderr,
    [
      'The Model "m1" is invalid: spec.family: must be one of "qwen2", "llama", "mistral" (Schema model-families); did you mean "llama"?',
      '',
    ].join('\n'),
  )
  assert.equal((await apply(cluster, model('m2', 'family: mistral', 'runtime: {parameters: {contextSize: "65536"}}'))).code, 1)
  assert.equal((await apply(cluster, model('m3', 'family: mistral', 'runtime: {parameters: {contextSize: "8192"}}'))).code, 0)
})

test('an incompatible change is refused with the difference and a document that shows it', async () => {
  const printed = await apply(cluster, families.replace('[qwen2, llama, mistral]', '[qwen2, mistral]'))
  assert.equal(printed.code, 1)
  assert.match(printed.stderr, /spec\.document\.properties\.family: is not BACKWARD compatible with version 1/)
  assert.match(
    printed.stderr,
    /\/family must be one of "qwen2", "mistral" in the newer version, which the older one does not ask: \{"family":"llama"\}/,
  )
})

test('a compatible change is a version more, and an older version can be put in force again', async () => {
  assert.equal((await apply(cluster, families.replace('[qwen2, llama, mistral]', '[qwen2, llama, mistral, gpt]'))).code, 0)
  const schema = await untilVersion('model-families', 2)
  assert.deepEqual(
    schema.status?.versions?.map(({ version }) => version),
    [1, 2],
  )
  await eventually(async () => (await apply(cluster, model('m4', 'family: gpt'))).code === 0, { message: 'gpt is a family' })
  const back = await kubectl(cluster, ['patch', 'mnschema', 'model-families', '--type=merge', '-p', '{"spec":{"version":1}}'])
  assert.equal(back.code, 0, back.stderr)
  await untilVersion('model-families', 1)
  await eventually(async () => (await apply(cluster, model('m5', 'family: gpt'), ['--dry-run=server'])).code === 1, {
    message: 'gpt is no family',
  })
  const absent = await kubectl(cluster, ['patch', 'mnschema', 'model-families', '--type=merge', '-p', '{"spec":{"version":9}}'])
  assert.match(absent.stderr, /spec\.version: there is no version 9; use one of 1, 2/)
})

test('a Schema that warns lets the object in', async () => {
  await apply(cluster, example('short-answers'))
  await untilVersion('short-answers', 1)
  const long = jobYaml('long').replace('prompt: Say hello.}', 'prompt: Say hello., parameters: {maxTokens: 4096}}')
  const wanted = 'Warning: spec.inference.parameters.maxTokens must be at most 2048 (Schema short-answers)'
  await eventually(async () => (await apply(cluster, long, ['--dry-run=server'])).stderr.includes(wanted), {
    message: 'the webhook knows the Schema',
  })
  assert.equal((await apply(cluster, long)).code, 0)
})

test('hostile documents are refused at once', async () => {
  const hostile: Record<string, RegExp> = {
    '{$ref: "#"}': /refers to itself/,
    '{$ref: "http://169.254.169.254/latest"}': /nothing is fetched/,
    '{pattern: "^(?=a)"}': /linear time/,
    [JSON.stringify({ enum: ['x'.repeat(70_000)] })]: /larger than/,
  }
  for (const [document, want] of Object.entries(hostile)) {
    const yaml = `apiVersion: mnemos.dev/v1alpha1\nkind: Schema\nmetadata: {name: hostile}\nspec: {document: ${document}}\n`
    assert.match((await apply(cluster, yaml)).stderr, want)
  }
})

test('what kubectl shows', async () => {
  const { stdout } = await kubectl(cluster, ['get', 'mnschema'])
  assert.match(stdout, /NAME +MODE +VERSION +LATEST +READY +REASON +AGE/)
  assert.match(stdout, /model-families +Enforce +1 +2 +True +VersionInForce/)
  if (process.env['MNEMOS_TEST_LOG'] !== undefined) process.stdout.write(stdout)
})
