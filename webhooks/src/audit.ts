/**
 * The audit: who wanted what, what became of it, and by which policy. One record for each object that was changed or that a
 * policy had something against, to the log. A dry run leaves none: nothing happened.
 *
 * Paths, kinds of data and names of policies, never values: what a policy objects to may be personal.
 */
import type { Verdict } from '@mnemos/domain'
import type { Logger } from 'pino'
import { loggedField, loggedName } from './logged-text.ts'
import type { ReviewCall } from './reviewer.ts'

export type Audit = (call: Omit<ReviewCall, 'trace'>, verdict: Verdict) => void

/** More than this of one object is counted, not listed. */
const maxListed = 20

export function createAudit(logger: Logger): Audit {
  const log = logger.child({ log: 'audit' })
  return ({ uid, dryRun, request }, { allowed, status, findings, violations, patch = [] }) => {
    const isForbidden = findings.some(({ code }) => code === 'forbidden')
    const isQuiet = violations.length === 0 && patch.length === 0 && !isForbidden && status?.reason !== 'TooManyRequests'
    if (dryRun || isQuiet) return
    const { stage, operation, kind, namespace, userName, groups = [], object } = request
    log.info(
      {
        uid,
        who: { user: userName, groups: groups.slice(0, maxListed) },
        what: {
          operation,
          kind,
          namespace,
          name: loggedName(object?.metadata.name),
          generateName: loggedName(object?.metadata.generateName),
          uid: object?.metadata.uid,
        },
        stage,
        verdict: allowed ? 'allowed' : 'refused',
        ...(allowed ? {} : { reason: status?.reason, fields: findings.slice(0, maxListed).map(({ field }) => loggedField(field)) }),
        violations: violations.slice(0, maxListed).map(({ policy, rule, type, mode, action, entity, finding }) => ({
          policy,
          rule,
          type,
          mode,
          action,
          field: loggedField(finding.field),
          ...(entity === undefined ? {} : { entity }),
        })),
        ...(violations.length > maxListed ? { more: violations.length - maxListed } : {}),
        changes: patch.slice(0, maxListed).map(({ op, path }) => ({ op, path: loggedField(path) })),
      },
      'admission',
    )
  }
}
