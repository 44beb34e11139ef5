/** What a Model object says about itself for the sake of those who use it, and who they may be. Reads objects of unknown shape. */
import { allowedNamespaces } from '@mnemos/api'
import { z } from 'zod'
import type { AllowedNamespaces } from '../allowed-namespaces.ts'
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

/** Whose namespaces may use a Model or a WorkerPool; what cannot be read grants nothing. */
export function grantOf(object: unknown): AllowedNamespaces {
  const parsed = granting.safeParse(object)
  return parsed.success ? parsed.data.spec.allowedNamespaces : { from: 'Same' }
}
