/**
 * What a step, or an instance of one, becomes: a Job, or a run of another pipeline, with every reference replaced.
 */
import { apiVersion, type Job, type PipelineRun, parseTime } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import { requesterAnnotation } from '../admission/requester.ts'
import { fieldOf, isMembers, present, textOf } from '../reading.ts'
import { fraction } from '../scheduling/retry.ts'
import { labelOf, managedByLabel } from '../workers/pool-names.ts'
import type { CompiledStep } from './compiled.ts'
import {
  childOf,
  depthLabel,
  itemHashAnnotation,
  itemLabel,
  memoLabel,
  pipelineLabel,
  revisionLabel,
  runLabel,
  stepLabel,
} from './run-names.ts'
import type { RunValues } from './run-values.ts'
import type { RunWorld } from './run-world.ts'
import { withValues } from './step-values.ts'
import { withTexts, workOf } from './step-work.ts'
import type { Resolved } from './substitute.ts'

/** The item of an instance. */
export interface Instance {
  readonly item: number
  readonly value: unknown
}

export type StepChild = KubeObject & { readonly spec: Readonly<Record<string, unknown>> }

/** How many pipelines may call one another. */
const maxDepth = 8

/** The child that does a piece of work, or why there can be none. */
export function childFor(
  { world, values, revision }: { world: RunWorld; values: RunValues; revision: { readonly name: string } },
  step: CompiledStep,
  instance?: Instance,
): { readonly child: StepChild } | { readonly missing: string } {
  const { run } = world
  const depth = Number(run.metadata.labels?.[depthLabel] ?? 0) + (step.type === 'pipeline' ? 1 : 0)
  if (depth > maxDepth) return { missing: `more than ${maxDepth} pipelines call one another` }
  const spec = specOf(run, step, values, instance)
  if ('missing' in spec) return spec
  const { namespace = '', name, uid = '' } = run.metadata
  const requester = run.metadata.annotations?.[requesterAnnotation]
  const annotations = {
    ...(requester === undefined ? {} : { [requesterAnnotation]: requester }),
    ...(instance === undefined ? {} : { [itemHashAnnotation]: hashOf(instance.value) }),
  }
  const child = {
    apiVersion,
    kind: step.type === 'pipeline' ? 'PipelineRun' : 'Job',
    metadata: {
      name: childOf(run, step.name, instance?.item),
      namespace,
      labels: {
        ...managedByLabel,
        [runLabel]: labelOf(name),
        [pipelineLabel]: labelOf(run.spec.pipelineRef.name),
        [stepLabel]: step.name,
        [revisionLabel]: revision.name,
        ...(instance === undefined ? {} : { [itemLabel]: String(instance.item) }),
        ...(step.type === 'pipeline' ? { [depthLabel]: String(depth) } : {}),
      },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [{ apiVersion, kind: run.kind, name, uid, controller: true, blockOwnerDeletion: false }],
    },
    spec: spec.value,
  }
  return { child: step.spec.memoize === undefined ? child : withMemo(world, child) }
}

/** Hash of an item: tells apart what is not the same. */
export function hashOf(value: unknown): string {
  const text = JSON.stringify([value])
  return ['', ' again'].map((salt) => Math.floor(fraction(text + salt) * 2 ** 32).toString(36)).join('')
}

function specOf(
  run: PipelineRun,
  step: CompiledStep,
  values: RunValues,
  instance: Instance | undefined,
): { readonly value: Readonly<Record<string, unknown>> } | { readonly missing: string } {
  const { queue, priority, overrides } = run.spec
  const item = instance === undefined ? undefined : ([instance.value] as const)
  const defaults = { queue, priority: priority === 'normal' ? undefined : priority }
  const { pipeline: call } = step.spec
  const wanted =
    call === undefined
      ? withOverride(
          workOf(step.spec, defaults),
          overrides?.find((each) => each.step === step.name),
        )
      : {
          pipelineRef: { name: call.name },
          ...(call.parameters === undefined ? {} : { parameters: call.parameters }),
          ...present(defaults),
        }
  const made: Resolved = withValues(wanted, (reference) => values.resolve(reference, item))
  if ('missing' in made) return made
  // An object stays one, whatever is put into it.
  const spec = made.value as Readonly<Record<string, unknown>>
  return { value: call === undefined ? withTexts(spec) : spec }
}

function withOverride(
  work: Readonly<Record<string, unknown>>,
  override: NonNullable<PipelineRun['spec']['overrides']>[number] | undefined,
): Readonly<Record<string, unknown>> {
  if (override === undefined) return work
  const { image, modelRef } = override
  const { container, inference } = work
  return {
    ...work,
    ...(image !== undefined && isMembers(container) ? { container: { ...container, image } } : {}),
    ...(modelRef !== undefined && isMembers(inference) ? { inference: { ...inference, modelRef } } : {}),
  }
}

/** The oldest Job that did the same and was young enough when the run was created: every pass finds the same. */
export function rememberedJob({ run, remembered }: RunWorld, { spec }: CompiledStep, { metadata }: StepChild): Job | undefined {
  const memo = metadata.labels?.[memoLabel]
  const { maxAgeSeconds } = spec.memoize ?? {}
  if (memo === undefined || maxAgeSeconds === undefined) return undefined
  const since = (parseTime(run.metadata.creationTimestamp) ?? 0) - maxAgeSeconds * 1000
  return remembered(memo)
    .filter((job) => (parseTime(job.status?.finishedAt) ?? 0) >= since)
    .toSorted((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
    .at(0)
}

/** The same work with the same inputs has the same label; nothing where that cannot be known. */
function withMemo(world: RunWorld, child: StepChild): StepChild {
  const memo = memoOf(world, child.spec)
  if (memo === undefined) return child
  return { ...child, metadata: { ...child.metadata, labels: { ...child.metadata.labels, [memoLabel]: memo } } }
}

function memoOf({ modelNamed, jobNamed, sha256 }: RunWorld, spec: Readonly<Record<string, unknown>>): string | undefined {
  const { inference, container } = spec
  const ref = fieldOf(inference, 'modelRef')
  const model = modelNamed(textOf(fieldOf(ref, 'name')) ?? '', textOf(fieldOf(ref, 'namespace')))
  if (inference !== undefined && model?.status?.digest === undefined) return undefined
  const unknown: string[] = []
  const digests = JSON.stringify({ inference, container, resources: spec['resources'] }, (key, value: unknown) => {
    if (key !== 'from' || typeof value !== 'string') return value
    const digest = digestOfInput(value, jobNamed)
    if (digest === undefined) unknown.push(value)
    return digest
  })
  return unknown.length === 0 ? sha256(`${model?.status?.digest ?? ''} ${digests}`).slice(0, 63) : undefined
}

/** What `job://<job>/<output>` holds, by its digest; keys of the store are written once and stand for themselves. */
function digestOfInput(from: string, jobNamed: (name: string) => Job | undefined): string | undefined {
  const [, name, output] = /^job:\/\/([^/]+)\/([^/]+)$/.exec(from) ?? []
  if (name === undefined) return from
  const result = jobNamed(name)?.status?.result
  if (result === undefined) return undefined
  return `${result.sha256}/${output ?? ''}`
}
