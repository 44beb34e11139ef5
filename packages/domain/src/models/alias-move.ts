/**
 * Moving an alias to another Model, and back. Each move keeps the target of before in an annotation, so that a rollback needs no
 * history, and a second rollback goes forward again. Values in, a merge patch or a mistake out.
 */
import type { Model } from '@mnemos/api'
import { shownUri } from '@mnemos/api'
import { aliasTargetOf, aliasUri } from './alias.ts'

/** Annotation of an alias: the Model that it named before its last move. */
export const previousTargetAnnotation = 'mnemos.dev/previous'

/** A merge patch that moves an alias. */
export interface AliasPatch {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> }
  readonly spec: { readonly source: { readonly uri: string; readonly digest?: null } }
}

/** Why an alias cannot be moved: a sentence with the next step. */
export interface AliasMistake {
  readonly mistake: string
}

const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const longestName = 253

/** Moves an alias to another Model; undefined when it is there already. */
export function movedAlias(model: Model, target: string): { readonly patch: AliasPatch } | AliasMistake | undefined {
  const { name } = model.metadata
  const present = aliasTargetOf(model)
  if (present === undefined) return { mistake: noAlias(model) }
  if (present === target) return undefined
  if (!isName(target))
    return { mistake: `"${target.slice(0, longestName)}" is no name of a Model; write it as Kubernetes names are written` }
  if (target === name) return { mistake: `Model ${name} cannot be an alias of itself; name another Model` }
  return { patch: patchOf(model, present, target) }
}

/** Moves an alias back to where it pointed before its last move. Once more, and it is where it was. */
export function rollbackOfAlias(model: Model): { readonly patch: AliasPatch } | AliasMistake {
  const { name, annotations } = model.metadata
  const present = aliasTargetOf(model)
  if (present === undefined) return { mistake: noAlias(model) }
  const previous = annotations?.[previousTargetAnnotation]
  if (previous === undefined)
    return {
      mistake: `Model ${name} was never moved (it has no annotation ${previousTargetAnnotation}); set spec.source.uri to ${aliasUri('<name>')} to move it`,
    }
  if (!isName(previous) || previous === present || previous === name)
    return {
      mistake: `annotation ${previousTargetAnnotation} of Model ${name} names no Model to go back to; set spec.source.uri to ${aliasUri('<name>')} to move it`,
    }
  return { patch: patchOf(model, present, previous) }
}

/** A digest that was demanded of the old target says nothing about the new one. */
function patchOf({ spec }: Model, from: string, to: string): AliasPatch {
  return {
    metadata: { annotations: { [previousTargetAnnotation]: from } },
    spec: { source: { uri: aliasUri(to), ...(spec.source.digest === undefined ? {} : { digest: null }) } },
  }
}

function noAlias({ metadata: { name }, spec }: Model): string {
  return `Model ${name} is no alias: its bytes come from ${shownUri(spec.source.uri)}; name a Model whose spec.source.uri is ${aliasUri('<name>')}`
}

function isName(name: string): boolean {
  return name.length <= longestName && dnsName.test(name)
}
