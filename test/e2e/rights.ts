/** Rights that were granted held against the audit log: which of them nobody used. */
import { parse } from 'yaml'
import type { AuditEvent } from './installation.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}
type Rights = Readonly<Record<string, { readonly cluster: readonly Rule[]; readonly system: readonly Rule[] }>>

/**
 * Rights of generated/rbac.yaml that no request of the log needed, as `process verb group/resource`.
 * @param namespace of the system
 */
export function unusedRights(rights: string, audit: readonly AuditEvent[], namespace: string): readonly string[] {
  const used = new Map<string, AuditEvent[]>()
  const prefix = `system:serviceaccount:${namespace}:mnemos-`
  for (const event of audit) {
    if (!event.user.username.startsWith(prefix)) continue
    const process = event.user.username.slice(prefix.length)
    used.set(process, [...(used.get(process) ?? []), event])
  }
  const unused: string[] = []
  for (const [process, { cluster, system }] of Object.entries(parse(rights) as Rights)) // made by hack/generate
    for (const rule of [...cluster, ...system])
      for (const resource of rule.resources)
        for (const verb of rule.verbs) {
          const isUsed = (used.get(process) ?? []).some((event) => needs(event, { group: rule.apiGroups[0] ?? '', resource, verb }))
          if (!isUsed) unused.push(`${process} ${verb} ${rule.apiGroups[0] === '' ? resource : `${rule.apiGroups[0]}/${resource}`}`)
        }
  return unused.sort()
}

/** What processes asked for and may not, as `process verb resource`. */
export function refused(audit: readonly AuditEvent[], namespace: string): readonly string[] {
  const prefix = `system:serviceaccount:${namespace}:mnemos-`
  const denied = audit.filter(({ user, responseStatus }) => user.username.startsWith(prefix) && responseStatus?.code === 403)
  return [
    ...new Set(
      denied.map(
        ({ user, verb, objectRef }) =>
          `${user.username.slice(prefix.length)} ${verb} ${objectRef?.resource ?? ''} ${objectRef?.namespace ?? ''}`,
      ),
    ),
  ].sort()
}

function needs({ verb, objectRef, responseStatus }: AuditEvent, right: { group: string; resource: string; verb: string }): boolean {
  const resource = objectRef?.subresource === undefined ? objectRef?.resource : `${objectRef.resource}/${objectRef.subresource}`
  if (resource !== right.resource || (objectRef?.apiGroup ?? '') !== right.group) return false
  // A patch that makes an object needs both.
  return verb === right.verb || (right.verb === 'create' && verb === 'patch' && responseStatus?.code === 201)
}
