/**
 * Keeps the node's packet filter at what the NetworkPolicies of its cluster say: any change of a policy, a pod or a
 * namespace makes the rules anew, all at once. A pod that just got its address is open for the moment that takes.
 */
import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeAddress } from './addresses.ts'
import { type ApiAccess, apiRequest } from './api-request.ts'
import { type Policy, type PolicyPod, type PolicyWorld, policyScript } from './network-policy.ts'
import { componentUsers } from './node-control-plane.ts'

const paths = {
  policies: '/apis/networking.k8s.io/v1/networkpolicies',
  pods: '/api/v1/pods',
  namespaces: '/api/v1/namespaces',
} as const

/** What the user that enforces policies may read. */
export const policyAccess: readonly object[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'mnemos-node:network-policies' },
    rules: [
      { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'mnemos-node:network-policies' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'mnemos-node:network-policies' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: componentUsers['network-policies'].name }],
  },
]

/** The DNS server is a process of the node; policies know it as the pods that a cluster usually has for it. */
const dns: PolicyPod = {
  namespace: 'kube-system',
  labels: { 'k8s-app': 'kube-dns' },
  address: nodeAddress,
  ports: [
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
    { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
  ],
  only: 53,
}

/**
 * Enforces policies until the signal is aborted; returns when the first rules are in place.
 * @param apply replaces the rules
 * @param access a user that may list and watch policies, pods and namespaces
 */
export async function enforcePolicies(options: {
  readonly access: ApiAccess
  readonly apply: (script: string) => Promise<unknown>
  readonly signal: AbortSignal
}): Promise<void> {
  const { access, apply, signal } = options
  let applied = ''
  let isDirty = false
  let wake: () => void = () => undefined
  const changed = (): void => {
    isDirty = true
    wake()
  }
  const synchronize = async (): Promise<void> => {
    isDirty = false
    const world = await observe(access)
    if (world === undefined) {
      await sleep(200)
      changed()
      return
    }
    const script = policyScript(world)
    if (script !== applied) await apply(script)
    applied = script
  }
  await synchronize()
  for (const path of Object.values(paths)) void follow({ access, path, changed, signal })
  signal.addEventListener('abort', () => wake(), { once: true })
  const isEnded = (): boolean => signal.aborted
  const run = async (): Promise<void> => {
    while (!isEnded()) {
      if (!isDirty) await new Promise<void>((resolve) => (wake = resolve))
      // Changes come in groups; an API server that is away is asked again.
      await sleep(30)
      if (!isEnded()) await synchronize().catch(changed)
    }
  }
  void run()
}

/** Calls `changed` for every event, and whenever events may have been missed. */
async function follow(options: {
  readonly access: ApiAccess
  readonly path: string
  readonly changed: () => void
  readonly signal: AbortSignal
}): Promise<void> {
  const { access, path, changed, signal } = options
  const isEnded = (): boolean => signal.aborted
  while (!isEnded()) {
    changed()
    await new Promise<void>((resolve) => {
      const call = request(
        new URL(`${path}?watch=true&timeoutSeconds=300`, access.server),
        { ca: access.ca, headers: { authorization: `Bearer ${access.token}` }, signal },
        (response) => {
          response.on('data', changed)
          response.on('error', () => undefined)
          response.on('close', resolve)
        },
      )
      call.on('error', () => resolve())
      call.end()
    })
    if (!isEnded()) await sleep(200)
  }
}

interface Listed<T> {
  readonly items: readonly (T & {
    readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
  })[]
}

interface ListedPod {
  readonly spec: { readonly hostNetwork?: boolean; readonly containers: readonly { readonly ports?: PolicyPod['ports'] }[] }
  readonly status?: { readonly podIP?: string; readonly phase?: string }
}

/** Undefined when the API server does not answer. */
async function observe(access: ApiAccess): Promise<PolicyWorld | undefined> {
  const [policies, pods, namespaces] = await Promise.all([
    list<{ readonly spec: Omit<Policy, 'namespace'> }>(access, paths.policies),
    list<ListedPod>(access, paths.pods),
    list<object>(access, paths.namespaces),
  ])
  if (policies === undefined || pods === undefined || namespaces === undefined) return undefined
  return {
    policies: policies.items.map(({ metadata, spec }) => ({ ...spec, namespace: metadata.namespace ?? '' })),
    pods: [dns, ...pods.items.flatMap(({ metadata, spec, status }) => policyPod(metadata, spec, status))],
    namespaces: Object.fromEntries(namespaces.items.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
  }
}

function policyPod(
  metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> },
  spec: ListedPod['spec'],
  status: ListedPod['status'],
): PolicyPod[] {
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  if (status?.podIP === undefined || isOver || spec.hostNetwork === true) return []
  const ports = spec.containers.flatMap((container) => container.ports ?? [])
  return [{ namespace: metadata.namespace ?? '', labels: metadata.labels ?? {}, address: status.podIP, ports }]
}

async function list<T>(access: ApiAccess, path: string): Promise<Listed<T> | undefined> {
  const { code, body } = await apiRequest(access, path)
  return code === 200 ? (JSON.parse(body) as Listed<T>) : undefined
}
