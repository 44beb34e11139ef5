/** What users of Kubernetes expect of every kind, whoever wrote it (docs/conventions.md). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { reasonsByKind } from './conditions.ts'
import { crdOf } from './crd.ts'
import { kinds } from './kinds.ts'

/** Names by which `kubectl get` finds what Kubernetes and well-known operators brought before us. */
const taken = [
  ...['jobs', 'job', 'cronjobs', 'cj', 'events', 'ev', 'pods', 'po', 'nodes', 'no', 'services', 'svc', 'quota', 'pc', 'cm', 'ns'],
  ...['pipelines', 'pipeline', 'pr', 'prs', 'pipelineruns', 'tasks', 'models', 'model', 'queues', 'queue', 'q', 'vcjob', 'vj'],
  ...['policies', 'policy', 'pol', 'cpol', 'clusterpolicies', 'wl', 'kwl', 'cq', 'lq', 'schedules', 'backups', 'restores', 'workers'],
]

interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

const versionOf = (kind: (typeof kinds)[number]) => {
  const [version] = (crdOf(kind) as { spec: { versions: readonly Version[] } }).spec.versions // as Kubernetes defines it
  assert.ok(version)
  return version
}
interface Version {
  readonly schema: { readonly openAPIV3Schema: Schema }
  readonly subresources: Readonly<Record<string, unknown>>
  readonly additionalPrinterColumns: readonly { readonly name: string; readonly priority?: number }[]
}

test('no kind goes by a name that others have', () => {
  for (const { plural, singular, shortName } of kinds)
    for (const name of [plural, singular, shortName]) assert.ok(!taken.includes(name), `${name} is taken`)
})

test('every kind is in the category mnemos and in no other', () => {
  for (const kind of kinds) {
    const { names } = (crdOf(kind) as { spec: { names: { categories: readonly string[] } } }).spec
    assert.deepEqual(names.categories, ['mnemos'], kind.kind)
  }
})

test('every kind has a status of its own, with conditions that are merged by type', () => {
  for (const kind of kinds) {
    const { schema, subresources } = versionOf(kind)
    assert.ok('status' in subresources, kind.kind)
    const conditions = schema.openAPIV3Schema.properties?.['status']?.properties?.['conditions']
    assert.deepEqual(conditions?.['x-kubernetes-list-map-keys'], ['type'], kind.kind)
  }
})

test('every field is described', () => {
  for (const kind of kinds) {
    const { spec, status } = versionOf(kind).schema.openAPIV3Schema.properties ?? {}
    assert.deepEqual([...undescribed(spec, 'spec'), ...undescribed(status, 'status')], [], kind.kind)
  }
})

function undescribed(schema: Schema | undefined, path: string): readonly string[] {
  if (schema === undefined) return []
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    ...(field.description === undefined || field.description.length < 5 ? [`${path}.${name}`] : []),
    ...undescribed(field, `${path}.${name}`),
  ])
  const { additionalProperties } = schema
  const values = typeof additionalProperties === 'object' ? undescribed(additionalProperties, `${path}.*`) : []
  return [...inner, ...undescribed(schema.items, `${path}[]`), ...values]
}

test('columns are single words, the age is the last, and few are shown without -o wide', () => {
  for (const kind of kinds) {
    const columns = versionOf(kind).additionalPrinterColumns
    for (const { name } of columns) assert.match(name, /^[A-Z][A-Za-z]*$/, kind.kind)
    assert.equal(columns.at(-1)?.name, 'Age', kind.kind)
    assert.ok(columns.filter(({ priority = 0 }) => priority === 0).length <= 6, kind.kind)
  }
})

test('every reason is a word in CamelCase, and the reference explains it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/conditions.md'), 'utf8')
  for (const [kind, reasons] of Object.entries(reasonsByKind))
    for (const reason of Object.keys(reasons)) {
      assert.match(reason, /^[A-Z][A-Za-z0-9]+$/, kind)
      assert.ok(page.includes(`\`${reason}\``), `docs/reference/conditions.md lacks ${reason}`)
    }
})
