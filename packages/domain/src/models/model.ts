/**
 * What should happen next to a Model: its bytes are brought in by an import Job that it owns, whose result carries the
 * digest; the operator itself reads no bytes.
 *
 * The import Job's name follows from the Model's name and its source: the same source is imported once, another one anew.
 */
import { type ConditionFact, type Job, type Model, type ModelStatus, parseTime, shownUri } from '@mnemos/api'
import type { Plan, Removal } from '@mnemos/kube'
import { z } from 'zod'
import { requesterAnnotation } from '../admission/requester.ts'
import { childName } from '../child-name.ts'
import { parsedJson } from '../reading.ts'
import { isTerminal, statusOf } from '../scheduling/job-status.ts'
import type { Written } from '../written.ts'
import type { FollowedAlias } from './alias.ts'
import { aliasPlan } from './alias-plan.ts'
import { importSourceOf } from './import-source.ts'
import { readyPlan } from './model-ready.ts'
import type { ServingWorld } from './model-serving.ts'
import { plan, stalledPlan, statusOfModel, waitingFacts, withoutBytes } from './model-status.ts'

export interface ModelWorld {
  readonly model: Model
  /** Where an alias leads; undefined when the Model is none. */
  readonly alias: FollowedAlias | undefined
  /** The Job whose output the Model is made of, if it exists. */
  readonly sourceJob: Job | undefined
  /** The import Job of the present source; undefined when there is none (yet). */
  readonly importJob: Job | undefined
  /** When a Job last found the store without the bytes, in milliseconds since 1970; undefined when none that still waits did. */
  readonly missedAt: number | undefined
  /** Workers that hold the bytes, sorted by name. */
  readonly cachedOn: readonly string[]
  readonly loadedOn: readonly string[]
  /** What there is to serve it by. */
  readonly serving: ServingWorld
  /** What a policy has against the Model once its bytes are known; undefined when nothing. */
  readonly violation: string | undefined
  /** How long the next write of these lists has to wait, in milliseconds. */
  readonly dueInMs: number
}

export type ModelPlan = Plan<ModelStatus, Written>

/** What an import Job's result says, as stored (JSON). */
const imported = z.object({
  digest: z.string().regex(/^sha256:[a-f0-9]{64}$/),
  artifact: z.string().min(1).max(512),
  sizeBytes: z.coerce.number().int().min(0),
  format: z.string().max(64).optional(),
  family: z.string().max(64).optional(),
  name: z.string().max(128).optional(),
  license: z.string().max(128).optional(),
  quantization: z.string().max(64).optional(),
  contextLength: z.coerce.number().int().min(0).optional(),
  parameterCount: z.coerce.number().int().min(0).optional(),
})

/** Name of the Job that imports the present source of a Model. */
export function importJobName({ metadata, spec }: Model): string {
  const { uri, digest = '', secretRef } = spec.source
  const secret = secretRef === undefined ? '' : ` with ${secretRef.name}`
  return childName(metadata.name, 'import', `${uri} ${digest}${secret}`)
}

/** @param now milliseconds since 1970 */
export function decideModel(world: ModelWorld, now: number): ModelPlan {
  if (world.model.metadata.deletionTimestamp !== undefined) return plan(undefined, [])
  if (world.alias !== undefined) return aliasPlan(world, world.alias)
  return isAliasOfBefore(world.model) ? ownBytesPlan(forgetful(world), now) : ownBytesPlan(world, now)
}

/** Whether what the status says of bytes was taken over from another Model. */
function isAliasOfBefore({ status }: Model): boolean {
  return status?.target !== undefined
}

function forgetful(world: ModelWorld): ModelWorld {
  return { ...world, model: { ...world.model, status: withoutBytes(world.model) } }
}

