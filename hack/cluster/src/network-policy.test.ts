import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Policy, type PolicyPod, policyScript } from './network-policy.ts'

const pod = (namespace: string, app: string, address: string): PolicyPod => ({
  namespace,
  labels: { app },
  address,
  ports: [{ name: 'http', containerPort: 8080 }],
})
const web = pod('a', 'web', '10.244.0.2')
const user = pod('a', 'user', '10.244.0.3')
const stranger = pod('b', 'user', '10.244.0.4')
const dns: PolicyPod = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, address: '10.199.0.2', ports: [], only: 53 }
const namespaces = { a: { team: 'a' }, b: { team: 'b' }, 'kube-system': { name: 'kube-system' } }
const ofWeb = { podSelector: { matchLabels: { app: 'web' } } }

/** The lines of a chain, without the one for itself and the last, which refuses; undefined when there is no such chain. */
function allowed(name: string, ...policies: readonly Omit<Policy, 'namespace'>[]): string[] | undefined {
  const script = policyScript({
    pods: [web, user, stranger, dns],
    namespaces,
    policies: policies.map((policy) => ({ ...policy, namespace: 'a' })),
  })
  const chain = new RegExp(`chain ${name} \\{\\n(.*?)\\n  \\}`, 's').exec(script)?.[1]?.trim().split('\n')
  if (chain === undefined) return undefined
  assert.equal(chain.at(-1)?.trim(), 'reject with icmpx admin-prohibited')
  return chain.slice(1, -1).map((line) => line.trim().replace(/ ?return$/, ''))
}

const cases: Record<
  string,
  { readonly chain: string; readonly policies: readonly Omit<Policy, 'namespace'>[]; readonly want: readonly string[] | undefined }
> = {
  'without a policy nothing is asked': { chain: 'ingress-10-244-0-2', policies: [], want: undefined },
  'a policy without rules refuses all': { chain: 'ingress-10-244-0-2', policies: [ofWeb], want: [] },
  'a policy for Ingress says nothing of Egress': { chain: 'egress-10-244-0-2', policies: [ofWeb], want: undefined },
  'a policy takes no pod of another namespace': { chain: 'ingress-10-244-0-4', policies: [{ podSelector: {} }], want: undefined },
  'an empty rule allows all': { chain: 'ingress-10-244-0-2', policies: [{ ...ofWeb, ingress: [{}] }], want: [''] },
  'pods of the same namespace, by label, on a named port': {
    chain: 'ingress-10-244-0-2',
    policies: [{ ...ofWeb, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'user' } } }], ports: [{ port: 'http' }] }] }],
    want: ['ip saddr 10.244.0.3 tcp dport 8080'],
  },
  'pods of namespaces by label': {
    chain: 'ingress-10-244-0-2',
    policies: [
      { ...ofWeb, ingress: [{ from: [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['b'] }] } }] }] },
    ],
    want: ['ip saddr 10.244.0.4'],
  },
  'two policies allow what either allows': {
    chain: 'ingress-10-244-0-2',
    policies: [
      { ...ofWeb, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'user' } } }] }] },
      { ...ofWeb, ingress: [{ ports: [{ port: 9090, endPort: 9100 }] }] },
    ],
    want: ['ip saddr 10.244.0.3', 'tcp dport 9090-9100'],
  },
  'the DNS server is known by its usual labels, and only on its port': {
    chain: 'egress-10-244-0-2',
    policies: [
      {
        ...ofWeb,
        policyTypes: ['Egress'],
        egress: [{ to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }] }],
      },
    ],
    want: ['ip daddr 10.199.0.2 th dport 53'],
  },
  'a block of addresses with exceptions': {
    chain: 'egress-10-244-0-2',
    policies: [
      {
        ...ofWeb,
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }], ports: [{ port: 443 }] }],
      },
    ],
    want: ['ip daddr 0.0.0.0/0 ip daddr != { 10.0.0.0/8 } tcp dport 443'],
  },
  'a name of a port to anywhere means the pods that have it': {
    chain: 'egress-10-244-0-2',
    policies: [{ ...ofWeb, policyTypes: ['Egress'], egress: [{ ports: [{ port: 'http' }] }] }],
    want: ['ip daddr 10.244.0.2 tcp dport 8080', 'ip daddr 10.244.0.3 tcp dport 8080', 'ip daddr 10.244.0.4 tcp dport 8080'],
  },
}

for (const [sentence, { chain, policies, want }] of Object.entries(cases)) {
  test(sentence, () => {
    assert.deepEqual(allowed(chain, ...policies), want)
  })
}
