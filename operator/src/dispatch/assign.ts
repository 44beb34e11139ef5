/**
 * What an attempt is to do, as its worker is told, and only after the status that issues the attempt is stored. The input comes
 * from the few that are kept for a moment, else from a live read: caches hold no inputs.
 */
import type { Job, Model } from '@mnemos/api'
import {
  type AssignmentWork,
  encodeWork,
  type InferenceParts,
  inferenceWorkOf,
  type OperatorMessage,
  operatorMessage,
} from '@mnemos/contract'
import { importKeyOf } from '@mnemos/domain'
import type { AssignmentSigner } from '@mnemos/identity'
import type { Client } from '@mnemos/kube'
import type { Input, Inputs } from '../inputs.ts'
import { jobs } from '../resources.ts'

export interface AssignContext {
  readonly client: Client
  readonly signer: AssignmentSigner
  readonly serverUrl: string
  readonly epoch: bigint
  readonly inputs: Inputs
  /** Where the texts of an inference are now, and what policies say now. */
  readonly partsOf: (job: Job) => InferenceParts
}

/** A token outlives the longest run by this much, so that a late upload still finds it valid. */
const graceSeconds = 3600
const defaultRunSeconds = 24 * 3600

/**
 * The message that hands an attempt over, or undefined when the live Job does not have that attempt (any more).
 * @throws KubeError when the Job cannot be read
 */
export async function assignmentOf(
  { client, signer, serverUrl, epoch, inputs, partsOf }: AssignContext,
  job: Job,
  model: Model | undefined,
): Promise<OperatorMessage | undefined> {
  const { name, namespace = '', uid = '' } = job.metadata
  const attempt = job.status?.attempt ?? 0
  const input = await inputOf(job, client, inputs)
  if (input === undefined) return undefined
  const work = workOf(job, input, model, partsOf)
  if (work === undefined) return undefined
  const runSeconds = job.spec.deadlines?.runSeconds
  const token = await signer.sign(
    {
      uid,
      attempt,
      namespace,
      job: name,
      reads: readsOf(work),
      writes: [`outputs/${namespace}/${uid}/a${attempt}/`, ...(work.type === 'maintenance' ? ['models/sha256/'] : [])],
    },
    (runSeconds ?? defaultRunSeconds) + graceSeconds,
  )
  const ref = { jobUid: uid, namespace, name, attempt }
  return operatorMessage(epoch, {
    case: 'assign',
    value: { ref, token, serverUrl, work: encodeWork(work), runTimeoutMs: (runSeconds ?? 0) * 1000 },
  })
}

/** The very objects that the work is about. */
function readsOf(work: AssignmentWork): string[] {
  if (work.type === 'inference') return [work.model.artifact, ...(work.inputs ?? []).map(({ key }) => key)]
  const { key } = work.parameters
  return key === undefined ? [] : [key]
}

/** Undefined when the Job is gone, or has another attempt by now. */
async function inputOf(job: Job, client: Client, inputs: Inputs): Promise<Input | undefined> {
  const { name, namespace = '', uid = '' } = job.metadata
  if (job.spec.inference === undefined) return {}
  const kept = inputs.take(uid)
  if (kept !== undefined) return kept
  const live = await client.get(jobs, { name, namespace })
  return live?.metadata.uid === uid && live.status?.attempt === job.status?.attempt ? live.spec.inference : undefined
}

function workOf(
  job: Job,
  { prompt, messages }: Input,
  model: Model | undefined,
  partsOf: AssignContext['partsOf'],
): AssignmentWork | undefined {
  const { spec } = job
  if (spec.maintenance !== undefined) {
    const { uri = '', digest } = spec.maintenance.parameters ?? {}
    const stored = importKeyOf(job)
    const key = stored === undefined || 'mistake' in stored ? {} : { key: stored.key }
    return { type: 'maintenance', task: spec.maintenance.task, parameters: { uri, ...(digest === undefined ? {} : { digest }), ...key } }
  }
  return spec.inference === undefined ? undefined : inferenceWorkOf({ ...spec.inference, prompt, messages }, model, partsOf(job))
}
