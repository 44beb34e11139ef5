/** What the webhook asks of the API server. Its RBAC in charts/mnemos is made from this. */
import {
  clusterPolicyKind,
  group,
  jobKind,
  modelKind,
  pipelineKind,
  pipelineRunKind,
  policyKind,
  queueKind,
  schemaKind,
  workerPoolKind,
} from '@mnemos/api'
import { type Access, applied, watched } from '@mnemos/kube'
import { authoritySecretName } from './keeper.ts'
import { configurationName, configurationResources } from './registration.ts'
import { subjectAccessReviews } from './user-rights.ts'

export const webhookAccess: readonly Access[] = [
  ...[modelKind, queueKind, workerPoolKind, pipelineKind, policyKind, clusterPolicyKind, schemaKind].map(
    ({ plural }) => ({ resource: { group, plural }, verbs: watched, scope: 'cluster' }) as const,
  ),
  // Whether what was counted was stored.
  ...[jobKind, pipelineRunKind].map(({ plural }) => ({ resource: { group, plural }, verbs: watched, scope: 'cluster' }) as const),
  // A namespace that was made a moment ago is looked up.
  { resource: { group: '', plural: 'namespaces' }, verbs: [...watched, 'get'], scope: 'cluster' },
  // Whether a user may do what an object does for them.
  { resource: subjectAccessReviews, verbs: ['create'], scope: 'cluster' },
  ...configurationResources.map((resource) => ({ resource, verbs: watched, scope: 'cluster' }) as const),
  ...configurationResources.map((resource) => ({ resource, verbs: applied, names: [configurationName], scope: 'cluster' }) as const),
  { resource: { group: '', plural: 'secrets' }, verbs: ['get', 'create', 'patch'], names: [authoritySecretName], scope: 'system' },
]
