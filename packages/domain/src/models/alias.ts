/**
 * Aliases: a Model whose source is `model://<name>` stands for another Model of its namespace, so that promotion and rollback
 * are one edit.
 *
 * Guarantees: following ends after `maxAliasSteps`, whatever people wrote; a way that comes back to itself is told with its path.
 * Knows names and objects; what it means for a status is decided in alias-plan.ts.
 */
import type { Model } from '@mnemos/api'

/** Longest way from an alias to the Model that has the bytes. */
export const maxAliasSteps = 4

const scheme = 'model://'

/** The Model that a source stands for; undefined for any other source. */
export function aliasTargetOfUri(uri: string): string | undefined {
  return uri.startsWith(scheme) ? uri.slice(scheme.length) : undefined
}

/** The Model that an alias names; undefined when the Model is no alias. */
export function aliasTargetOf({ spec }: Pick<Model, 'spec'>): string | undefined {
  return aliasTargetOfUri(spec.source.uri)
}

/** Source of an alias. */
export function aliasUri(target: string): string {
  return `${scheme}${target}`
}

/** Where an alias leads; `path` are the names on the way, its own first. */
export type FollowedAlias = { readonly path: readonly string[] } & (
  | { readonly end: 'found'; readonly target: Model }
  | { readonly end: 'missing'; readonly otherModels: readonly string[] }
  | { readonly end: 'cycle' | 'tooDeep' }
)

/** What may be asked about the Models of the namespace. */
export interface ModelNames {
  readonly modelNamed: (name: string) => Model | undefined
  readonly names: () => readonly string[]
}

/** Undefined when the Model is no alias. */
export function followAlias(model: Model, { modelNamed, names }: ModelNames): FollowedAlias | undefined {
  const path = [model.metadata.name]
  for (let next = aliasTargetOf(model); next !== undefined; ) {
    const isSeen = path.includes(next)
    path.push(next)
    if (isSeen) return { path, end: 'cycle' }
    if (path.length > maxAliasSteps + 1) return { path, end: 'tooDeep' }
    const target = modelNamed(next)
    if (target === undefined) return { path, end: 'missing', otherModels: names() }
    next = aliasTargetOf(target)
    if (next === undefined) return { path, end: 'found', target }
  }
  return undefined
}

/**
 * Names of the aliases that lead to a Model, at any distance within `maxAliasSteps`.
 * @param aliasesOf names of the aliases that name a Model
 */
export function aliasesThatLeadTo(name: string, aliasesOf: (name: string) => readonly string[]): readonly string[] {
  const found = new Set<string>()
  let reached: readonly string[] = [name]
  // One step more than is followed: those that are too deep must hear that they no longer are.
  for (let step = 0; step <= maxAliasSteps && reached.length > 0; step += 1) {
    reached = reached.flatMap(aliasesOf).filter((alias) => !found.has(alias))
    for (const alias of reached) found.add(alias)
  }
  return [...found]
}
