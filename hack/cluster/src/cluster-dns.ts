/** CoreDNS for the node's pods: it answers for Services of the cluster, and for every other name that there is none. */
import { join } from 'node:path'
import { clusterDomain, nodeAddress } from './addresses.ts'
import { componentUsers } from './node-control-plane.ts'

/** The configuration file. @param folder where `coredns.kubeconfig` is */
export function corefile(kubeconfigs: string): string {
  // Two blocks: within one, `template` would answer before `kubernetes` is asked.
  return `${clusterDomain}:53 in-addr.arpa:53 {
  bind ${nodeAddress}
  errors
  ready ${nodeAddress}:8181
  kubernetes ${clusterDomain} in-addr.arpa {
    kubeconfig ${join(kubeconfigs, 'coredns.kubeconfig')}
    pods insecure
    ttl 5
  }
}
.:53 {
  bind ${nodeAddress}
  errors
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
`
}

/** Answered with 200 once CoreDNS has seen the cluster's Services. */
export const dnsReadiness = { host: nodeAddress, port: 8181, path: '/ready' } as const

/** What CoreDNS may read. */
export const dnsAccess: readonly object[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:coredns' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: componentUsers.coredns.name }],
  },
]
