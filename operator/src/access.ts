/** What the operator asks of the API server. Its RBAC in charts/mnemos is made from this. */
import { authorityConfigMap } from '@mnemos/domain'
import { assignmentKeySecret } from '@mnemos/identity'
import { type Access, applied, events, leases, watched } from '@mnemos/kube'
import { dispatchService, endpointSlices, services } from './advertise.ts'
import { demoConfigMap } from './demo.ts'
import { tokenReviews } from './dispatch/pod-identity.ts'
import {
  clusterPolicies,
  configMaps,
  deployments,
  jobs,
  models,
  namespaces,
  networkPolicies,
  pipelineRuns,
  pipelines,
  pods,
  policies,
  pools,
  queues,
  replicaSets,
  revisions,
  schemas,
  secrets,
  serviceAccounts,
  workers,
} from './resources.ts'
import { authoritySecret, dispatchSecret, serverSecret } from './tls/keeper.ts'
import { serverConfigMap } from './tls/published-bundle.ts'

const cluster = { scope: 'cluster' } as const
const system = { scope: 'system' } as const

export const operatorAccess: readonly Access[] = [
  // Reads beside the watch are live ones, before something that cannot be taken back.
  // Jobs of runs are cancelled with their run.
  { resource: jobs, verbs: [...watched, 'get', 'create', 'patch', 'delete'], ...cluster },
  { resource: jobs, subresource: 'status', verbs: ['patch'], ...cluster },
  // Models are created for the demo and by steps that publish, which also move aliases.
  { resource: models, verbs: [...watched, 'get', 'create', 'patch'], ...cluster },
  { resource: models, subresource: 'status', verbs: ['patch'], ...cluster },
  { resource: pipelines, verbs: watched, ...cluster },
  { resource: pipelines, subresource: 'status', verbs: ['patch'], ...cluster },
  // A run may call another pipeline: it creates that run, and cancels it with itself.
  { resource: pipelineRuns, verbs: [...watched, 'get', 'create', 'patch', 'delete'], ...cluster },
  { resource: pipelineRuns, subresource: 'status', verbs: ['patch'], ...cluster },
  { resource: revisions, verbs: [...watched, 'get', ...applied, 'delete'], ...cluster },
  { resource: pools, verbs: [...watched, 'get', ...applied, 'delete'], ...cluster },
  { resource: pools, subresource: 'status', verbs: ['patch'], ...cluster },
  { resource: workers, verbs: [...watched, 'get', ...applied, 'delete'], ...cluster },
  { resource: workers, subresource: 'status', verbs: ['patch'], ...cluster },
  // What WorkerPools are made of, in their namespaces. Of all of these only what carries our label is watched.
  { resource: deployments, verbs: [...watched, 'get', ...applied, 'delete'], ...cluster },
  { resource: serviceAccounts, verbs: [...watched, 'get', ...applied, 'delete'], ...cluster },
  { resource: networkPolicies, verbs: [...watched, 'get', ...applied, 'delete'], ...cluster },
  { resource: configMaps, verbs: watched, ...cluster },
  { resource: configMaps, verbs: applied, names: [authorityConfigMap], ...cluster },
  // Pods of Jobs with `container` are made and deleted here; those of pools are made by their Deployments.
  { resource: pods, verbs: [...watched, 'patch', 'create', 'delete'], ...cluster },
  { resource: queues, verbs: watched, ...cluster },
  // Created for the built-in ones alone.
  { resource: schemas, verbs: [...watched, 'get', 'create'], ...cluster },
  { resource: schemas, subresource: 'status', verbs: ['patch'], ...cluster },
  ...[policies, clusterPolicies].flatMap(
    (resource) =>
      [
        { resource, verbs: watched, ...cluster },
        { resource, subresource: 'status', verbs: ['patch'], ...cluster },
      ] as const,
  ),
  { resource: namespaces, verbs: watched, ...cluster },
  // Whether a worker in a pod is a pod of its pool.
  { resource: tokenReviews, verbs: ['create'], ...cluster },
  ...[pods, replicaSets, deployments].map((resource) => ({ resource, verbs: ['get'], ...cluster }) as const),
  { resource: events, verbs: ['create', 'patch'], ...cluster },
  // Where the leader is. The Service owns the slice, so that it goes with it.
  { resource: endpointSlices, verbs: ['get', 'create', 'patch', 'delete'], names: [dispatchService], ...system },
  { resource: services, verbs: ['get'], names: [dispatchService], ...system },
  // Certificates of dispatch and server, and the authorities wherever pods of ours read them.
  { resource: secrets, verbs: ['get', 'create', 'patch'], names: [authoritySecret, dispatchSecret, serverSecret], ...system },
  { resource: configMaps, verbs: ['get', 'patch'], names: [authorityConfigMap, serverConfigMap], ...system },
  { resource: configMaps, verbs: ['get', 'create', 'patch'], names: [demoConfigMap], ...system },
  { resource: leases, verbs: ['get', 'create', 'patch'], names: ['mnemos-operator'], ...system },
  { resource: secrets, verbs: ['get', 'create'], names: [assignmentKeySecret], ...system },
]
