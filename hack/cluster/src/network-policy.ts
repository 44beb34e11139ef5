/**
 * What NetworkPolicies allow, as rules for nftables. Pure: pods, namespaces and policies in, a script out.
 *
 * Guarantees what networking.k8s.io/v1 says: a pod that some policy selects for a direction takes only what one of them
 * allows, any other pod takes all; answers to what was allowed pass; a pod always reaches itself. Ports are judged as most
 * networks do it, after a Service's address was replaced by a pod's. What the node itself sends to pods (probes, calls of
 * webhooks) passes; what is refused is told so at once, where real networks mostly stay silent.
 */

/** A label selector; an absent one is told from an empty one, which takes everything. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[]
}

export interface PolicyPod {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly address: string
  /** Ports by name. */
  readonly ports: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[]
  /** Reached only on these, whatever a rule allows; any port when absent. */
  readonly only?: number
}

interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

interface Port {
  readonly protocol?: string
  readonly port?: number | string
  readonly endPort?: number
}

export interface Policy {
  readonly namespace: string
  readonly podSelector?: Selector
  readonly policyTypes?: readonly string[]
  readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly Port[] }[]
  readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly Port[] }[]
}

export interface PolicyWorld {
  readonly pods: readonly PolicyPod[]
  /** Labels by namespace. */
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly policies: readonly Policy[]
}

type Direction = 'Ingress' | 'Egress'
interface Rule {
  readonly peers: readonly Peer[] | undefined
  readonly ports: readonly Port[] | undefined
}

const table = 'inet mnemos-policies'
const refuse = 'reject with icmpx admin-prohibited'

/** A script for `nft -f -` that replaces all rules at once. */
export function policyScript(world: PolicyWorld): string {
  const chains: string[] = []
  const jumps: Record<Direction, string[]> = { Ingress: [], Egress: [] }
  for (const direction of ['Egress', 'Ingress'] as const) {
    const [own, other] = direction === 'Ingress' ? ['daddr', 'saddr'] : ['saddr', 'daddr']
    for (const pod of world.pods) {
      const policies = world.policies.filter((policy) => policy.namespace === pod.namespace && selects(policy, direction, pod))
      if (policies.length === 0) continue
      const name = `${direction.toLowerCase()}-${pod.address.replaceAll('.', '-')}`
      const allowed = policies.flatMap((policy) =>
        rulesOf(policy, direction).flatMap((rule) => matches({ world, policy, rule, direction, pod })),
      )
      const lines = [...new Set(allowed)].map((match) => `${match} return`.trim())
      chains.push(
        `  chain ${name} {\n    ip ${other} ${pod.address} return\n${lines.map((line) => `    ${line}\n`).join('')}    ${refuse}\n  }`,
      )
      jumps[direction].push(`    ip ${own} ${pod.address} jump ${name}\n`)
    }
  }
  const hook = (name: string, directions: readonly Direction[]): string =>
    `  chain ${name} {\n    type filter hook ${name} priority filter; policy accept;\n    ct state established,related accept\n${directions.flatMap((each) => jumps[each]).join('')}  }`
  // A pod that speaks to the node itself (API server, DNS) comes by input; there is nothing behind it that takes Ingress.
  return `table ${table}\ndelete table ${table}\ntable ${table} {\n${[...chains, hook('forward', ['Egress', 'Ingress']), hook('input', ['Egress'])].join('\n')}\n}\n`
}

function selects(policy: Policy, direction: Direction, pod: PolicyPod): boolean {
  const types = policy.policyTypes ?? ['Ingress', ...(policy.egress === undefined ? [] : ['Egress'])]
  return types.includes(direction) && isMatch(policy.podSelector ?? {}, pod.labels)
}

function rulesOf(policy: Policy, direction: Direction): readonly Rule[] {
  if (direction === 'Ingress') return (policy.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
  return (policy.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
}

/** The matches of one rule, any of which allows. */
function matches(scope: { world: PolicyWorld; policy: Policy; rule: Rule; direction: Direction; pod: PolicyPod }): string[] {
  const { world, policy, rule, direction, pod } = scope
  const other = direction === 'Ingress' ? 'saddr' : 'daddr'
  const isAny = rule.peers === undefined || rule.peers.length === 0
  const blocks = (rule.peers ?? []).flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock]))
  const pods = world.pods.filter((each) => (rule.peers ?? []).some((peer) => isPeer(world, policy, peer, each)))
  if (direction === 'Ingress') {
    const ports = portMatches(rule.ports, pod)
    const sources = [
      ...(isAny ? [''] : []),
      ...blocks.map((block) => blockMatch(other, block)),
      ...pods.map(({ address }) => `ip ${other} ${address}`),
    ]
    return sources.flatMap((source) => ports.map((port) => `${source} ${port}`.trim()))
  }
  // A port's name means what it means in the pod that is spoken to; for an address it means nothing.
  const anywhere = [...(isAny ? [''] : []), ...blocks.map((block) => blockMatch(other, block))]
  const named = isAny ? world.pods : pods
  return [
    ...anywhere.flatMap((target) => portMatches(rule.ports, undefined).map((port) => `${target} ${port}`.trim())),
    ...named.flatMap((each) => {
      const ports = isAny ? rule.ports?.filter(({ port }) => typeof port === 'string') : rule.ports
      if (isAny && (ports ?? []).length === 0) return []
      return portMatches(ports, each).map((port) => `ip ${other} ${each.address} ${port}`.trim())
    }),
  ]
}

/** The empty match when every port is allowed; nothing when no port can be meant. */
function portMatches(ports: readonly Port[] | undefined, pod: PolicyPod | undefined): string[] {
  if (ports === undefined || ports.length === 0) return pod?.only === undefined ? [''] : [`th dport ${pod.only}`]
  return ports.flatMap(({ protocol = 'TCP', port, endPort }) => {
    const kind = protocol.toLowerCase()
    if (port === undefined) return [`meta l4proto ${kind}`]
    if (typeof port === 'number') return [`${kind} dport ${port}${endPort === undefined ? '' : `-${endPort}`}`]
    const found = pod?.ports.filter((each) => each.name === port && (each.protocol ?? 'TCP') === protocol) ?? []
    return found.map(({ containerPort }) => `${kind} dport ${containerPort}`)
  })
}

function blockMatch(field: string, block: { readonly cidr: string; readonly except?: readonly string[] }): string {
  const except = block.except ?? []
  return `ip ${field} ${block.cidr}${except.length === 0 ? '' : ` ip ${field} != { ${except.join(', ')} }`}`
}

function isPeer(world: PolicyWorld, policy: Policy, peer: Peer, pod: PolicyPod): boolean {
  if (peer.ipBlock !== undefined) return false
  const inNamespace =
    peer.namespaceSelector === undefined
      ? pod.namespace === policy.namespace
      : isMatch(peer.namespaceSelector, world.namespaces[pod.namespace] ?? {})
  return inNamespace && isMatch(peer.podSelector ?? {}, pod.labels)
}

/** Whether a selector takes these labels. */
export function isMatch(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return equal && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels))
}

function holds(
  expression: { readonly key: string; readonly operator: string; readonly values?: readonly string[] },
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[expression.key]
  const isNamed = value !== undefined && (expression.values ?? []).includes(value)
  switch (expression.operator) {
    case 'In':
      return isNamed
    case 'NotIn':
      return !isNamed
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}
