/** Brings a Model's bytes in, says where they are, and has it served. Decides nothing itself: see domain/models/model.ts. */
import { type Job, type Model, parseTime, type Worker } from '@mnemos/api'
import {
  aliasesThatLeadTo,
  decideModel,
  followAlias,
  importJobName,
  isTerminal,
  type ModelWorld,
  mayUse,
  ownPoolName,
  type ServingWorld,
  servingPoolOf,
  sourceJobOf,
  warmUpJobName,
} from '@mnemos/domain'
import { type Change, controller, isControlledBy, type KubeObject, keyOf, onChange, type Reader } from '@mnemos/kube'
import type { Pace } from '../pace.ts'
import {
  clusterPolicies,
  jobs,
  modelNameOf,
  modelNamesIn,
  models,
  namespaces,
  policies,
  pools,
  workerIndexes,
  workers,
} from '../resources.ts'
import { violationOf } from './policed.ts'

interface ModelSources {
  readonly pace: Pace
  readonly serverUrl: string
  readonly now: () => number
}

export const modelController = ({ pace, serverUrl, now }: ModelSources) =>
  controller(models, {
    owns: [jobs, pools],
    wakes: [
      onChange(jobs, ({ object }, reader) => (missedAtOf(object) === undefined ? [] : holdersOfBytes(reader, object))),
      onChange(jobs, ({ type, object }, reader) =>
        type === 'updated' && !isTerminal(object) ? [] : keysOf(reader.byIndex(models, 'sourceJob', keyOf(object.metadata))),
      ),
      onChange(models, (change, reader) => (mattersToAliases(change) ? aliasKeysOf(reader, change.object) : [])),
      onChange(workers, (change, reader) => heldBefore(change).flatMap((digest) => keysOf(reader.byIndex(models, 'digest', digest)))),
      onChange(policies, ({ object }, reader) =>
        keysOf(reader.list(models).filter(({ metadata }) => metadata.namespace === object.metadata.namespace)),
      ),
      onChange(clusterPolicies, (_change, reader) => keysOf(reader.list(models))),
      onChange(pools, ({ object }, reader) => keysOf(reader.byIndex(models, 'pool', keyOf(object.metadata)))),
    ],
    observe: (reader, model) => ({
      ...observeModel(reader, model),
      serving: { ...observeServing(reader, model), serverUrl },
      violation: violationOf(reader, model, now()),
      dueInMs: pace.dueInMs(model.metadata.uid),
    }),
    decide: decideModel,
    perform: (written) => pace.written(written),
  })

/** The Model that a Job names and, of an alias, the one whose bytes it was given. */
function holdersOfBytes(reader: Reader, job: Job): readonly string[] {
  const named = modelNameOf(job)
  if (named === undefined) return []
  const target = job.status?.model?.target
  return keysOf([named.name, target].flatMap((name) => reader.get(models, { ...named, name: name ?? '' }) ?? []))
}

/** An import tells of its progress every few seconds: that is not for aliases. */
function mattersToAliases(change: Change<Model>): boolean {
  if (change.type !== 'updated') return true
  const { object, previous } = change
  const told = ({ status }: Model): string => JSON.stringify([status?.digest, status?.artifact, status?.conditions])
  return object.metadata.generation !== previous.metadata.generation || told(object) !== told(previous)
}

/** Keys of the aliases that lead to a Model. */
function aliasKeysOf(reader: Reader, { metadata: { namespace = '', name } }: Model): readonly string[] {
  const aliasesOf = (of: string): string[] =>
    reader.byIndex(models, 'alias', keyOf({ namespace, name: of })).map(({ metadata }) => metadata.name)
  return aliasesThatLeadTo(name, aliasesOf).map((alias) => keyOf({ namespace, name: alias }))
}

