/** What other projects' checks ask for and we do not do: the one place, each with its reason. One that excuses nothing fails the tests. */

export interface Excuse {
  /** As `judges.fixture.ts` names it. */
  readonly check: string
  /** The objects that it holds for, by kind and name. */
  readonly of: RegExp
  /** The row of the matrix of values that asks for what is found; every one when absent. */
  readonly row?: string
  readonly because: string
}

const everything = /^/
const sample = /^Pod mnemos-test$/
const attempt = /^Pod count-a1$/
const stores = /^StatefulSet mnemos-(redis|s3)$/
const pinned =
  'the values name images by version; with digests and imagePullPolicy=Always in them nothing is found, which is a test of its own'
const callsApiServer = 'it calls the API server; its rights are those that it uses, held against an audit log by test/e2e/install.test.ts'

export const excuses: readonly Excuse[] = [
  {
    check: 'kube-score container-resources: CPU limit is not set',
    of: everything,
    because: 'throttling delays admission and heartbeats on a node with idle CPUs; requests share a busy one',
  },
  { check: 'checkov CKV_K8S_11: CPU limits should be set', of: everything, because: 'the same' },
  { check: 'kube-score container-image-pull-policy: ImagePullPolicy is not set to Always', of: everything, because: pinned },
  { check: 'checkov CKV_K8S_15: Image Pull Policy should be Always', of: everything, because: pinned },
  { check: 'checkov CKV_K8S_43: Image should use digest', of: everything, because: pinned },
  {
    check: 'checkov CKV_K8S_38: Ensure that Service Account Tokens are only mounted where necessary',
    of: /^(Deployment mnemos-(operator|webhook|server|recorder)|Job mnemos-(cleanup|prepare))$/,
    because: callsApiServer,
  },
  {
    check: 'checkov CKV_K8S_155: Minimize ClusterRoles that grant control over validating or mutating admission webhook configurations',
    of: /^ClusterRole mnemos-(webhook|cleanup)$/,
    because: 'it registers itself, and is taken out when the release goes: by name, and no other',
  },
  {
    check: 'checkov CKV_K8S_35: Prefer using secrets as files over secrets as environment variables',
    of: /^(Deployment mnemos-(server|webhook)|StatefulSet mnemos-(redis|s3))$/,
    because:
      'the SDK of S3 reads its credentials from the environment, and all settings are read there, the password of Redis too; nothing runs in these containers but the process itself',
  },
  { check: 'kube-score pod-probes: Container is missing a readinessProbe', of: sample, because: 'the pod of helm test ends by itself' },
  { check: 'checkov CKV_K8S_8: Liveness Probe Should be Configured', of: sample, because: 'the pod of helm test ends by itself' },
  { check: 'checkov CKV_K8S_9: Readiness Probe Should be Configured', of: sample, because: 'the pod of helm test ends by itself' },
  {
    check: 'kube-score pod-probes-identical: Container has the same readiness and liveness probe',
    of: stores,
    because: 'their port is all that can be asked without a password; liveness waits for a minute of failures',
  },
  {
    check: 'kube-score statefulset-has-servicename: StatefulSet does not have a valid serviceName',
    of: stores,
    because:
      'there is one replica, which nobody asks for by the name of its pod; the Service has an address so that clients need no new one',
  },
  ...[
    'kube-score pod-networkpolicy: The pod does not have a matching NetworkPolicy',
    'checkov CKV2_K8S_6: Minimize the admission of pods which lack an associated NetworkPolicy',
  ].map((check) => ({
    check,
    of: everything,
    row: 'no CRDs, no policies, no aggregation',
    because: 'networkPolicy.enabled=false says so',
  })),
  {
    check: 'checkov CKV_K8S_19: Containers should not share the host network namespace',
    of: /^Deployment mnemos-webhook$/,
    row: 'the network of the node for the webhook',
    because: 'webhook.hostNetwork=true says so',
  },
  ...[
    'kube-score container-security-context-user-group-id: The container is running with a low user ID',
    'kube-score container-security-context-user-group-id: The container running with a low group ID',
    'kube-score container-security-context-readonlyrootfilesystem: The pod has a container with a writable root filesystem',
    'checkov CKV_K8S_22: Use read-only filesystem for containers where possible',
    'checkov CKV_K8S_40: Containers should run as a high UID to avoid host conflict',
  ].map((check) => ({ check, of: attempt, because: 'any image runs, unchanged, as the user that it or the Job names; never as root' })),
  ...['checkov CKV_K8S_8: Liveness Probe Should be Configured', 'checkov CKV_K8S_9: Readiness Probe Should be Configured'].map((check) => ({
    check,
    of: attempt,
    because: 'it ends by itself; a deadline of the Job stops it, and nobody sends it requests',
  })),
  ...[
    'kube-score pod-networkpolicy: The pod does not have a matching NetworkPolicy',
    'checkov CKV2_K8S_6: Minimize the admission of pods which lack an associated NetworkPolicy',
  ].map((check) => ({
    check,
    of: attempt,
    because: "what a team's own programs may reach is for the NetworkPolicies of its namespace to say",
  })),
]
