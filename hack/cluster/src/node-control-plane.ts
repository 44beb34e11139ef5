/** The flags of the control plane when it runs beside a real node, and the users that its parts are. */
import { join } from 'node:path'
import { apiPort, apiServiceAddress, nodeAddress, nodeName, podRange, serviceRange } from './addresses.ts'
import type { ClusterUser } from './cluster.ts'

/** Each part asks the API server as itself, with the rights that Kubernetes gives it: the audit log tells them apart. */
export const componentUsers = {
  'kube-controller-manager': { name: 'system:kube-controller-manager', groups: [] },
  'kube-scheduler': { name: 'system:kube-scheduler', groups: [] },
  'kube-proxy': { name: 'system:kube-proxy', groups: [] },
  kubelet: { name: `system:node:${nodeName}`, groups: ['system:nodes'] },
  coredns: { name: 'system:coredns', groups: [] },
  'network-policies': { name: 'mnemos-node:network-policies', groups: [] },
} as const satisfies Record<string, ClusterUser>

/** Written to the audit log: who did what to which object, once, when it was answered. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
}

/** Arguments by program. @param kubeconfigs folder of `<program>.kubeconfig` */
export function controlPlaneArguments(options: {
  readonly folder: string
  readonly kubeconfigs: string
  readonly audit: boolean
  readonly apiServerFlags: readonly string[]
}): Readonly<Record<'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler', readonly string[]>> {
  const { folder, kubeconfigs } = options
  const certificate = (name: string): string => join(folder, 'certs', name)
  return {
    etcd: [
      `--data-dir=${join(folder, 'etcd')}`,
      '--listen-client-urls=http://127.0.0.1:2379',
      '--advertise-client-urls=http://127.0.0.1:2379',
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--initial-advertise-peer-urls=http://127.0.0.1:2380',
      '--initial-cluster=default=http://127.0.0.1:2380',
      // All of it is thrown away at the end.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    'kube-apiserver': [
      '--etcd-servers=http://127.0.0.1:2379',
      '--bind-address=0.0.0.0',
      `--advertise-address=${nodeAddress}`,
      `--secure-port=${apiPort}`,
      `--tls-cert-file=${certificate('apiserver.crt')}`,
      `--tls-private-key-file=${certificate('apiserver.key')}`,
      `--client-ca-file=${certificate('ca.crt')}`,
      `--kubelet-certificate-authority=${certificate('ca.crt')}`,
      `--kubelet-client-certificate=${certificate('kubelet-client.crt')}`,
      `--kubelet-client-key=${certificate('kubelet-client.key')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      `--service-account-key-file=${join(folder, 'service-account.pub')}`,
      `--service-account-signing-key-file=${join(folder, 'service-account.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-cluster-ip-range=${serviceRange}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      ...(options.audit
        ? [
            `--audit-policy-file=${join(folder, 'audit-policy.json')}`,
            `--audit-log-path=${join(folder, 'audit.log')}`,
            '--audit-log-mode=blocking',
          ]
        : []),
      ...options.apiServerFlags,
    ],
    'kube-controller-manager': [
      `--kubeconfig=${join(kubeconfigs, 'kube-controller-manager.kubeconfig')}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${join(folder, 'service-account.key')}`,
      `--root-ca-file=${certificate('ca.crt')}`,
      `--cluster-signing-cert-file=${certificate('ca.crt')}`,
      `--cluster-signing-key-file=${certificate('ca.key')}`,
      `--cluster-cidr=${podRange}`,
      `--service-cluster-ip-range=${serviceRange}`,
    ],
    'kube-scheduler': [
      `--kubeconfig=${join(kubeconfigs, 'kube-scheduler.kubeconfig')}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
    ],
  }
}

/** Where programs of the node, and this machine, reach the API server. */
export const apiServer = `https://${nodeAddress}:${apiPort}`

/** Where pods reach it. */
export const apiServerInCluster = `https://${apiServiceAddress}:443`
