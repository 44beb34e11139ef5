/** What a release makes at run time, outside Helm's sight, and what its hooks may do about it. */
import { type Access, resource } from '@mnemos/kube'

const core = (plural: string, kind: string) => resource({ group: '', version: 'v1', plural, kind, namespaced: true })
const registration = (plural: string, kind: string) =>
  resource({ group: 'admissionregistration.k8s.io', version: 'v1', plural, kind, namespaced: false })

export const deployments = resource({ group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true })
export const pods = core('pods', 'Pod')
export const secrets = core('secrets', 'Secret')

export const tryOutSecret = 'mnemos-try-out'
/** Processes that would make again what is removed. */
export const writers = ['mnemos-operator', 'mnemos-webhook'] as const

/** Everything in the system namespace that processes make for themselves. */
export const made = [
  {
    resource: secrets,
    names: ['mnemos-assignment-key', 'mnemos-internal-ca', 'mnemos-dispatch-tls', 'mnemos-server-tls', 'mnemos-webhook-ca', tryOutSecret],
  },
  { resource: core('configmaps', 'ConfigMap'), names: ['mnemos-ca', 'mnemos-demo'] },
  {
    resource: resource({ group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice', namespaced: true }),
    names: ['mnemos-dispatch'],
  },
  {
    resource: resource({ group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true }),
    names: ['mnemos-operator'],
  },
] as const

/** The registration of the webhook: without a webhook it would refuse every change of our objects. */
export const registrations = [
  registration('mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'),
  registration('validatingwebhookconfigurations', 'ValidatingWebhookConfiguration'),
] as const
export const registrationName = 'mnemos'

export const prepareAccess: readonly Access[] = [{ resource: secrets, verbs: ['get', 'create'], names: [tryOutSecret], scope: 'system' }]

export const cleanupAccess: readonly Access[] = [
  { resource: deployments, subresource: 'scale', verbs: ['patch'], names: writers, scope: 'system' },
  { resource: pods, verbs: ['list'], scope: 'system' },
  // The Deployments of WorkerPools, wherever these are.
  { resource: deployments, verbs: ['list', 'delete'], scope: 'cluster' },
  ...registrations.map((each) => ({ resource: each, verbs: ['delete'], names: [registrationName], scope: 'cluster' }) as const),
  ...made.map(({ resource: each, names }) => ({ resource: each, verbs: ['delete'], names, scope: 'system' }) as const),
]
