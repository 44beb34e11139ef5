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
import { fieldOf, textOf } from '../reading.ts'
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

const longestName = 253
const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

export function publish(world: RunWorld, values: RunValues, step: CompiledStep): Publishing {
  const wanted = substitute(step.spec.publish ?? {}, (reference) => values.resolve(reference))
  if ('missing' in wanted) return ended(failed(wanted.missing))
  const publication = readPublication(wanted.value)
  if ('mistake' in publication) return ended(failed(publication.mistake))
  const { alias, spec } = publication
  const name = publishedModel(world.run, step.name, alias)
  const mistake = refusalOf(world, name) ?? refusalOf(world, alias) ?? aliasMistake(world, alias, name)
  if (mistake !== undefined) return ended(failed(mistake))
  const version = world.modelNamed(name, undefined)
  if (version === undefined) return going(`makes Model ${name}`, world.made.has(name) ? [] : [objectFor(world, step, name, spec)])
  const ready = version.status?.conditions.find(({ type }) => type === 'Ready')
  const isStalled = version.status?.conditions.some(({ type }) => type === 'Stalled') === true
  if (isStalled) return ended(failed(`Model ${name} cannot be used: ${ready?.message ?? ''}`))
  if (ready?.status !== 'True') return going(`waits for Model ${name}: ${ready?.message ?? 'it was made just now'}`)
  return moveAlias(world, step, alias, name)
}

function refusalOf({ refused }: RunWorld, model: string): string | undefined {
  const why = refused.get(model)
  return why === undefined ? undefined : `Model ${model} was refused: ${why}`
}

/** Known before anything is made: what cannot be moved in the end leaves no Model behind. */
function aliasMistake(world: RunWorld, alias: string, name: string): string | undefined {
  const found = world.modelNamed(alias, undefined)
  const moved = found === undefined ? undefined : movedAlias(found, name)
  return moved !== undefined && 'mistake' in moved ? `${moved.mistake}.` : undefined
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
  const change = { ...at(found), namespace, uid, resourceVersion, patch: { ...moved.patch }, tellsRefusal: true }
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

interface Publication {
  readonly alias: string
  /** Of the Model that is made. */
  readonly spec: object
}

/** What is to be published, with every reference replaced, or what is wrong with it. */
function readPublication(value: unknown): Publication | { readonly mistake: string } {
  const [alias, uri, digest] = ['alias', 'uri', 'digest'].map((name) => textOf(fieldOf(value, name)))
  if (alias === undefined || alias.length > longestName || !dnsName.test(alias))
    return { mistake: 'publish.alias is no name that a Model can have; write it in lower case, with letters, digits, dots and dashes' }
  if (uri === undefined) return { mistake: 'publish.uri is no text; name one artifact, as $(steps.<step>.artifacts.<output>)' }
  const more = fieldOf(value, 'model')
  const source = { uri, ...(digest === undefined ? {} : { digest }) }
  return { alias, spec: { ...(typeof more === 'object' && more !== null ? more : {}), source } }
}
