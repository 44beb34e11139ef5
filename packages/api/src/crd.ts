/** A kind as a CustomResourceDefinition, and that as YAML. Pure: files are written by `npm run generate`. */
import { stringify } from 'yaml'
import type { z } from 'zod'
import { group, type KindDefinition, version } from './kind.ts'
import { crdRule, type Structural, structuralOf } from './structural.ts'

/** Largest CRD in bytes of YAML: `kubectl apply` keeps a copy in an annotation, which may hold 256 KiB. */
export const maxCrdBytes = 65_536

type AnyKind = KindDefinition<z.ZodObject, z.ZodObject>

/** The CRD object. @throws TypeError naming the first field that a structural schema cannot express */
export function crdOf(kind: AnyKind): object {
  const { plural, singular, shortName, scope, columns, selectableFields, scale } = kind
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'mnemos' } },
    spec: {
      group,
      scope,
      names: { kind: kind.kind, listKind: `${kind.kind}List`, plural, singular, shortNames: [shortName], categories: ['mnemos'] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {}, ...(scale === undefined ? {} : { scale }) },
          additionalPrinterColumns: columns.map(({ priority, ...column }) => ({
            ...column,
            ...(priority === undefined ? {} : { priority }),
          })),
          ...(selectableFields.length === 0 ? {} : { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  }
}

function rootSchema(kind: AnyKind): Structural {
  const spec = structuralOf(kind.spec, `${kind.kind}.spec`)
  const status = structuralOf(kind.status, `${kind.kind}.status`)
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'Kind of this object.' },
      metadata: { type: 'object' },
      spec: { ...spec, description: 'What is wanted; belongs to the user.' },
      status: { ...status, description: 'What is; written by one controller.', default: kind.statusDefault },
    },
    ...(kind.rules.length === 0 ? {} : { 'x-kubernetes-validations': kind.rules.map(crdRule) }),
  }
}

/** The CRD as YAML that YAML 1.1 readers (kubectl) understand too. @throws TypeError when it is larger than 64 KiB */
export function crdYaml(kind: AnyKind): string {
  const text = stringify(crdOf(kind), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
  if (Buffer.byteLength(text) > maxCrdBytes)
    throw new TypeError(`${kind.kind}: the CRD has ${Buffer.byteLength(text)} bytes; the limit is ${maxCrdBytes}`)
  return `# Generated from packages/api by npm run generate. Do not edit.\n${text}`
}