function ownBytesPlan(world: ModelWorld, now: number): ModelPlan {
  const { model, importJob } = world
  if (isLost(world)) return lostPlan(world)
  if (importJob === undefined || !importsSourceOf(world, importJob)) {
    if (isVerified(model)) return readyPlan(world, statusOfModel(model), readyFacts(model, model.status?.digest))
    return importJob === undefined ? startPlan(world) : stalledPlan(model, 'ImportFailed', notOurImport(importJob))
  }
  const { phase } = statusOf(importJob)
  if (phase === 'Succeeded') return importedPlan(world, importJob)
  if (isTerminal(importJob)) return failedPlan(model, importJob)
  return importingPlan(model, importJob, now)
}

/** Whether the bytes of the present source were verified before, whatever else was edited since. */
function isVerified(model: Model): boolean {
  const { conditions = [], importedBy } = model.status ?? {}
  return importedBy === importJobName(model) && conditions.some(({ type, status: is }) => type === 'ArtifactVerified' && is === 'True')
}

/** Whether the bytes were gone from the store after they were verified: it was replaced, or somebody cleared it. */
function isLost(world: ModelWorld): boolean {
  const { model, importJob, missedAt } = world
  if (missedAt === undefined) return false
  // A cache may show the import of before for a moment after it was removed.
  if (importJob !== undefined && importsSourceOf(world, importJob))
    return (parseTime(importJob.status?.finishedAt) ?? Number.POSITIVE_INFINITY) <= missedAt
  const verified = model.status?.conditions.find(({ type }) => type === 'ArtifactVerified')
  return isVerified(model) && (parseTime(verified?.lastTransitionTime) ?? 0) <= missedAt
}

/** The bytes are brought in anew. What asks for them waits as it did the first time, and each loss costs it one attempt, so that it ends. */
function lostPlan({ model, importJob }: ModelWorld): ModelPlan {
  const reason = 'ArtifactMissing'
  const message = `The store has the bytes of ${shownUri(model.spec.source.uri)} no more; they are imported again.`
  const isSaid = model.status?.conditions.some((condition) => condition.type === 'Ready' && condition.reason === reason) === true
  const unverified: ConditionFact = { type: 'ArtifactVerified', status: 'False', reason, message }
  return {
    ...plan({ ...withoutBytes(model), phase: 'Importing' }, [...waitingFacts(reason, message), unverified]),
    remove: importJob === undefined ? [] : [removalOf(importJob)],
    events: isSaid ? [] : [{ type: 'Warning', reason, action: 'Import', note: message }],
  }
}

function removalOf({ apiVersion, kind, metadata: { namespace = '', name, uid = '' } }: Job): Removal {
  return { apiVersion, kind, namespace, name, uid }
}

/** Whoever may create Jobs can give one the name and the owner of the import; what a Job does is fixed, so that decides. */
function importsSourceOf({ model, sourceJob }: ModelWorld, { spec }: Job): boolean {
  const { source } = model.spec
  const { task, parameters } = spec.maintenance ?? {}
  if (task !== 'ImportModel' || parameters?.['uri'] !== source.uri || parameters['digest'] !== source.digest) return false
  const found = importSourceOf(model, sourceJob)
  return found.state !== 'there' || parameters['key'] === found.key
}

function notOurImport({ metadata: { name } }: Job): string {
  return `Job ${name} has the name of the import and imports something else; delete it to import.`
}

/** Imports, once there is something to import. */
function startPlan({ model, sourceJob }: ModelWorld): ModelPlan {
  const source = importSourceOf(model, sourceJob)
  switch (source.state) {
    case 'there':
      return importPlan(model, source.key)
    case 'awaited':
      return plan({ ...withoutBytes(model), phase: 'Pending' }, waitingFacts(source.reason, source.message))
    case 'never':
      return stalledPlan(model, source.reason, source.message)
  }
}

