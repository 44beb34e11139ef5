/** The configuration of kubelet and kube-proxy: everything below one folder, nothing evicted, all rights asked of the API server. */
import { join } from 'node:path'
import { clusterDomain, nodeAddress, nodeName, podRange } from './addresses.ts'
import { cgroupRoot } from './cgroup.ts'
import { containerdSocket } from './containerd.ts'

/** A KubeletConfiguration. */
export function kubeletConfiguration(folder: string): object {
  const certificate = (name: string): string => join(folder, 'certs', name)
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '0.0.0.0',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: certificate('ca.crt') } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificate('kubelet.crt'),
    tlsPrivateKeyFile: certificate('kubelet.key'),
    clusterDNS: [nodeAddress],
    clusterDomain,
    resolvConf: join(folder, 'resolv.conf'),
    containerRuntimeEndpoint: `unix://${containerdSocket(folder)}`,
    podLogsDir: join(folder, 'pod-logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
    staticPodPath: '',
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    memoryManagerPolicy: 'None',
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // A machine with a full disk is still good enough for a test.
    evictionHard: {},
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    maxPods: 100,
    registerNode: true,
    // Faster than a production node looks, so that tests wait less.
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '4s',
    serializeImagePulls: false,
  }
}

/** Arguments of the kubelet. */
export function kubeletArguments(folder: string, kubeconfigs: string): readonly string[] {
  return [
    `--config=${join(folder, 'kubelet.json')}`,
    `--kubeconfig=${join(kubeconfigs, 'kubelet.kubeconfig')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${nodeAddress}`,
  ]
}

/**
 * A KubeProxyConfiguration.
 * @param hasBridgeFilter whether packets between pods of the bridge pass the filter on their way back; when not, every
 *   connection to a Service gets the node's own address, so that answers come back through it
 */
export function proxyConfiguration(kubeconfigs: string, hasBridgeFilter: boolean): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: join(kubeconfigs, 'kube-proxy.kubeconfig') },
    hostnameOverride: nodeName,
    bindAddress: nodeAddress,
    clusterCIDR: podRange,
    healthzBindAddress: `${nodeAddress}:10256`,
    metricsBindAddress: '127.0.0.1:10249',
    // The machine's connection table is not ours to size.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    nftables: { masqueradeAll: !hasBridgeFilter, minSyncPeriod: '100ms' },
    oomScoreAdj: 0,
  }
}
