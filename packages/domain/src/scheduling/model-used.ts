/**
 * Which bytes an attempt is given: written down in the status that issues it, so that the lineage of an answer can be told when
 * its Model, or the alias by which it was asked for, has moved on.
 */
import type { Job, JobStatus, Model } from '@mnemos/api'

/** As a part of the status; empty for work without a Model. */
export function modelUsed({ spec, metadata }: Job, model: Model | undefined): Pick<JobStatus, 'model'> {
  const ref = spec.inference?.modelRef
  const { digest, target } = model?.status ?? {}
  if (ref === undefined || digest === undefined) return {}
  const namespace = ref.namespace ?? metadata.namespace ?? ''
  return { model: { name: ref.name, namespace, digest, ...(target === undefined ? {} : { target }) } }
}

/** Whether a Model still has the bytes with which the newest attempt was issued. */
export function hasBytesOfAttempt(
  { spec, status }: Pick<Job, 'spec'> & { readonly status?: JobStatus | undefined },
  model: Model | undefined,
): boolean {
  if (spec.inference === undefined) return true
  const { digest, artifact } = model?.status ?? {}
  if (digest === undefined || artifact === undefined) return false
  return status?.model === undefined || status.model.digest === digest
}
