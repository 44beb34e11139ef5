import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { reasons } from './conditions.ts'
import { crdOf, crdYaml, maxCrdBytes } from './crd.ts'
import { defineKind } from './kind.ts'
import { kinds } from './kinds.ts'
import * as resources from './resources.ts'

const text = z.string().max(8)
const thing = defineKind({
  kind: 'Thing',
  plural: 'mnemosthings',
  singular: 'mnemosthing',
  shortName: 'mnthing',
  scope: 'Namespaced',
  description: 'A thing.',
  spec: z.object({ y: text.default('no').describe('Yes or no.'), on: z.enum(['off', 'yes']).optional().describe('Where to.') }),
  status: z.object({ phase: z.enum(['Pending', 'Done']).default('Pending').describe('Where it is.') }),
  statusDefault: { phase: 'Pending' },
  rules: [{ rule: 'self.spec.y == oldSelf.spec.y', message: 'y is fixed', fieldPath: '.spec.y', reason: 'FieldValueForbidden' }],
  columns: [{ name: 'Phase', type: 'string', jsonPath: '.status.phase', priority: 1 }],
  selectableFields: ['.status.phase'],
  scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
})

test('a CRD says names, scope, subresources, columns, selectable fields, rules and the default of the status', () => {
  assert.partialDeepStrictEqual(crdOf(thing), {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'mnemosthings.mnemos.dev' },
    spec: {
      group: 'mnemos.dev',
      scope: 'Namespaced',
      names: {
        kind: 'Thing',
        listKind: 'ThingList',
        plural: 'mnemosthings',
        singular: 'mnemosthing',
        shortNames: ['mnthing'],
        categories: ['mnemos'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
          additionalPrinterColumns: [{ name: 'Phase', type: 'string', jsonPath: '.status.phase', priority: 1 }],
          selectableFields: [{ jsonPath: '.status.phase' }],
          schema: {
            openAPIV3Schema: {
              required: ['spec'],
              properties: { status: { default: { phase: 'Pending' } } },
              'x-kubernetes-validations': [
                { rule: 'self.spec.y == oldSelf.spec.y', message: 'y is fixed', fieldPath: '.spec.y', reason: 'FieldValueForbidden' },
              ],
            },
          },
        },
      ],
    },
  })
})

test('words that YAML 1.1 takes for booleans are quoted, as keys and as values', () => {
  const yaml = crdYaml(thing)
  assert.match(yaml, /"y":\n/)
  assert.match(yaml, /"on":\n/)
  assert.match(yaml, /default: "no"\n/)
  assert.match(yaml, /- "off"\n +- "yes"\n/)
  assert.deepEqual(parse(yaml, { version: '1.1' }), JSON.parse(JSON.stringify(crdOf(thing))))
})

test('a CRD that is too large is refused', () => {
  const fields = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`f${at}`, text.optional().describe('x'.repeat(200))]))
  assert.throws(() => crdYaml({ ...thing, spec: z.object(fields) }), { message: /^Thing: the CRD has \d+ bytes; the limit is 65536$/ })
})

for (const kind of kinds) {
  test(`${kind.kind}: the CRD is small enough, its names follow the pattern, its columns exist`, () => {
    const yaml = crdYaml(kind)
    assert.ok(Buffer.byteLength(yaml) <= maxCrdBytes)
    assert.match(kind.plural, /^mnemos[a-z]+s$/)
    assert.equal(`${kind.singular.replace(/y$/, 'ie')}s`, kind.plural)
    assert.match(kind.shortName, /^mn[a-z]+$/)
    const conditions = JSON.stringify(kind.statusDefault).match(/"reason":"(\w+)"/)?.[1]
    assert.ok(conditions === undefined || conditions in reasons)
    for (const { jsonPath } of kind.columns) {
      const [, part = '', field = ''] = jsonPath.split(/[.[]/)
      if (part === 'status' || part === 'spec') assert.ok(field in kind[part].shape, jsonPath)
    }
  })
}

test('short names and plurals are unique, and each kind has its resource', () => {
  assert.equal(new Set(kinds.map(({ shortName }) => shortName)).size, kinds.length)
  const listed = Object.values(resources).map(({ kind, plural, namespaced }) => [kind, plural, namespaced])
  assert.deepEqual(listed.sort(), kinds.map(({ kind, plural, scope }) => [kind, plural, scope === 'Namespaced']).sort())
})
