/** Who is let off a ClusterPolicy for a while. */
import { type PolicyException, parseTime } from '@mnemos/api'
import type { PolicySubject } from './subject.ts'
import { anyWildcard } from './wildcard.ts'

/** Whether the rule is lifted for the subject at a time (ms since the epoch). */
export type IsLifted = (rule: string, subject: PolicySubject, now: number) => boolean

export function compileExceptions(exceptions: readonly PolicyException[]): IsLifted {
  const compiled = exceptions.map(({ expiresAt, rules, namespaces, users, objects }) => {
    // A time that cannot be read has passed.
    const end = parseTime(expiresAt) ?? 0
    const matchers = {
      namespaces: optional(namespaces),
      users: optional(users),
      objects: optional(objects),
    }
    return (rule: string, subject: PolicySubject, now: number): boolean =>
      now < end &&
      (rules === undefined || rules.includes(rule)) &&
      matchers.namespaces(subject.namespace ?? '') &&
      matchers.users(subject.requester.user) &&
      matchers.objects(subject.name)
  })
  return (rule, subject, now) => compiled.some((lifts) => lifts(rule, subject, now))
}

function optional(patterns: readonly string[] | undefined): (text: string) => boolean {
  return patterns === undefined ? () => true : anyWildcard(patterns)
}
