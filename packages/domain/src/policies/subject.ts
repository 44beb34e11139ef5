/**
 * What a policy judges: one object as the API server reads it, who asks for it, and what is known of the Model that it uses.
 *
 * Built once per review and shared by all policies; what only some rules need is made when the first one asks.
 */
import { apiVersion, asRead, celValue, kinds, type PolicedKind, policedKinds } from '@mnemos/api'
import { aliasTargetOfUri } from '../models/alias.ts'
import { fieldOf, textOf } from '../reading.ts'
import { behindAlias } from './model-facts.ts'

/** What is known of a Model for the sake of those who use it. */
export interface ModelFacts {
  /** Where its bytes come from. */
  readonly uri?: string | undefined
  /** The source of the alias that leads to those bytes; undefined where the Model is none, or leads nowhere yet. */
  readonly alias?: string | undefined
  /** The digest that its spec demands. */
  readonly digest?: string | undefined
  /** SPDX expression: that of the spec, or the one found in the bytes. */
  readonly license?: string | undefined
  /** Whether its bytes were read, so that a licence that is absent will stay so. */
  readonly isImported?: boolean | undefined
}

export interface Requester {
  /** The user for whom the object is made: of a child, the one who asked for its parent. */
  readonly user: string
  /** Undefined when they cannot be known: an object that one of our own processes makes for somebody. */
  readonly groups: readonly string[] | undefined
}

/** An object with what its policies may ask about it. */
export interface PolicySubject {
  readonly kind: PolicedKind
  readonly operation: 'CREATE' | 'UPDATE'
  readonly namespace: string | undefined
  readonly namespaceLabels: Readonly<Record<string, string>>
  /** Empty while it is still to be generated. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly requester: Requester
  /** The spec with its defaults and without unknown fields. */
  readonly spec: unknown
  /** Facts of the Model that a Job uses or, of a Model, its own; undefined while there is none that may be known. */
  readonly model: ModelFacts | undefined
  /** Variables of CEL expressions. */
  variables(): Readonly<Record<string, unknown>>
}

/** What a subject is made of. */
export interface SubjectParts {
  readonly kind: string
  readonly operation: 'CREATE' | 'UPDATE'
  readonly namespace?: string | undefined
  readonly namespaceLabels?: Readonly<Record<string, string>> | undefined
  readonly object: SubjectObject | undefined
  /** What is stored now, on an update. */
  readonly oldObject?: SubjectObject | undefined
  readonly requester: Requester
  /** Facts of the Model `name` of `namespace`; undefined when the subject's namespace may not use it. */
  readonly modelFacts: (namespace: string, name: string) => ModelFacts | undefined
}

interface SubjectObject {
  readonly metadata: {
    readonly name?: string | undefined
    readonly labels?: Readonly<Record<string, string>> | undefined
    readonly annotations?: Readonly<Record<string, string>> | undefined
  }
  readonly spec?: unknown
}

/** The subject of an object, or undefined for kinds that no policy looks at. */
export function subjectOf(parts: SubjectParts): PolicySubject | undefined {
  const kind = policedKinds.find((each) => each === parts.kind)
  const definition = kinds.find((each) => each.kind === kind)
  if (kind === undefined || definition === undefined || parts.object === undefined) return undefined
  const { object, oldObject, namespace, requester, operation } = parts
  const spec = asRead(definition.spec, object.spec)
  let variables: Readonly<Record<string, unknown>> | undefined
  const celObject = (of: SubjectObject, read: unknown): Readonly<Record<string, unknown>> => ({
    apiVersion,
    kind,
    metadata: {
      name: of.metadata.name ?? '',
      namespace: namespace ?? '',
      labels: of.metadata.labels ?? {},
      annotations: of.metadata.annotations ?? {},
    },
    spec: celValue(definition.spec, read) ?? {},
  })
  return {
    kind,
    operation,
    namespace,
    namespaceLabels: parts.namespaceLabels ?? {},
    name: object.metadata.name ?? '',
    labels: object.metadata.labels ?? {},
    requester,
    spec,
    model: factsOf(kind, spec, parts),
    variables: () => {
      variables ??= {
        object: celObject(object, spec),
        oldObject: oldObject === undefined ? null : celObject(oldObject, asRead(definition.spec, oldObject.spec)),
        request: { operation, user: requester.user, groups: requester.groups ?? [], namespace: namespace ?? '' },
      }
      return variables
    },
  }
}

function factsOf(kind: PolicedKind, spec: unknown, { namespace = '', object, modelFacts }: SubjectParts): ModelFacts | undefined {
  if (kind === 'Model') {
    const source = fieldOf(spec, 'source')
    const uri = textOf(fieldOf(source, 'uri'))
    const target = uri === undefined ? undefined : aliasTargetOfUri(uri)
    if (target !== undefined) return behindAlias({ uri, license: textOf(fieldOf(spec, 'license')) }, modelFacts(namespace, target))
    // What was found in the bytes counts while the source is still the one that they came from.
    const stored = modelFacts(namespace, object?.metadata.name ?? '')
    const found = stored?.uri === uri && stored?.alias === undefined ? stored : undefined
    const license = textOf(fieldOf(spec, 'license')) ?? found?.license
    return { uri, digest: textOf(fieldOf(source, 'digest')), license, isImported: found?.isImported }
  }
  const reference = modelReference(kind, spec, namespace)
  return reference === undefined ? undefined : modelFacts(reference.namespace, reference.name)
}

/** The Model that a Job uses. */
export function modelReference(kind: PolicedKind, spec: unknown, namespace: string): { namespace: string; name: string } | undefined {
  if (kind !== 'Job') return undefined
  const reference = fieldOf(fieldOf(spec, 'inference'), 'modelRef')
  const name = textOf(fieldOf(reference, 'name'))
  return name === undefined ? undefined : { namespace: textOf(fieldOf(reference, 'namespace')) ?? namespace, name }
}
