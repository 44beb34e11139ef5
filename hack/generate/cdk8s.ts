/**
 * cdk8s/src/gen: for each kind its construct and the interfaces of its spec, with the descriptions of packages/api as doc comments.
 *
 * Nothing names a kind or a field: what a field accepts beside plain values is read off its form. A reference takes a construct of
 * the kind that the field's name says (`modelRef`, `models`, `queue`), an amount a Size, whole seconds a Duration.
 */
import { crdOf, kinds } from '@mnemos/api'

interface Schema {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly 'x-kubernetes-int-or-string'?: true
}

type Kind = (typeof kinds)[number]

/** Fields of a kind that hold names of objects without saying so in their own name. */
const namesOf: Readonly<Record<string, string>> = { 'Job dependsOn': 'Job' }

export function generate(): Promise<ReadonlyMap<string, string>> {
  const head = [
    '/** Constructs and specs of every kind. Generated from packages/api by `npm run generate`. Do not edit. */',
    "import type { Duration, Size } from 'cdk8s'",
    "import type { Construct } from 'constructs'",
    "import { MnemosObject, type ObjectProps } from '../mnemos-object.ts'",
    "import type { NamedReference, NameOf, ReferenceTo } from '../reference.ts'",
  ]
  return Promise.resolve(new Map([['cdk8s/src/gen/constructs.ts', `${[...head, ...kinds.map(sectionOf)].join('\n')}\n`]]))
}

function sectionOf(kind: Kind): string {
  const crd = crdOf(kind) as { spec: { versions: readonly [{ schema: { openAPIV3Schema: Schema } }] } }
  const spec = crd.spec.versions[0].schema.openAPIV3Schema.properties?.['spec'] ?? {}
  const interfaces = new Map<string, string>()
  const names: string[] = []
  addInterface(`${kind.kind}Spec`, `What a ${kind.kind} is to be. ${kind.description}`, spec, '', { interfaces, names, prefix: kind.kind })
  const isOptional = (spec.required ?? []).length === 0
  return `
${[...interfaces.values()].reverse().join('\n\n')}

/** ${kind.description}${kind.kind === 'Worker' ? ' Made by the operator; nobody needs to write one.' : ''} */
export class ${kind.kind} extends MnemosObject<'${kind.kind}', ${kind.kind}Spec> {
  constructor(scope: Construct, id: string, props: ObjectProps<${kind.kind}Spec>${isOptional ? ' = { spec: {} }' : ''}) {
    super(scope, id, '${kind.kind}', ${JSON.stringify(names)}, props)
  }
}`
}

interface Found {
  readonly interfaces: Map<string, string>
  /** Paths of the fields that hold bare names. */
  readonly names: string[]
  readonly prefix: string
}

function addInterface(name: string, description: string, schema: Schema, path: string, found: Found): void {
  const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => {
    const below = path === '' ? key : `${path}.${key}`
    const mark = schema.required?.includes(key) === true ? '' : '?'
    const type = typeOf(key, field, below, found)
    return `${comment(field)}  readonly ${key}${mark}: ${type}${mark === '' ? '' : ' | undefined'}`
  })
  found.interfaces.set(name, `/** ${escaped(description)} */\nexport interface ${name} {\n${fields.join('\n')}\n}`)
}

function comment({ description = '', default: preset }: Schema): string {
  const text = `${escaped(description)}${preset === undefined ? '' : ` Default: ${escaped(JSON.stringify(preset))}.`}`
  return text === '' ? '' : `  /** ${text} */\n`
}

const escaped = (text: string): string => text.replaceAll('*/', '*\\/')

function typeOf(key: string, schema: Schema, path: string, found: Found): string {
  const { type, items, properties, additionalProperties } = schema
  if (schema['x-kubernetes-int-or-string'] === true) return 'number | string | Size'
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (type === 'array') return `readonly (${typeOf(key, items ?? {}, `${path}[]`, found)})[]`
  if (properties !== undefined) return referenceOf(key, properties) ?? nested(schema, path, found)
  if (additionalProperties !== undefined) return `Readonly<Record<string, ${typeOf('', additionalProperties, `${path}{}`, found)}>>`
  if (type === 'integer') return /seconds/i.test(key) ? 'number | Duration' : 'number'
  if (type === 'number' || type === 'boolean') return type
  if (type === 'string') return nameOf(key, path, found) ?? 'string'
  // Without a type: a field of any value.
  return type === undefined ? 'unknown' : 'Readonly<Record<string, unknown>>'
}

function nested(schema: Schema, path: string, found: Found): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const name = `${found.prefix}${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
  addInterface(name, schema.description ?? `Part of the spec of a ${found.prefix}.`, schema, path, found)
  return name
}

/** `{name, namespace}` names an object of ours, `{name}` alone one of Kubernetes, when the field is called `…Ref`. */
function referenceOf(key: string, properties: Readonly<Record<string, Schema>>): string | undefined {
  const fields = Object.keys(properties).sort().join()
  if (fields === 'name' && key.endsWith('Ref')) return 'NamedReference'
  if (fields !== 'name,namespace') return undefined
  const kind = kindCalled(key.replace(/(Ref|s)$/, ''))
  return kind === undefined ? 'ReferenceTo<string>' : `ReferenceTo<'${kind}'>`
}

function nameOf(key: string, path: string, found: Found): string | undefined {
  const kind = namesOf[`${found.prefix} ${key}`] ?? kindCalled(key)
  if (kind === undefined) return undefined
  found.names.push(path)
  return `NameOf<'${kind}'>`
}

/** The kind that a field is called after: `model`, and `pool` for WorkerPool as its last word. */
function kindCalled(word: string): string | undefined {
  const wanted = word.toLowerCase()
  const named = kinds.map(({ kind }) => kind)
  const lastWord = (kind: string): string => /[A-Z][a-z]*$/.exec(kind)?.[0].toLowerCase() ?? ''
  return named.find((kind) => kind.toLowerCase() === wanted) ?? named.find((kind) => lastWord(kind) === wanted)
}
