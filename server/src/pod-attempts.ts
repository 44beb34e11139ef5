/**
 * What the sidecar of a Job's pod may do, by the token of that pod and nothing else.
 *
 * Flow: the token goes to the API server (TokenReview for our audience), which answers with the pod it is bound to; that pod is read
 * live; the Job is the one that controls it by UID, and the attempt the one whose status names it.
 * Guarantees: nobody names himself: the claims are the API server's, the status is the operator's alone. A token ends with its pod,
 * the right with its attempt.
 */

import { type Job, jobResource, type Model, modelResource } from '@mnemos/api'
import { type AssignmentWork, inferenceWorkOf } from '@mnemos/contract'
import { attemptPrefix, hasBytesOfAttempt, inferenceInputs, inputFiles, isActive, podName } from '@mnemos/domain'
import type { Assignment } from '@mnemos/identity'
import { type Client, controllerOf, type KubeObject, resource } from '@mnemos/kube'
import { tokenReviews } from './callers.ts'
import { jobs } from './job-follower.ts'
import { Refusal, refusalOfOwnRequest } from './refusal.ts'

const audience = 'mnemos'
const claim = 'authentication.kubernetes.io'
/** Longer than any token that an API server issues. */
const maxTokenLength = 16_384
const pods = resource({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
export const models = resource<Model>(modelResource)

export interface PodAttemptsOptions {
  /** Asks who a token belongs to, and whose its pod is. */
  readonly client: Client
  readonly jobOf: (uid: string) => Job | undefined
  readonly jobNamed: (namespace: string, name: string) => Job | undefined
}

export interface PodAttempts {
  /**
   * @throws Refusal MNEMOS_UNAUTHENTICATED for no token of a pod, MNEMOS_FORBIDDEN for a pod of no attempt that is out,
   * MNEMOS_UNAVAILABLE while the attempt is not seen here yet
   */
  verify(token: string): Promise<Assignment>
  /**
   * What an inference in a pod of its own is to do.
   * @throws Refusal MNEMOS_NOT_FOUND when the attempt is over or is no inference, MNEMOS_UNAVAILABLE while its Model has not the bytes with which it was issued
   */
  work(assignment: Assignment): Promise<AssignmentWork>
}

export function createPodAttempts({ client, jobOf, jobNamed }: PodAttemptsOptions): PodAttempts {
  return {
    verify: async (token) => {
      try {
        const pod = await podOf(client, token)
        const job = jobOf(controllerUidOf(pod))
        return await assignmentOf(pod, job, { client, jobNamed })
      } catch (error) {
        throw error instanceof Refusal ? error : refusalOfOwnRequest(error)
      }
    },
    work: async (assignment) => {
      try {
        return await workOf({ client, jobNamed }, assignment)
      } catch (error) {
        throw error instanceof Refusal ? error : refusalOfOwnRequest(error)
      }
    },
  }
}

/** The input is read live: caches hold none. */
async function workOf(
  { client, jobNamed }: Pick<PodAttemptsOptions, 'client' | 'jobNamed'>,
  { uid, attempt, namespace, job: name }: Assignment,
): Promise<AssignmentWork> {
  const job = await client.get(jobs, { namespace, name })
  if (job?.metadata.uid !== uid || job.status?.attempt !== attempt || job.spec.inference === undefined)
    throw new Refusal('MNEMOS_NOT_FOUND', `Attempt ${attempt} of Job ${name} is over, or is no inference.`)
  const inputs = inferenceInputs(job, (wanted) => jobNamed(namespace, wanted))
  if (inputs !== undefined && 'mistake' in inputs) throw new Refusal('MNEMOS_NOT_FOUND', `Job ${name}: ${inputs.mistake}.`)
  const work = inferenceWorkOf(job.spec.inference, await modelOf(client, job), { inputs })
  if (work === undefined)
    throw new Refusal('MNEMOS_UNAVAILABLE', `The Model of Job ${name} has not the verified bytes that the attempt is about.`, {
      retryAfterSeconds: 5,
    })
  return work
}

/**
 * The operator has checked that the Model lets this namespace in before it issued the attempt. An alias may have moved since: the
 * attempt is about the Model that it led to then.
 */
async function modelOf(client: Client, { spec, metadata, status }: Job): Promise<Model | undefined> {
  const ref = spec.inference?.modelRef
  if (ref === undefined) return undefined
  const model = await client.get(models, {
    name: status?.model?.target ?? ref.name,
    namespace: ref.namespace ?? metadata.namespace ?? '',
  })
  return model !== undefined && hasBytesOfAttempt({ spec, status }, model) ? model : undefined
}

interface ClaimedPod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

async function podOf(client: Client, token: string): Promise<KubeObject> {
  const claimed = token.length > maxTokenLength ? undefined : await claimedPod(client, token)
  if (claimed === undefined)
    throw new Refusal('MNEMOS_UNAUTHENTICATED', 'The token is neither that of an attempt nor, for audience mnemos, that of a pod.')
  const pod = await client.get(pods, { namespace: claimed.namespace, name: claimed.name })
  if (pod?.metadata.uid !== claimed.uid) throw new Refusal('MNEMOS_FORBIDDEN', `Pod ${claimed.name} of the token is gone.`)
  return pod
}

async function claimedPod(client: Client, token: string): Promise<ClaimedPod | undefined> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: { name: '' } }
  const { status } = await client.create(tokenReviews, { ...review, ...{ spec: { token, audiences: [audience] } } })
  if (status?.authenticated !== true || status.audiences?.includes(audience) !== true) return undefined
  // Only service accounts carry these claims by the API server's own word; other authenticators could make them up.
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(status.user?.username ?? '')?.[1]
  const name = status.user?.extra?.[`${claim}/pod-name`]?.[0]
  const uid = status.user?.extra?.[`${claim}/pod-uid`]?.[0]
  return namespace === undefined || name === undefined || uid === undefined ? undefined : { namespace, name, uid }
}

