/**
 * What may stand where an object names another: its name, a reference, or the construct itself.
 *
 * The kind is part of the type: a Queue where a Model belongs is a type error.
 */
import { ApiObject, Duration, Size } from 'cdk8s'
import { Construct } from 'constructs'
import type { MnemosObject } from './mnemos-object.ts'
import { Reference } from './pipeline-reference.ts'

/** A reference as it stands in YAML. A construct is none (it has a `kind`), so that its kind is checked. */
export interface ObjectReference {
  /** Name of the object. */
  readonly name: string
  /** Namespace of the object; the namespace of the referring object when absent. */
  readonly namespace?: string | undefined
  readonly kind?: never
}

/** A construct of the kind, or a reference to an object that this app does not render. */
export type ReferenceTo<Kind extends string> = ObjectReference | MnemosObject<Kind, object>

/** A construct of the kind, or the name of an object that this app does not render. */
export type NameOf<Kind extends string> = string | MnemosObject<Kind, object>

/** A name of an object of Kubernetes, or anything that has one, e.g. a Secret of cdk8s-plus. */
export interface NamedReference {
  readonly name: string
}

const kibi = 1024

/**
 * A spec with its constructs, references, Sizes and Durations written as YAML has them.
 * @param names paths of fields that hold a bare name, e.g. `dependsOn[]`
 * @param namespace of the object whose spec it is
 * @throws TypeError for a name of an object in another namespace, and for a Size below one KiB
 */
export function written(value: unknown, names: readonly string[], namespace: string | undefined, path = ''): unknown {
  if (value instanceof Duration) return value.toSeconds()
  if (value instanceof Size) return amount(value)
  if (value instanceof Reference) return value.toString()
  if (Construct.isConstruct(value)) return referenceTo(value, names.includes(path.replaceAll(/\[\d+\]/g, '[]')), namespace, path)
  if (Array.isArray(value)) return value.map((item, at) => written(item, names, namespace, `${path}[${at}]`))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => {
    return [key, written(item, names, namespace, path === '' ? key : `${path}.${key}`)] as const
  })
  return Object.fromEntries(entries)
}

function referenceTo(target: Construct, isName: boolean, namespace: string | undefined, path: string): unknown {
  const object = ApiObject.of(target)
  const theirs = namespaceOf(object)
  const isElsewhere = theirs !== undefined && theirs !== namespace
  if (!isName) return { name: object.name, ...(isElsewhere ? { namespace: theirs } : {}) }
  if (isElsewhere)
    throw new TypeError(`spec.${path}: ${object.kind} "${object.name}" is in namespace ${theirs}; name one of the same namespace`)
  return object.name
}

/** Objects of the cluster have no namespace, whatever their chart says. */
function namespaceOf(object: ApiObject): string | undefined {
  return 'isNamespaced' in object && object.isNamespaced === false ? undefined : object.metadata.namespace
}

/** The greatest binary unit that says the size without a fraction. */
function amount(size: Size): string {
  const whole = size.toKibibytes()
  if (whole % kibi ** 2 === 0) return `${whole / kibi ** 2}Gi`
  return whole % kibi === 0 ? `${whole / kibi}Mi` : `${whole}Ki`
}
