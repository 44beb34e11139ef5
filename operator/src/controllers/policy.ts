/**
 * Looks at what exists through the eyes of a policy: when it changes, and every few minutes. Decides nothing itself: see
 * domain/policies/scan.ts.
 *
 * A scan gives way to everything else after a few milliseconds, so that thousands of objects hold nobody up.
 */
import type { ClusterPolicy, Policy } from '@mnemos/api'
import {
  type CompiledPolicy,
  decidePolicy,
  inListOrder,
  type PolicyObject,
  type PolicyScan,
  type Scanned,
  type ScanResult,
  scanObject,
} from '@mnemos/domain'
import { type Clock, controller, type Reader } from '@mnemos/kube'
import { clusterPolicies, jobs, models, pipelineRuns, pipelines, policies, pools, queues } from '../resources.ts'
import { compiledOf, scannedOf } from './policed.ts'

const sliceMs = 5

export const policyController = (clock: Clock) => controller(policies, movesOf<Policy>(clock))

export const clusterPolicyController = (clock: Clock) => controller(clusterPolicies, movesOf<ClusterPolicy>(clock))

function movesOf<P extends PolicyScan['policy'] & PolicyObject>(clock: Clock) {
  return {
    observe: async (reader: Reader, policy: Readonly<P>): Promise<PolicyScan> => {
      const compiled = compiledOf(policy)
      const { metadata, status } = policy
      const result = compiled.problems.length > 0 ? undefined : await scan(reader, compiled, policy, clock)
      return { policy: status === undefined ? { metadata } : { metadata, status }, compiled, result }
    },
    decide: decidePolicy,
  }
}

async function scan(reader: Reader, policy: CompiledPolicy, { metadata }: Pick<Policy, 'metadata'>, clock: Clock): Promise<ScanResult> {
  const violating = []
  let matched = 0
  let violations = 0
  let since = clock.monotonic()
  for (const resource of [jobs, models, pools, queues, pipelines, pipelineRuns]) {
    for (const object of reader.list<Scanned['object']>(resource)) {
      const { namespace } = object.metadata
      if (metadata.namespace !== undefined && namespace !== metadata.namespace) continue
      if (clock.monotonic() - since > sliceMs) {
        await new Promise((resolve) => setImmediate(resolve))
        since = clock.monotonic()
      }
      const found = scanObject(policy, scannedOf(reader, object), clock.now())
      if (found === undefined) continue
      matched += 1
      if (found.length > 0) violations += 1
      violating.push(...found)
    }
  }
  return { matched, violations, violating: violating.sort(inListOrder) }
}