function importPlan(model: Model, key: string | undefined): ModelPlan {
  const { name, namespace = 'default', uid = '' } = model.metadata
  const { uri, digest } = model.spec.source
  const requester = model.metadata.annotations?.[requesterAnnotation]
  const parameters = { uri, ...(key === undefined ? {} : { key }), ...(digest === undefined ? {} : { digest }) }
  const job = {
    apiVersion: model.apiVersion,
    kind: 'Job',
    metadata: {
      name: importJobName(model),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/model': name.slice(0, 63) },
      ...(requester === undefined ? {} : { annotations: { [requesterAnnotation]: requester } }),
      ownerReferences: [{ apiVersion: model.apiVersion, kind: model.kind, name, uid, controller: true, blockOwnerDeletion: false }],
    },
    spec: { maintenance: { task: 'ImportModel', parameters }, priority: 'high' },
  }
  const message = `Job ${job.metadata.name} imports ${shownUri(uri)}.`
  return { ...plan({ ...withoutBytes(model), phase: 'Importing' }, waitingFacts('Importing', message)), create: [job] }
}

function importingPlan(model: Model, job: Job, now: number): ModelPlan {
  const status = statusOf(job)
  const { bytes, totalBytes } = status.progress ?? {}
  const waits = status.queue?.reasons[0]
  const message =
    waits === undefined
      ? `Job ${job.metadata.name} imports ${shownUri(model.spec.source.uri)}.`
      : `Job ${job.metadata.name} waits: ${waits}`
  const progress = bytes === undefined || totalBytes === undefined ? {} : { progress: progressOf(bytes, totalBytes, status.startedAt, now) }
  const { progress: _progress, ...kept } = statusOfModel(model)
  return plan({ ...kept, phase: 'Importing', ...progress }, waitingFacts('Importing', message))
}

function progressOf(bytes: number, total: number, startedAt: string | undefined, now: number): NonNullable<ModelStatus['progress']> {
  const percent = total === 0 ? 0 : Math.min(100, Math.floor((100 * bytes) / total))
  const start = parseTime(startedAt)
  const elapsed = start === undefined ? 0 : Math.max(0, now - start) / 1000
  const eta = bytes > 0 && elapsed > 1 ? { etaSeconds: Math.round((elapsed * (total - bytes)) / bytes) } : {}
  return { bytes, total, percent, ...eta }
}

function importedPlan(world: ModelWorld, job: Job): ModelPlan {
  const { model } = world
  const result = imported.safeParse(parsedJson(statusOf(job).result?.inline))
  if (!result.success)
    return stalledPlan(
      model,
      'ImportFailed',
      `Job ${job.metadata.name} succeeded without saying what it imported; delete it to import again.`,
    )
  const { digest, artifact, sizeBytes, ...resolved } = result.data
  const wanted = model.spec.source.digest
  if (wanted !== undefined && wanted !== digest)
    return stalledPlan(
      model,
      'DigestMismatch',
      `${shownUri(model.spec.source.uri)} has digest ${digest}, and spec.source.digest demands ${wanted}.`,
    )
  const { progress: _progress, ...kept } = statusOfModel(model)
  const known = Object.fromEntries(Object.entries(resolved).filter(([, value]) => value !== undefined))
  const status = { ...kept, phase: 'Ready' as const, digest, artifact, sizeBytes, resolved: known, importedBy: importJobName(model) }
  return readyPlan(world, status, readyFacts(model, digest))
}

function failedPlan(model: Model, job: Job): ModelPlan {
  const { failure, phase } = statusOf(job)
  const why = failure?.message ?? `it is ${phase}`
  const isMismatch = failure?.reason === 'DigestMismatch'
  const next = isMismatch ? 'Correct spec.source.digest or the source.' : `Delete Job ${job.metadata.name} to import again.`
  return stalledPlan(model, isMismatch ? 'DigestMismatch' : 'ImportFailed', `${why} ${next}`)
}

function readyFacts(model: Model, digest: string | undefined): ConditionFact[] {
  const pinned = model.spec.source.digest === undefined ? ' It was pinned at import: spec.source.digest is absent.' : ''
  const message = `The bytes of ${shownUri(model.spec.source.uri)} are stored with digest ${digest ?? ''}.${pinned}`
  return [
    { type: 'Ready', status: 'True', reason: 'ArtifactVerified', message },
    { type: 'ArtifactVerified', status: 'True', reason: 'ArtifactVerified', message },
  ]
}