function controllerUidOf(pod: KubeObject): string {
  const owner = controllerOf(pod)
  if (owner?.kind === jobResource.kind && owner.apiVersion.startsWith(`${jobResource.group}/`)) return owner.uid
  throw new Refusal('MNEMOS_FORBIDDEN', `Pod ${pod.metadata.name} is controlled by no Job.`)
}

async function assignmentOf(
  pod: KubeObject,
  job: Job | undefined,
  { client, jobNamed }: Pick<PodAttemptsOptions, 'client' | 'jobNamed'>,
): Promise<Assignment> {
  const { name, namespace = '' } = pod.metadata
  // A cache may be behind: the operator makes a pod right after it has written down the attempt.
  const notYet = (): Refusal =>
    pod.metadata.deletionTimestamp === undefined
      ? new Refusal('MNEMOS_UNAVAILABLE', `No attempt is known to run in Pod ${name} (yet).`, { retryAfterSeconds: 1 })
      : new Refusal('MNEMOS_FORBIDDEN', `Pod ${name} is on its way out and its Job is gone.`)
  if (job === undefined || job.metadata.namespace !== namespace) throw notYet()
  const attempt = job.status?.attempt ?? 0
  const isNamed = attempt > 0 && name === podName(job, attempt) && job.status?.worker?.name === `${namespace}/${name}`
  if (!isNamed && name === podName(job, attempt + 1)) throw notYet()
  if (!isNamed || !isActive(job)) throw new Refusal('MNEMOS_FORBIDDEN', `The attempt of Job ${job.metadata.name} in Pod ${name} is over.`)
  const named = (wanted: string): Job | undefined => jobNamed(namespace, wanted)
  const inputs = inferenceInputs(job, named) ?? inputFiles(job, named)
  const artifact = (await modelOf(client, job))?.status?.artifact
  const reads = [...('mistake' in inputs ? [] : inputs.map(({ key }) => key)), ...(artifact === undefined ? [] : [artifact])]
  return { uid: job.metadata.uid ?? '', attempt, namespace, job: job.metadata.name, reads, writes: [attemptPrefix(job, attempt)] }
}

/** Whether a token says of itself that it is one of ours for an attempt; whether it is, its signature tells. */
export function looksLikeAssignment(token: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    return typeof header === 'object' && header !== null && 'typ' in header && header.typ === 'assignment+jwt'
  } catch {
    return false
  }
}
