/** docs/reference: every field of every kind, and every reason, from the same source as the CRDs. */
import { conditionTypes, crdOf, kinds, reasonsByKind } from '@mnemos/api'

interface Schema {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly format?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly 'x-kubernetes-int-or-string'?: true
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string; readonly fieldPath?: string }[]
}

interface Crd {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] }
}

const note = 'Generated from packages/api by `npm run generate`.'

export function generate(): Promise<ReadonlyMap<string, string>> {
  return Promise.resolve(
    new Map([
      ['docs/reference/kinds.md', `# Kinds of \`mnemos.dev/v1alpha1\`\n\n${note}\n\n${kinds.map(sectionOf).join('\n')}`],
      ['docs/reference/conditions.md', conditionsPage()],
      ...kinds.map((kind): [string, string] => [`docs/reference/schemas/${kind.singular}.json`, editorSchema(kind)]),
    ]),
  )
}

function rootOf(kind: (typeof kinds)[number]): Schema {
  const crd = crdOf(kind) as Crd
  return crd.spec.versions[0].schema.openAPIV3Schema
}

function sectionOf(kind: (typeof kinds)[number]): string {
  const root = rootOf(kind)
  const rules = (root['x-kubernetes-validations'] ?? []).map(
    ({ message, fieldPath }) => `- ${fieldPath === undefined ? '' : `\`${fieldPath.slice(1)}\`: `}${message}`,
  )
  const table = (name: 'spec' | 'status'): string => {
    const rows = rowsOf(root.properties?.[name] ?? {}, name)
    return `\n### ${kind.kind} ${name}\n\n| Field | Type | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`
  }
  const head = `## ${kind.kind}\n\n${kind.description}\n\n\`${kind.plural}\`, short \`${kind.shortName}\`, ${kind.scope === 'Namespaced' ? 'in a namespace' : 'of the cluster'}.\n`
  return `${head}${table('spec')}${rules.length === 0 ? '' : `\nRules:\n\n${rules.join('\n')}\n`}${table('status')}`
}

function rowsOf(schema: Schema, at: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${at}.${name}`
    const isRequired = schema.required?.includes(name) === true
    const row = `| \`${path}\`${isRequired ? ' (required)' : ''} | ${typeOf(field)} | ${(field.description ?? '').replaceAll('|', '\\|')}${boundsOf(field)} |`
    const rules = (field['x-kubernetes-validations'] ?? []).map(({ message }) => `| | | Rule: ${message}. |`)
    const below = field.type === 'array' ? rowsOf(field.items ?? {}, `${path}[]`) : rowsOf(field, path)
    return [row, ...rules, ...below]
  })
}

function typeOf({ type = 'any', items, additionalProperties, format, 'x-kubernetes-int-or-string': isIntOrString }: Schema): string {
  if (isIntOrString === true) return 'integer or string'
  if (type === 'array') return `list of ${typeOf(items ?? {})}`
  if (additionalProperties !== undefined) return `map of ${typeOf(additionalProperties)}`
  return format === undefined ? type : `${type} (${format})`
}

function boundsOf(field: Schema): string {
  const said = [
    field.enum === undefined ? undefined : `One of ${field.enum.map((value) => `\`${value}\``).join(', ')}.`,
    field.minimum === undefined && field.maximum === undefined ? undefined : `From ${field.minimum ?? 'any'} to ${field.maximum ?? 'any'}.`,
    field.maxLength === undefined ? undefined : `At most ${field.maxLength} characters.`,
    field.maxItems === undefined ? undefined : `At most ${field.maxItems} items.`,
    field.default === undefined ? undefined : `Default \`${JSON.stringify(field.default)}\`.`,
  ].filter((part) => part !== undefined)
  return said.length === 0 ? '' : ` ${said.join(' ')}`
}

function conditionsPage(): string {
  const tableOf = (head: string, rows: Readonly<Record<string, string>>): string => {
    const lines = Object.entries(rows).map(([name, meaning]) => `| \`${name}\` | ${meaning.replaceAll('|', '\\|')} |`)
    return `| ${head} | Meaning |\n|---|---|\n${lines.join('\n')}\n`
  }
  const living = 'Living kinds (Model, WorkerPool, Worker) sum up in `Ready`, a Job in `Succeeded`.'
  const kstatus = '`Reconciling` and `Stalled` exist only while they are True, so `kubectl wait`, Flux and Argo CD read every phase right.'
  const phases = tableOf('Job is', {
    'Pending, Retrying': '`Reconciling`: kstatus says InProgress, and the reason says what it waits for.',
    'Scheduled, Running': '`Placed`, then also `Started`: kstatus says Current.',
    Succeeded: '`Succeeded` is True: kstatus says Current.',
    Cancelled: '`Succeeded` is False: kstatus says Current, as nothing is left to do.',
    Failed: '`Succeeded` is False, `Stalled` is True: kstatus says Failed.',
  })
  const sections = Object.entries(reasonsByKind).map(([kind, rows]) => `### ${kind}\n\n${tableOf('Reason', rows)}`)
  return `# Conditions and their reasons\n\n${note}\n\n${living} ${kstatus}\n\n${tableOf('Condition', conditionTypes)}\n${phases}\n## Reasons\n\n${sections.join('\n')}`
}

/** A JSON Schema for editors: what a user writes, without status. */
function editorSchema(kind: (typeof kinds)[number]): string {
  const { apiVersion, kind: kindField, metadata, spec } = rootOf(kind).properties ?? {}
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: kind.kind,
    description: kind.description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion: { ...apiVersion, const: 'mnemos.dev/v1alpha1' },
      kind: { ...kindField, const: kind.kind },
      metadata,
      spec: forEditors(spec ?? {}),
    },
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

/** Without what only the API server reads; a field that nobody declared is a mistake to an editor. */
function forEditors(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forEditors)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => !key.startsWith('x-kubernetes-'))
  const isClosed = 'type' in value && value.type === 'object' && 'properties' in value
  return Object.fromEntries([
    ...kept.map(([key, item]: [string, unknown]) => [key, forEditors(item)] as const),
    ...(isClosed ? [['additionalProperties', false] as const] : []),
  ])
}
