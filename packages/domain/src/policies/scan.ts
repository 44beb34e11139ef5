/**
 * What a policy would say to the objects that exist, were they created now, and the status that says so.
 *
 * The operator keeps no input of a Job in memory, so personal data and costs are left to admission. Jobs that have ended
 * are left alone: nobody can change what they were.
 */
import {
  type ClusterPolicy,
  type ConditionFact,
  type Job,
  type Model,
  maxListedViolations,
  type Pipeline,
  type PipelineRun,
  type Policy,
  type PolicyStatus,
  type Queue,
  type WorkerPool,
} from '@mnemos/api'
import type { Plan } from '@mnemos/kube'
import { requesterAnnotation } from '../admission/requester.ts'
import { isOver } from '../pipelines/pipeline-run.ts'
import { isTerminal } from '../scheduling/job-status.ts'
import { type CompiledPolicy, policyName } from './compile.ts'
import { isLookedAt, judgePolicies } from './judge-policies.ts'
import { type ModelFacts, type PolicySubject, subjectOf } from './subject.ts'

/** Types of rules that need no input of a Job. */
const scannedTypes = ['license', 'sources', 'models', 'images', 'requireDigest', 'limits', 'expression']
/** How often all is looked at again: objects change and exceptions end. */
const rescanSeconds = 300
const maxMessage = 256

type Violating = NonNullable<PolicyStatus['violating']>[number]

/** An object, and what is known around it. */
export interface Scanned {
  readonly object: Job | Model | WorkerPool | Queue | Pipeline | PipelineRun
  readonly namespaceLabels: Readonly<Record<string, string>>
  readonly modelFacts: (namespace: string, name: string) => ModelFacts | undefined
}

/** What was found at one object; undefined when the policy does not look at it. */
export function scanObject(policy: CompiledPolicy, scanned: Scanned, now: number): readonly Violating[] | undefined {
  const { kind, metadata } = scanned.object
  if (isExempt(scanned.object)) return undefined
  const subject = subjectOfStored(scanned)
  if (subject === undefined || !isLookedAt(policy, subject)) return undefined
  const asEnforced = { ...policy, mode: 'Enforce' } as const
  return judgePolicies(subject, [asEnforced], { findPii: () => [], now, types: scannedTypes })
    .filter(({ action }) => action === 'Block')
    .map(({ rule, finding }) => ({
      kind,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      name: metadata.name,
      rule,
      field: finding.field.slice(0, maxMessage),
      message: finding.message.slice(0, maxMessage),
    }))
}

/** An object that exists, as policies would judge it were it created now. */
export function subjectOfStored({ object, namespaceLabels, modelFacts }: Scanned): PolicySubject | undefined {
  const { kind, metadata } = object
  return subjectOf({
    ...{ kind, object, namespaceLabels, modelFacts, namespace: metadata.namespace },
    operation: 'CREATE',
    // Groups are not kept: a rule for some of them may be for this one.
    requester: { user: metadata.annotations?.[requesterAnnotation] ?? '', groups: undefined },
  })
}

/** What policies in mode Enforce have against an object, as one sentence; undefined when nothing. */
export function enforcedAgainst(policies: readonly CompiledPolicy[], scanned: Scanned, now: number): string | undefined {
  const found = policies.filter(({ mode, problems }) => mode === 'Enforce' && problems.length === 0)
  const [first] = found.flatMap((policy) => scanObject(policy, scanned, now) ?? [])
  return first === undefined ? undefined : `${first.field}: ${first.message}; no Job may use it until that is set right.`
}

/** What a whole scan found. */
export interface ScanResult {
  readonly matched: number
  /** Objects that the policy would refuse. */
  readonly violations: number
  readonly violating: readonly Violating[]
}

export interface PolicyScan {
  readonly policy: Pick<Policy | ClusterPolicy, 'metadata' | 'status'>
  readonly compiled: CompiledPolicy
  /** Undefined when the policy does not compile. */
  readonly result: ScanResult | undefined
}

/** The status of a policy after a scan. */
export function decidePolicy({ policy, compiled, result }: PolicyScan): Plan<PolicyStatus> {
  const quiet: Plan<PolicyStatus> = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }
  if (policy.metadata.deletionTimestamp !== undefined) return quiet
  const status: PolicyStatus = {
    observedGeneration: policy.metadata.generation ?? 0,
    ...(result === undefined
      ? {}
      : { matched: result.matched, violations: result.violations, violating: result.violating.slice(0, maxListedViolations) }),
    conditions: policy.status?.conditions ?? [],
  }
  const next = result === undefined ? quiet.next : ({ kind: 'after', seconds: rescanSeconds } as const)
  return { ...quiet, status, conditions: conditionsOf(compiled, result), next }
}

function conditionsOf({ id, problems }: CompiledPolicy, result: ScanResult | undefined): readonly ConditionFact[] {
  const [first] = problems
  if (first !== undefined || result === undefined) {
    const message = `${policyName(id)} cannot be judged: ${first?.field ?? ''} ${first?.message ?? ''}; correct it. Until then, what it may be meant for is refused.`
    const reason = 'DoesNotCompile'
    return [
      { type: 'Ready', status: 'False', reason, message },
      { type: 'Stalled', status: 'True', reason, message },
    ]
  }
  const found =
    result.violations === 0 ? 'none of them would be refused' : `${result.violations} of them would be refused, see status.violating`
  const message = `${policyName(id)} is in force. It looks at ${result.matched} objects that exist; ${found}. Inputs of Jobs are judged when they come.`
  return [{ type: 'Ready', status: 'True', reason: 'InForce', message }]
}

/** By kind, namespace and name, so that the list is the same each time. */
export function inListOrder(a: Violating, b: Violating): number {
  const key = ({ kind, namespace = '', name, field, rule }: Violating): string => [kind, namespace, name, rule, field].join('\0')
  return key(a) < key(b) ? -1 : 1
}

function isExempt({ kind, ...object }: Scanned['object']): boolean {
  // Of a run: the kind says so.
  if (kind === 'PipelineRun') return isOver({ kind, ...object } as PipelineRun)
  if (kind !== 'Job') return false
  // Of a Job: the kind says so.
  const job = { kind, ...object } as Job
  return isTerminal(job) || job.spec.maintenance !== undefined
}
