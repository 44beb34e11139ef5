/** What a Model's schema accepts, but its author should know. */
import { fieldOf } from './reading.ts'
import type { ReviewRequest } from './verdict.ts'

export function modelSpecWarnings(request: ReviewRequest): readonly string[] {
  const digest = fieldOf(fieldOf(request.object?.spec, 'source'), 'digest')
  if (digest !== undefined) return []
  return ['spec.source.digest is not set: the import pins whatever bytes it finds, and writes their SHA-256 to status.digest']
}
