/** Bytes that are named by their digest cannot be exchanged behind anybody's back. */
import { type Compiled, compiled, type Judgement } from '../rule-kind.ts'
import { parseSource } from '../source-pattern.ts'

export function digestRule(isRequired: boolean): Compiled<Judgement> {
  return compiled({
    kinds: ['Model', 'Job'],
    judge: ({ kind, model }) => {
      if (!isRequired || model === undefined || model.digest !== undefined) return []
      // What MNEMOS made itself has a digest of its own making.
      if (['job', 'artifact', 'model'].includes(parseSource(model.uri ?? '')?.scheme ?? '')) return []
      // The Model that has the bytes is to name their digest: who uses an alias is told, not the alias.
      if (kind === 'Model' && model.alias !== undefined) return []
      return kind === 'Model'
        ? [{ path: ['spec', 'source', 'digest'], message: 'is required', suggestion: 'set it to sha256:<64 hex digits> of the bytes' }]
        : [{ path: ['spec', 'inference', 'modelRef'], message: 'the Model does not name the digest of its bytes (spec.source.digest)' }]
    },
  })
}
