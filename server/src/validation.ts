/**
 * What admission would say to an object, asked of the API server by a dry run as the caller: the verdict is that of the webhooks in
 * force, and nobody learns of policies or objects by way of the server's own rights.
 *
 * An object that exists already is judged as a change of it. What is wrong with the object
 * itself is told with what was expected and found, by the same functions that the webhook runs. Stricter than the cluster in
 * one point, as `mnemos lint` is: an unknown field, which an API server would drop in silence, is an error.
 */
import { apiVersion, type Finding, group, judge, kinds, version } from '@mnemos/api'
import type { validation } from '@mnemos/contract'
import { admit, emptyCatalog, noPolicies, readReviewed } from '@mnemos/domain'
import { isAlreadyExists, KubeError, type KubeObject, pathOf, type Resource } from '@mnemos/kube'
import { z } from 'zod'
import type { Caller } from './callers.ts'
import { Refusal } from './refusal.ts'

export type Validation = z.output<typeof validation>
type ValidationError = Validation['errors'][number]

const fieldManager = 'mnemos-validate'
const written = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.looseObject({}).nullish() })
/** What only the API server writes. */
const ofApiServer = new Set(['managedFields', 'resourceVersion', 'uid', 'generation', 'creationTimestamp', 'selfLink'])

/** @throws Refusal for what is no object of ours, and when the caller may not create it or nobody can judge now */
export async function validate(caller: Caller, value: unknown, namespace: string): Promise<Validation> {
  const { object, resource } = readObject(value, namespace)
  const own = ownFindings(object, object.metadata.namespace)
  const warnings: string[] = []
  try {
    const stored = await dryRun(caller, resource, object, (warning) => warnings.push(warning))
    const unknown = own.map(errorOf)
    return {
      valid: unknown.length === 0,
      errors: unknown,
      warnings,
      ...(unknown.length === 0 ? { object: { ...stored, metadata: { ...stored.metadata } } } : {}),
    }
  } catch (error) {
    if (!(error instanceof KubeError) || !isVerdict(error)) throw error
    return { valid: false, errors: merged(own, error), warnings }
  }
}

function readObject(value: unknown, usual: string): { readonly object: KubeObject; readonly resource: Resource } {
  const parsed = written.safeParse(value)
  const known = kinds.map(({ kind }) => kind)
  const definition = parsed.success ? kinds.find(({ kind }) => kind === parsed.data.kind) : undefined
  if (!parsed.success || parsed.data.apiVersion !== apiVersion || definition === undefined) {
    throw new Refusal('MNEMOS_BAD_REQUEST', `Send one object of ${apiVersion} as JSON; the kinds are ${known.join(', ')}.`)
  }
  const given = Object.fromEntries(Object.entries(parsed.data.metadata ?? {}).filter(([name]) => !ofApiServer.has(name)))
  const isNamespaced = definition.scope === 'Namespaced'
  const metadata = isNamespaced ? { namespace: usual, ...given } : given
  return {
    object: { ...parsed.data, metadata } as unknown as KubeObject, // what is wrong with it is what we are asked
    resource: { group, version, plural: definition.plural, kind: definition.kind, namespaced: isNamespaced },
  }
}

function ownFindings(object: KubeObject, namespace: string | undefined): readonly Finding[] {
  const { kind } = object
  const request = { operation: 'CREATE', group, kind, namespace, userName: '', object: readReviewed(object) } as const
  const { findings } = admit(request, { trustedUsers: new Set(), catalog: emptyCatalog, policies: noPolicies })
  const unknown = judge(kind, object, { unknownFields: 'report' })
  return [...findings, ...unknown.filter(({ path }) => !findings.some((each) => each.path === path))]
}

async function dryRun({ client }: Caller, resource: Resource, object: KubeObject, onWarning: (text: string) => void): Promise<KubeObject> {
  const { name, namespace } = object.metadata
  const at = namespace === undefined ? {} : { namespace }
  // Unknown fields are told with a suggestion; here they would hide the rest.
  const common = { query: { dryRun: 'All', fieldManager, fieldValidation: 'Ignore' }, onWarning }
  try {
    return await client.request<KubeObject>('POST', pathOf(resource, at), { ...common, body: object })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const stored = await client.get(resource, { ...at, name })
    if (stored === undefined) throw error
    return await client.request<KubeObject>('PUT', pathOf(resource, { ...at, name }), { ...common, body: changed(stored, object) })
  }
}

/** What is stored, with the change that applying the object would be. */
function changed(stored: KubeObject, object: KubeObject): KubeObject {
  const { labels, annotations } = object.metadata
  const metadata = {
    ...stored.metadata,
    labels: { ...stored.metadata.labels, ...labels },
    annotations: { ...stored.metadata.annotations, ...annotations },
  }
  return { ...stored, ...object, metadata }
}

/** Refused for what it is, or because a rate limit is full; not because nobody could say. */
function isVerdict({ status, retryAfterMs }: KubeError): boolean {
  return status === 400 || status === 422 || (status === 429 && retryAfterMs === undefined)
}

function merged(own: readonly Finding[], error: KubeError): ValidationError[] {
  const causes = error.details?.causes ?? []
  if (causes.length === 0 && own.length === 0) return [{ pointer: '', field: '', code: error.reason, message: error.message }]
  const others = causes.filter(({ field, message = '' }) => !own.some((each) => each.field === field && message.startsWith(each.message)))
  return [
    ...own.map(errorOf),
    ...others.map(({ field = '', reason = error.reason, message = 'invalid' }) => ({
      pointer:
        pointerOf(error.message, message) ??
        field
          .replace(/^(?=.)/, '/')
          .replaceAll(/[.[]/g, '/')
          .replaceAll(']', ''),
      ...{ field, code: reason, message },
    })),
  ]
}

/** Our webhook's message repeats each cause on a line that begins with its pointer. */
function pointerOf(text: string, cause: string): string | undefined {
  const line = text.split('\n').find((each) => each.startsWith('- /') && each.endsWith(`: ${cause}`))
  return line?.slice(2, -cause.length - 2).replace(/^\/$/, '')
}

function errorOf({ path, field, code, message, expected, found, suggestion }: Finding): ValidationError {
  return {
    ...{ pointer: path, field, code, message },
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}
