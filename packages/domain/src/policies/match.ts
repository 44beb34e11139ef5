/** Whether a policy looks at an object. */
import type { ClusterPolicySpec, PolicedKind, PolicyMatch } from '@mnemos/api'
import { celExpression } from './cel-expression.ts'
import { broken, type Compiled, compiled } from './rule-kind.ts'
import type { PolicySubject } from './subject.ts'
import { anyWildcard } from './wildcard.ts'

export interface Match {
  /** Undefined: all that the rule can judge. */
  readonly kinds: ReadonlySet<PolicedKind> | undefined
  applies(subject: PolicySubject): boolean
}

type Labels = Readonly<Record<string, string>>
type Selector = PolicyMatch['labels']

/** Compiles `spec.match`. */
export function compileMatch({ kinds, labels, users, groups, expression }: PolicyMatch): Compiled<Match> {
  const condition = expression === undefined ? undefined : celExpression(expression, ['expression'])
  if (condition?.ok === false) return broken(...condition.problems)
  const isUser = users === undefined ? undefined : anyWildcard(users)
  const isGroup = groups === undefined ? undefined : anyWildcard(groups)
  return compiled({
    kinds: kinds === undefined ? undefined : new Set(kinds),
    applies: (subject) => {
      const { requester } = subject
      if (!selects(labels, subject.labels)) return false
      if (isUser !== undefined && !isUser(requester.user)) return false
      // Of an object that MNEMOS makes for somebody the groups are not known; a rule for some of them must not be lost on the way.
      if (isGroup !== undefined && requester.groups !== undefined && !requester.groups.some(isGroup)) return false
      // Nor when the condition fails: a policy that cannot tell whether it applies does.
      return condition === undefined || condition.value(subject.variables()) !== false
    },
  })
}

/** Whether the namespaces of a ClusterPolicy take one in; objects without a namespace are taken in unless some are asked for. */
export function namespaceMatcher(match: ClusterPolicySpec['namespaces']): (name: string | undefined, labels: Labels) => boolean {
  if (match === undefined) return () => true
  const { include, exclude, selector } = match
  const isIncluded = include === undefined ? undefined : anyWildcard(include)
  const isExcluded = exclude === undefined ? undefined : anyWildcard(exclude)
  return (name, labels) => {
    if (name === undefined) return include === undefined && selector === undefined
    if (isIncluded !== undefined && !isIncluded(name)) return false
    return isExcluded?.(name) !== true && selects(selector, labels)
  }
}

function selects(selector: Selector, labels: Labels): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)
}
