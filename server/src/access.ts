/** What the server asks of the API server in its own name; what callers want is asked for with their tokens. */
import { assignmentKeySecret } from '@mnemos/identity'
import { type Access, watched } from '@mnemos/kube'
import { tokenReviews } from './callers.ts'
import { jobs } from './job-follower.ts'
import { pipelineRuns } from './live-objects.ts'
import { models } from './pod-attempts.ts'

export const serverAccess: readonly Access[] = [
  { resource: jobs, verbs: watched, scope: 'cluster' },
  // What an inference in a pod of its own is to do, and with which bytes.
  { resource: jobs, verbs: ['get'], scope: 'cluster' },
  { resource: models, verbs: ['get'], scope: 'cluster' },
  // What still names outputs that are old.
  { resource: pipelineRuns, verbs: ['list'], scope: 'cluster' },
  { resource: models, verbs: ['list'], scope: 'cluster' },
  // Whether the pod of a token is that of an attempt.
  { resource: { group: '', plural: 'pods' }, verbs: ['get'], scope: 'cluster' },
  { resource: tokenReviews, verbs: ['create'], scope: 'cluster' },
  { resource: { group: '', plural: 'secrets' }, verbs: ['get'], names: [assignmentKeySecret], scope: 'system' },
]
