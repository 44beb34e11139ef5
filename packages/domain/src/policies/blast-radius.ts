/**
 * What a changed policy would refuse of what exists, told to whoever tries it on: the blast radius of the change.
 *
 * Objects are judged as if they were created now, by the old policy and the new one alone; inputs of Jobs are left out, as in a
 * scan (scan.ts). Each line fits into a Warning.
 */
import { kinds, type PolicedKind, policedKinds } from '@mnemos/api'
import { cutToWarning } from '../admission/policy-warning.ts'
import type { ReviewRequest } from '../admission/verdict.ts'
import { isSameJson } from '../reading.ts'
import { type CompiledPolicy, compilePolicy } from './compile.ts'
import { type Scanned, scanObject } from './scan.ts'

export interface BlastRadius {
  readonly policy: CompiledPolicy
  /** Looks at one object. */
  add(scanned: Scanned, now: number): void
  /** @param isWhole whether all that exists was looked at; otherwise the lines say that it was not */
  warnings(isWhole: boolean): readonly string[]
}

const maxLines = 8

/** Undefined for requests that change no policy, and for policies that cannot be judged. */
export function blastRadiusOf({ operation, kind, object, oldObject, namespace }: ReviewRequest): BlastRadius | undefined {
  if (kind !== 'Policy' && kind !== 'ClusterPolicy') return undefined
  if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE') || isSameJson(object.spec, oldObject?.spec))
    return undefined
  const compiled = (spec: unknown): CompiledPolicy =>
    compilePolicy({ kind, metadata: { name: object.metadata.name, ...(namespace === undefined ? {} : { namespace }) }, spec })
  const policy = compiled(object.spec)
  if (policy.problems.length > 0) return undefined
  const before = oldObject === undefined ? undefined : compiled(oldObject.spec)
  // A policy that only watched has refused nothing yet.
  return radius(policy, policy.mode === 'Enforce' && before?.mode !== 'Enforce' ? undefined : before)
}

/** Kinds that the policy may look at: a Policy sees none without a namespace. */
export function kindsLookedAt({ id, match }: CompiledPolicy): readonly PolicedKind[] {
  const isSeen = (kind: PolicedKind): boolean =>
    id.kind === 'ClusterPolicy' || kinds.find((each) => each.kind === kind)?.scope === 'Namespaced'
  return policedKinds.filter((kind) => match.kinds?.has(kind) !== false && isSeen(kind))
}

function radius(policy: CompiledPolicy, before: CompiledPolicy | undefined): BlastRadius {
  let [lookedAt, refused, newly] = [0, 0, 0]
  const lines: { readonly isNew: boolean; readonly line: string }[] = []
  return {
    policy,
    add: (scanned, now) => {
      const found = scanObject(policy, scanned, now)
      if (found === undefined) return
      lookedAt += 1
      const [first] = found
      if (first === undefined) return
      const isNew = before === undefined || (scanObject(before, scanned, now) ?? []).length === 0
      refused += 1
      if (isNew) newly += 1
      const { kind, namespace, name, field, message } = first
      // The first few of each sort, whichever comes first in the list of what exists.
      if (lines.filter((each) => each.isNew === isNew).length >= maxLines) return
      lines.push({ isNew, line: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}: ${field}: ${message}` })
    },
    warnings: (isWhole) => {
      const would = policy.mode === 'Enforce' ? 'would refuse' : `refuses nothing in mode ${policy.mode}; in mode Enforce it would refuse`
      const fresh = before === undefined || refused === 0 ? '' : `, ${newly} of them newly`
      const all = isWhole ? '' : ' in the time there was; status.violations counts all of them once it is applied'
      const listed = lines.toSorted((a, b) => Number(b.isNew) - Number(a.isNew)).slice(0, maxLines)
      const rest = refused - listed.length
      return [
        `this policy ${would} ${refused === 0 ? 'none' : refused} of the ${lookedAt} objects that it looked at${all}${fresh}`,
        ...listed.map(({ line }) => line),
        ...(rest > 0 ? [`and ${rest} more; status.violating lists them once it is applied`] : []),
      ].map(cutToWarning)
    },
  }
}
