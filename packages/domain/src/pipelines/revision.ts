/**
 * Revisions of a Pipeline: one immutable ControllerRevision for each valid spec, as StatefulSets keep theirs, so that `kubectl get
 * controllerrevisions` shows them.
 *
 * A revision belongs to its Pipeline, and also to the unfinished runs that use it: it goes when the last of them goes.
 */
import type { Pipeline, PipelineRun, PipelineSpec } from '@mnemos/api'
import type { KubeObject, OwnerReference } from '@mnemos/kube'
import { childName } from '../child-name.ts'
import { labelOf, managedByLabel } from '../workers/pool-names.ts'
import { pipelineLabel } from './run-names.ts'

export interface PipelineRevision extends KubeObject {
  readonly revision: number
  readonly data?: { readonly spec?: PipelineSpec }
}

/** Name of the revision of the present spec. */
export function revisionName({ metadata: { name, uid = '', generation = 0 } }: Pipeline): string {
  return childName(name, `r${generation}`, uid)
}

/** The Pipeline by the name that a revision carries, for indexes: `<namespace>/<label>`. */
export function pipelineOfRevision({ metadata: { namespace = '', labels } }: PipelineRevision): string | undefined {
  const label = labels?.[pipelineLabel]
  return label === undefined ? undefined : `${namespace}/${label}`
}

/** The revision of the present spec. @param users unfinished runs that use it */
export function revisionObject(pipeline: Pipeline, users: readonly PipelineRun[]): PipelineRevision {
  const { name, namespace = '', generation = 0 } = pipeline.metadata
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: revisionName(pipeline),
      namespace,
      labels: { ...managedByLabel, [pipelineLabel]: labelOf(name) },
      ownerReferences: ownersOf(pipeline, users),
    },
    revision: generation,
    data: { spec: pipeline.spec },
  }
}

/** The same revision with these runs as its users. */
export function withUsers(revision: PipelineRevision, pipeline: Pipeline, users: readonly PipelineRun[]): KubeObject {
  const { apiVersion, kind, metadata, revision: number, data } = revision
  const { name, namespace = '', labels = {} } = metadata
  const object = {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, ownerReferences: ownersOf(pipeline, users) },
    revision: number,
    data,
  }
  return object
}

function ownersOf(pipeline: Pipeline, users: readonly PipelineRun[]): OwnerReference[] {
  return [referenceTo(pipeline, true), ...users.map((run) => referenceTo(run, false))]
}

function referenceTo({ apiVersion, kind, metadata: { name, uid = '' } }: KubeObject, isController: boolean): OwnerReference {
  return { apiVersion, kind, name, uid, ...(isController ? { controller: true } : {}), blockOwnerDeletion: false }
}
