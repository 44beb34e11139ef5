/**
 * The patch that takes personal data out of the input of a Job before anything is stored, and out of kubectl's copy of it.
 *
 * An input that is stored already is left alone (it cannot change); of one that is sent again, the redacted text is the same as
 * the stored one, so that applying a manifest twice stays without effect.
 */
import type { PiiEntityName } from '@mnemos/api'
import type { Violation } from '../policies/judge-policies.ts'
import type { PolicyWorld } from '../policies/policy-world.ts'
import { fieldOf, textOf } from '../reading.ts'
import type { PatchOperation, ReviewedObject, ReviewRequest } from './verdict.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const lastAppliedPath = '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration'

export function redactionPatch(request: ReviewRequest, violations: readonly Violation[], world: PolicyWorld): readonly PatchOperation[] {
  const entities = entitiesByPath(violations)
  const { object } = request
  if (entities.size === 0 || object === undefined) return []
  const patch = [...entities].flatMap(([path, kinds]): readonly PatchOperation[] => {
    const text = textOf(at(object, path))
    const redacted = text === undefined ? undefined : world.redactPii(text, kinds)
    return redacted === undefined || redacted === text ? [] : [{ op: 'replace', path, value: redacted }]
  })
  return [...patch, ...lastAppliedPatch(object, entities, world)]
}

function entitiesByPath(violations: readonly Violation[]): ReadonlyMap<string, readonly PiiEntityName[]> {
  const entities = new Map<string, PiiEntityName[]>()
  for (const { action, entity, finding } of violations) {
    if (action !== 'Redact' || entity === undefined) continue
    const known = entities.get(finding.path) ?? []
    entities.set(finding.path, known.includes(entity) ? known : [...known, entity])
  }
  return entities
}

/** kubectl keeps the manifest as it was written in an annotation; what was taken out of the object must not stay in there. */
function lastAppliedPatch(
  object: ReviewedObject,
  entities: ReadonlyMap<string, readonly PiiEntityName[]>,
  world: PolicyWorld,
): readonly PatchOperation[] {
  const copy = object.metadata.annotations?.[lastApplied]
  if (copy === undefined) return []
  const value = redactedCopy(copy, [...new Set([...entities.values()].flat())], world)
  if (value === copy) return []
  return [value === undefined ? { op: 'remove', path: lastAppliedPath } : { op: 'replace', path: lastAppliedPath, value }]
}

/** Without the personal data in any of its texts; undefined when it cannot be read. */
function redactedCopy(copy: string, entities: readonly PiiEntityName[], world: PolicyWorld): string | undefined {
  try {
    const manifest: unknown = JSON.parse(copy)
    const redacted = JSON.stringify(manifest, (_key, value: unknown) =>
      typeof value === 'string' ? world.redactPii(value, entities) : value,
    )
    return redacted === JSON.stringify(manifest) ? copy : `${redacted}\n`
  } catch {
    return undefined
  }
}

/** The value at a JSON Pointer. */
function at(object: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((value, key) => fieldOf(value, key.replaceAll('~1', '/').replaceAll('~0', '~')), object)
}
