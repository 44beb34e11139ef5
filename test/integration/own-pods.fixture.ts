/** What the operator makes of a pool and of a container Job, as it sends it to the API server. */
import { decideWorkerPool, type PodSettings, podOfAttempt } from '@mnemos/domain'
import { aJob, aPool } from '@mnemos/testkit'

const settings: PodSettings = {
  workerImage: 'registry.example.com/mnemos-worker:0.1.0',
  gpuWorkerImage: 'registry.example.com/mnemos-worker-gpu:0.1.0',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: ['pull'],
  dispatchAddress: 'mnemos-dispatch.mnemos-system.svc:9090',
  systemNamespace: 'mnemos-system',
  needsAuthority: true,
  fileRoot: undefined,
}
const namespace = 'team'
const nothing = { refusal: undefined, deployment: undefined, serviceAccount: undefined, networkPolicy: undefined, configMap: undefined }

const asked = (more: object) => ({
  requests: { cpu: '1', memory: '4Gi', 'ephemeral-storage': '1Gi', ...more },
  limits: { memory: '8Gi', 'ephemeral-storage': '30Gi' },
})

/** The children of a pool of CPUs and of one of GPUs, and the pod of an attempt, where their users ask for what they need. */
export function madeByProcesses(): readonly object[] {
  const pools = [
    aPool('cpu', { external: false, resources: asked({}) }),
    aPool('gpu', { external: false, resources: asked({ 'nvidia.com/gpu': 1 }) }),
  ]
  const children = pools.flatMap(({ metadata, ...pool }) => {
    const making = { ...nothing, settings, authority: 'PEM', pods: [], running: new Map(), connected: new Set<string>() }
    return decideWorkerPool({ pool: { ...pool, metadata: { ...metadata, namespace } }, workers: [], dueInMs: 0, making }).apply
  })
  const job = aJob('count')
    .inNamespace(namespace)
    .running('docker.io/library/busybox:1.37')
    .with({ resources: asked({}) })
    .build()
  return [...children, ...(job.spec.container === undefined ? [] : [podOfAttempt(job, job.spec.container, 1)])]
}
