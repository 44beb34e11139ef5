/** What the recorder asks of the API server. Its RBAC in charts/mnemos is made from this. */
import { group, jobKind } from '@mnemos/api'
import { type Access, watched } from '@mnemos/kube'

const pods = { group: '', plural: 'pods' } as const

export const recorderAccess: readonly Access[] = [
  // Only what carries our label is watched; the mark that a log is stored is a patch.
  { resource: pods, verbs: [...watched, 'patch'], scope: 'cluster' },
  { resource: pods, subresource: 'log', verbs: ['get'], scope: 'cluster' },
  // No object of the API server: the right by which the server lets the recorder store logs.
  { resource: { group, plural: jobKind.plural }, subresource: 'logs', verbs: ['create'], scope: 'cluster' },
]
