/**
 * A step that publishes: makes an immutable Model of an artifact, waits until its bytes are verified, and moves an alias to it.
 *
 * Both outlive the run. The alias remembers what it was before, so that one edit (or `mnemos models rollback`) moves it back; a
 * step that has ended is recorded, so that no later pass moves it again.
 */
import { apiVersion, type Model } from '@mnemos/api'
import type { KubeObject, ObjectPatch } from '@mnemos/kube'
import { requesterAnnotation } from '../admission/requester.ts'
import { aliasUri } from '../models/alias.ts'
import { movedAlias } from '../models/alias-move.ts'
import { labelOf, managedByLabel } from '../workers/pool-names.ts'
import type { CompiledStep } from './compiled.ts'
import { pipelineLabel, publishedModel, runLabel, stepLabel } from './run-names.ts'
import { failed, type StepView } from './run-steps.ts'
import type { RunValues } from './run-values.ts'
import type { RunWorld } from './run-world.ts'
import { substitute } from './substitute.ts'

export interface Publishing {
  readonly view: StepView
  readonly create: readonly KubeObject[]
  readonly patch: readonly ObjectPatch[]
}

const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

export function publish(world: RunWorld, values: RunValues, step: CompiledStep): Publishing {
  const wanted = substitute(step.spec.publish ?? {}, (reference) => values.resolve(reference))
  if ('missing' in wanted) return ended(failed(wanted.missing))
  const { alias, uri, digest, model: more } = readWanted(wanted.value)
  if (alias === undefined || !dnsName.test(alias) || uri === undefined)
    return ended(failed('publish.alias is no name that a Model can have'))
  const name = publishedModel(world.run, step.name, alias)
  const refusal = world.refused.get(name) ?? world.refused.get(alias)
  if (refusal !== undefined) return ended(failed(`Model ${name} was refused: ${refusal}`))
  const version = world.modelNamed(name, undefined)
  if (version === undefined) {
    const isMade = world.made.has(name)
    const spec = { ...more, source: { uri, ...(digest === undefined ? {} : { digest }) } }
    return going(`makes Model ${name}`, isMade ? [] : [objectFor(world, step, name, spec)])
  }
  const ready = version.status?.conditions.find(({ type }) => type === 'Ready')
  const isStalled = version.status?.conditions.some(({ type }) => type === 'Stalled') === true
  if (isStalled) return ended(failed(`Model ${name} cannot be used: ${ready?.message ?? ''}`))
  if (ready?.status !== 'True') return going(`waits for Model ${name}: ${ready?.message ?? 'it was made just now'}`)
  return moveAlias(world, step, alias, name)
}

function moveAlias(world: RunWorld, step: CompiledStep, alias: string, name: string): Publishing {
  const found = world.modelNamed(alias, undefined)
  if (found === undefined)
    return going(
      `makes the alias ${alias}`,
      world.made.has(alias) ? [] : [objectFor(world, step, alias, { source: { uri: aliasUri(name) } })],
    )
  const moved = movedAlias(found, name)
  if (moved === undefined) return ended({ state: { phase: 'Succeeded' } })
  if ('mistake' in moved) return ended(failed(`${moved.mistake}.`))
  const { uid = '', resourceVersion = '', namespace = '' } = found.metadata
  // Whoever edits the alias in between is not overwritten unseen.
  const change = { ...at(found), namespace, uid, resourceVersion, patch: { ...moved.patch } }
  return { ...going(`moves the alias ${alias} to ${name}`), patch: [change] }
}

function at({ apiVersion: version, kind, metadata: { name } }: Model): { apiVersion: string; kind: string; name: string } {
  return { apiVersion: version, kind, name }
}

/** Nobody's child: it outlives the run. */
function objectFor({ run }: RunWorld, step: CompiledStep, name: string, spec: object): KubeObject & { readonly spec: object } {
  const { namespace = '', annotations } = run.metadata
  const requester = annotations?.[requesterAnnotation]
  return {
    apiVersion,
    kind: 'Model',
    metadata: {
      ...{ name, namespace },
      labels: {
        ...managedByLabel,
        [runLabel]: labelOf(run.metadata.name),
        [pipelineLabel]: labelOf(run.spec.pipelineRef.name),
        [stepLabel]: step.name,
      },
      ...(requester === undefined ? {} : { annotations: { [requesterAnnotation]: requester } }),
    },
    spec,
  }
}

const going = (message: string, create: readonly KubeObject[] = []): Publishing => ({
  ...{ view: { state: { phase: 'Running' }, message }, create, patch: [] },
})
const ended = (view: StepView): Publishing => ({ view, create: [], patch: [] })

interface Wanted {
  readonly alias: string | undefined
  readonly uri: string | undefined
  readonly digest: string | undefined
  readonly model: object
}

function readWanted(value: unknown): Wanted {
  const members: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {}
  const text = (name: string): string | undefined => (typeof members[name] === 'string' ? members[name] : undefined)
  const { model } = members
  return { alias: text('alias'), uri: text('uri'), digest: text('digest'), model: typeof model === 'object' && model !== null ? model : {} }
}