/** Digests that a Worker holds or held. */
function heldBefore(change: Change<Worker>): readonly string[] {
  const before = change.type === 'updated' ? workerIndexes.digest(change.previous) : []
  return [...new Set([...workerIndexes.digest(change.object), ...before])]
}

function keysOf(objects: readonly KubeObject[]): readonly string[] {
  return objects.map(({ metadata }) => keyOf(metadata))
}

function observeModel(reader: Reader, model: Model): Omit<ModelWorld, 'dueInMs' | 'serving' | 'violation'> {
  const { namespace = '' } = model.metadata
  const sourceJob = sourceJobOf(model)
  return {
    model,
    alias: followAlias(model, {
      modelNamed: (name) => reader.get(models, { namespace, name }),
      names: () => modelNamesIn(reader, namespace),
    }),
    sourceJob: sourceJob === undefined ? undefined : reader.get(jobs, { namespace, name: sourceJob }),
    importJob: ownOf(model, reader.get(jobs, { namespace, name: importJobName(model) })),
    missedAt: lastMissed(reader, model),
    cachedOn: holdersOf(reader, model),
    loadedOn: holdersOf(reader, model, 'Loaded'),
  }
}

/**
 * When a Job that is to be tried again last found no bytes of the Model, in milliseconds since 1970. Who came by an alias missed
 * them only if it led here then.
 */
function lastMissed(reader: Reader, model: Model): number | undefined {
  const own = reader.byIndex(jobs, 'model', keyOf(model.metadata))
  const throughAlias = aliasKeysOf(reader, model)
    .flatMap((key) => reader.byIndex(jobs, 'model', key))
    .filter(({ status }) => status?.model?.target === model.metadata.name && isOfBytes(model, status.model.digest))
  const times = [...own, ...throughAlias].flatMap((job) => missedAtOf(job) ?? [])
  return times.length === 0 ? undefined : times.reduce((latest, time) => Math.max(latest, time))
}

/** Whether a digest is that of a Model, as far as it has one: of bytes that were just found missing it has none. */
function isOfBytes({ status }: Model, digest: string): boolean {
  return status?.digest === undefined || status.digest === digest
}

function missedAtOf({ status }: Job): number | undefined {
  const isMissed = status?.phase === 'Retrying' && status.failure?.reason === 'ArtifactMissing'
  return isMissed ? parseTime(status.attempts.at(-1)?.endedAt) : undefined
}

function observeServing(reader: Reader, model: Model): Omit<ServingWorld, 'serverUrl'> {
  const { namespace = '' } = model.metadata
  const wanted = servingPoolOf(model)
  const pool = wanted === undefined ? undefined : reader.get(pools, wanted)
  const ownPool = ownOf(model, reader.get(pools, { namespace, name: ownPoolName(model) }))
  const labels = reader.get(namespaces, { name: namespace })?.metadata.labels ?? {}
  return {
    // One of the same name that somebody else made is not ours to serve by.
    pool: model.spec.serving?.resources === undefined ? pool : ownPool,
    poolAllowed: pool !== undefined && mayUse(pool.spec.allowedNamespaces, pool.metadata.namespace ?? '', { name: namespace, labels }),
    ownPool,
    warmUp: ownOf(model, reader.get(jobs, { namespace, name: warmUpJobName(model) })),
  }
}

function ownOf<T extends KubeObject>(model: Model, object: T | undefined): T | undefined {
  return object !== undefined && isControlledBy(object, model) ? object : undefined
}

/** Names of the Workers that hold the bytes, in order. */
function holdersOf(reader: Reader, { status }: Model, state?: 'Loaded'): string[] {
  const digest = status?.digest
  if (digest === undefined) return []
  return reader
    .byIndex(workers, 'digest', digest)
    .filter((worker) => worker.status?.state !== 'Offline')
    .filter(({ status: of }) => of?.models.some((each) => each.digest === digest && (state === undefined || each.state === state)))
    .map(({ metadata }) => metadata.name)
    .sort()
}
