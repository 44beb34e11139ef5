/**
 * One source of API truth: every fixture is judged in JavaScript (zod and CEL) and by a real API server. Both must say the
 * same, name the same fields, and leave the same defaults.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { asRead, judge, kinds } from '@mnemos/api'
import { createClient, KubeError, type KubeObject, pathOf, resource } from '@mnemos/kube'
import { startTestCluster } from '@mnemos/testkit'
import { parse } from 'yaml'

const folder = join(import.meta.dirname, '../../packages/api/fixtures')

interface Fixture {
  readonly file: string
  readonly object: KubeObject & { readonly spec: unknown }
  readonly wantFields: readonly string[]
  /** The API server drops unknown fields unless it is asked to refuse them, and then tells of nothing else. */
  readonly isStrict: boolean
}

function fixtures(verdict: 'accept' | 'reject'): Fixture[] {
  return readdirSync(join(folder, verdict)).map((file) => {
    const text = readFileSync(join(folder, verdict, file), 'utf8')
    const wantFields = [...text.matchAll(/^# want: (.+)$/gm)].map(([, field = '']) => field)
    return { file, object: parse(text) as Fixture['object'], wantFields, isStrict: /^# strict$/m.test(text) }
  })
}

function kindOf({ kind }: KubeObject) {
  const found = kinds.find((each) => each.kind === kind)
  if (found === undefined) throw new Error(`no kind ${kind}`)
  return found
}

function resourceOf(object: KubeObject) {
  const { plural, kind, scope } = kindOf(object)
  return resource<KubeObject & { spec: unknown }>({
    group: 'mnemos.dev',
    version: 'v1alpha1',
    plural,
    kind,
    namespaced: scope === 'Namespaced',
  })
}

/** The fields that the API server names; when a type is wrong it adds a cause of no field for the rules it could not run. */
function fieldsOf(error: unknown): string[] {
  assert.ok(error instanceof KubeError, String(error))
  if (error.status === 400) return [...error.message.matchAll(/unknown field "([^"]+)"/g)].map(([, field = '']) => field)
  assert.equal(error.status, 422, error.message)
  return (error.details?.causes ?? []).filter(({ field }) => field !== '<nil>').map(({ field }) => field ?? '')
}

const examples = join(import.meta.dirname, '../../examples')

/** Every object of the examples that is not wrong on purpose. */
function exampleObjects(): { file: string; object: Fixture['object'] }[] {
  const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
  return files.flatMap((file) => {
    const texts = readFileSync(join(examples, file), 'utf8').split(/^---$/m)
    const objects = texts.map((text) => parse(text) as Fixture['object'] | null).filter((object) => object !== null)
    return file.includes('mistyped')
      ? []
      : objects.filter(({ kind }) => kinds.some((each) => each.kind === kind)).map((object) => ({ file, object }))
  })
}

const cluster = await startTestCluster({ crds: true })
const client = createClient({ credentials: cluster.credentials() })
after(() => client.close())

describe('the judgement in JavaScript and the API server agree', () => {
  for (const { file, object } of fixtures('accept')) {
    it(`accepts ${file}, with the same defaults`, async () => {
      assert.deepEqual(judge(kindOf(object), object), [])
      const stored = await client.create(resourceOf(object), object, { dryRun: true })
      const { spec } = kindOf(object)
      assert.deepEqual(stored.spec, asRead(spec, object.spec), 'as read')
      assert.deepEqual(stored.spec, spec.parse(asRead(spec, object.spec)), 'as parsed')
    })
  }

  for (const { file, object } of exampleObjects()) {
    it(`accepts ${object.kind} ${object.metadata.name} of examples/${file}`, async () => {
      assert.deepEqual(judge(kindOf(object), object), [])
      // The namespaces of the examples are not here, and the kinds' rules do not ask for them.
      const here = object.metadata.namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace: 'default' } }
      await client.create(resourceOf(object), here, { dryRun: true })
    })
  }

  for (const { file, object, wantFields, isStrict } of fixtures('reject')) {
    it(`rejects ${file} for ${wantFields.join(', ')}`, async () => {
      const judged = judge(kindOf(object), object).map(({ field }) => field)
      assert.deepEqual([...new Set(judged)].sort(), [...wantFields].sort(), 'the judgement in JavaScript')
      const query = { dryRun: 'All', fieldValidation: isStrict ? 'Strict' : 'Ignore' }
      const refused = await client.request('POST', pathOf(resourceOf(object), object.metadata), { body: object, query }).then(
        () => assert.fail('the API server accepted it'),
        (error: unknown) => fieldsOf(error),
      )
      assert.deepEqual([...new Set(refused)].sort(), [...wantFields].sort(), 'the API server')
    })
  }
})
