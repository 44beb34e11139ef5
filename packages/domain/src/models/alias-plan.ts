/**
 * What should happen next to an alias: it takes over what is known of the bytes of the Model that it leads to, so that whoever
 * reads `status.digest` and `status.artifact` needs to know nothing of aliases. It imports nothing.
 *
 * Guarantees: an alias never names bytes that its target does not name now, nor those of a target that policy forbids.
 */
import type { ConditionFact, Model, ModelStatus, Reason } from '@mnemos/api'
import { nearest } from '../admission/nearest.ts'
import { aliasUri, type FollowedAlias, maxAliasSteps } from './alias.ts'
import type { ModelPlan, ModelWorld } from './model.ts'
import { readyPlan } from './model-ready.ts'
import { isStalledFor, plan, withoutBytes } from './model-status.ts'

interface Finding {
  readonly reason: Reason
  readonly message: string
  /** Only a change by a person helps. */
  readonly isStalled: boolean
}

export function aliasPlan(world: ModelWorld, alias: FollowedAlias): ModelPlan {
  const { model } = world
  const finding = findingOf(model, alias)
  if (finding !== undefined) return unresolvedPlan(model, finding)
  if (alias.end !== 'found') return plan(undefined, [])
  const { target } = alias
  const resolved = readyPlan(world, mirrored(model, target), factsOf(model, alias.path, target))
  const before = model.status?.target
  if (before === undefined || before === target.metadata.name) return resolved
  const note = `Model ${model.metadata.name} was an alias of Model ${before} and is one of Model ${target.metadata.name} now.`
  return { ...resolved, events: [{ type: 'Normal', reason: 'AliasMoved', action: 'Follow', note }, ...resolved.events] }
}

/** Why the alias leads to no bytes, if it does not. */
function findingOf(model: Model, alias: FollowedAlias): Finding | undefined {
  const { name } = model.metadata
  const [, first = ''] = alias.path
  const way = alias.path.join(' → ')
  switch (alias.end) {
    case 'cycle':
      return {
        reason: 'AliasCycle',
        message: `Model ${name} is an alias that leads back to itself: ${way}; point one of them at a Model that is no alias.`,
        isStalled: true,
      }
    case 'tooDeep':
      return {
        reason: 'AliasTooDeep',
        message: `Model ${name} is an alias that leads over more than ${maxAliasSteps} steps: ${way}; point it at the Model itself.`,
        isStalled: true,
      }
    case 'missing': {
      const last = alias.path.at(-1) ?? first
      const meant = nearest(last, alias.otherModels)
      const advice = meant === undefined ? 'point spec.source.uri at another Model.' : `did you mean ${aliasUri(meant)}?`
      return {
        reason: 'AliasTargetNotFound',
        message: `Model ${name} is an alias (${way}), and there is no Model ${last} (any more); create it, or ${advice}`,
        isStalled: false,
      }
    }
    case 'found':
      return notReady(model, alias) ?? anotherDigest(model, alias.target)
  }
}

/** A Model that is being brought up for serving has its bytes, and that is what an alias is about. */
function notReady({ metadata: { name } }: Model, { target, path }: FollowedAlias & { readonly end: 'found' }): Finding | undefined {
  const { digest, artifact, conditions = [] } = target.status ?? {}
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (digest !== undefined && artifact !== undefined && ready?.reason !== 'PolicyViolation') return undefined
  const why = ready === undefined || ready.message === '' ? 'it has not been looked at yet' : ready.message
  return {
    reason: 'AliasTargetNotReady',
    message: `Model ${name} is an alias (${path.join(' → ')}), and Model ${target.metadata.name} is not ready: ${why}`,
    isStalled: conditions.some(({ type, status }) => type === 'Stalled' && status === 'True'),
  }
}

function anotherDigest({ metadata: { name }, spec }: Model, { metadata, status }: Model): Finding | undefined {
  const wanted = spec.source.digest
  if (wanted === undefined || wanted === status?.digest) return undefined
  const message = `Model ${metadata.name}, of which ${name} is an alias, has digest ${status?.digest ?? ''}, and spec.source.digest demands ${wanted}; correct it, or remove it.`
  return { reason: 'DigestMismatch', message, isStalled: true }
}

function unresolvedPlan(model: Model, { reason, message, isStalled }: Finding): ModelPlan {
  const stands = isStalled ? 'Stalled' : 'Reconciling'
  const facts: ConditionFact[] = [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'ArtifactVerified', status: 'False', reason, message },
    { type: stands, status: 'True', reason, message },
  ]
  // Whoever could use it until now must hear of it; an alias that was made before its target is nothing to tell of.
  const isNews = model.status?.digest !== undefined || (isStalled && !isStalledFor(model, reason))
  return {
    ...plan({ ...withoutBytes(model), phase: isStalled ? 'Failed' : 'Pending' }, facts),
    events: isNews ? [{ type: 'Warning', reason, action: 'Follow', note: message }] : [],
  }
}

/** Everything that follows from the bytes, and how they are run. */
function mirrored(model: Model, { metadata, spec, status }: Model): ModelStatus {
  const { digest, artifact, sizeBytes, resolved } = status ?? {}
  return {
    ...withoutBytes(model),
    ...(digest === undefined ? {} : { digest }),
    ...(artifact === undefined ? {} : { artifact }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(resolved === undefined ? {} : { resolved }),
    target: metadata.name,
    runtime: spec.runtime,
  }
}

function factsOf({ metadata: { name } }: Model, path: readonly string[], { metadata, status }: Model): ConditionFact[] {
  const way = path.length > 2 ? ` (${path.join(' → ')})` : ''
  const message = `Model ${name} is an alias of Model ${metadata.name}${way}, whose bytes are stored with digest ${status?.digest ?? ''}.`
  const reason = 'AliasResolved'
  return [
    { type: 'Ready', status: 'True', reason, message },
    { type: 'ArtifactVerified', status: 'True', reason, message },
  ]
}
