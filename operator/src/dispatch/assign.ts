/**
 * What an attempt is to do, as its worker is told: read live, because caches hold no inputs, and only after the status that
 * issues the attempt is stored.
 */
import type { Job, Model } from '@mnemos/api'
import { type AssignmentWork, encodeWork, type OperatorMessage, operatorMessage } from '@mnemos/contract'
import type { AssignmentSigner } from '@mnemos/identity'
import type { Client } from '@mnemos/kube'
import { jobs } from '../resources.ts'

export interface AssignContext {
  readonly client: Client
  readonly signer: AssignmentSigner
  readonly serverUrl: string
  readonly epoch: bigint
}

/** A token outlives the longest run by this much, so that a late upload still finds it valid. */
const graceSeconds = 3600
const defaultRunSeconds = 24 * 3600

/**
 * The message that hands an attempt over, or undefined when the live Job does not have that attempt (any more).
 * @throws KubeError when the Job cannot be read
 */
export async function assignmentOf(
  { client, signer, serverUrl, epoch }: AssignContext,
  job: Job,
  model: Model | undefined,
): Promise<OperatorMessage | undefined> {
  const { name, namespace = '', uid = '' } = job.metadata
  const attempt = job.status?.attempt ?? 0
  const live = job.spec.inference === undefined ? job : await client.get(jobs, { name, namespace })
  if (live?.metadata.uid !== uid || live.status?.attempt !== attempt) return undefined
  const work = workOf(live, model)
  if (work === undefined) return undefined
  const runSeconds = job.spec.deadlines?.runSeconds
  const token = await signer.sign(
    {
      uid,
      attempt,
      namespace,
      job: name,
      reads: work.type === 'inference' ? [work.model.artifact] : [],
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

function workOf({ spec }: Job, model: Model | undefined): AssignmentWork | undefined {
  if (spec.maintenance !== undefined) {
    const { uri = '', digest } = spec.maintenance.parameters ?? {}
    return { type: 'maintenance', task: spec.maintenance.task, parameters: { uri, ...(digest === undefined ? {} : { digest }) } }
  }
  const digest = model?.status?.digest
  const artifact = model?.status?.artifact
  if (spec.inference === undefined || model === undefined || digest === undefined || artifact === undefined) return undefined
  const { prompt, messages, parameters } = spec.inference
  const { engine, parameters: settings } = model.spec.runtime
  return {
    type: 'inference',
    model: {
      name: `${model.metadata.namespace ?? ''}/${model.metadata.name}`,
      digest,
      artifact,
      sizeBytes: model.status?.sizeBytes ?? 0,
      engine,
      ...(settings === undefined ? {} : { parameters: settings }),
    },
    ...(prompt === undefined ? {} : { prompt }),
    ...(messages === undefined ? {} : { messages }),
    parameters,
  }
}
