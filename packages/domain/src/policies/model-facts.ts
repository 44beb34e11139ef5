/** What a Model object says about itself for the sake of those who use it, and who they may be. Reads objects of unknown shape. */
import { allowedNamespaces } from '@mnemos/api'
import { z } from 'zod'
import type { AllowedNamespaces } from '../allowed-namespaces.ts'
import { aliasTargetOfUri, maxAliasSteps } from '../models/alias.ts'
import type { ModelFacts } from './subject.ts'

const factual = z.object({
  spec: z.object({ source: z.object({ uri: z.string(), digest: z.string().optional() }), license: z.string().optional() }),
  status: z.object({ digest: z.string().optional(), resolved: z.object({ license: z.string().optional() }).optional() }).optional(),
})
const granting = z.object({ spec: z.object({ allowedNamespaces }) })

/** The facts of a Model; undefined when it cannot be read. */
export function modelFactsOf(object: unknown): ModelFacts | undefined {
  const parsed = factual.safeParse(object)
  if (!parsed.success) return undefined
  const { spec, status } = parsed.data
  const license = spec.license ?? status?.resolved?.license
  return { uri: spec.source.uri, digest: spec.source.digest, license, isImported: status?.digest !== undefined }
}

/** The facts of an alias are those of the bytes that it leads to; what it says of itself counts only where those say nothing. */
export function behindAlias(own: ModelFacts, target: ModelFacts | undefined): ModelFacts {
  if (target === undefined) return own
  return { ...target, license: target.license ?? own.license, alias: own.uri }
}

/**
 * The facts of a Model or, of an alias, those of the Model that it leads to, as far as that is known.
 * @param factsNamed facts of the Models of the same namespace
 */
export function factsThroughAlias(own: ModelFacts, factsNamed: (name: string) => ModelFacts | undefined): ModelFacts {
  let facts = own
  for (let step = 0; step < maxAliasSteps; step += 1) {
    const target = aliasTargetOfUri(facts.uri ?? '')
    const found = target === undefined ? undefined : factsNamed(target)
    if (found === undefined) return facts
    facts = { ...behindAlias(facts, found), alias: own.uri }
  }
  return facts
}

/** Whose namespaces may use a Model or a WorkerPool; what cannot be read grants nothing. */
export function grantOf(object: unknown): AllowedNamespaces {
  const parsed = granting.safeParse(object)
  return parsed.success ? parsed.data.spec.allowedNamespaces : { from: 'Same' }
}
