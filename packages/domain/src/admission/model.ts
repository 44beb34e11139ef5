/** What a Model's schema accepts, but its author should know. */

import { fieldOf, textOf } from '../reading.ts'
import { type Catalog, poolWarnings } from './catalog.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

export function modelSpecWarnings(request: ReviewRequest, { catalog }: ReviewContext): readonly string[] {
  return [...digestWarnings(request), ...servingWarnings(request, catalog)]
}

function servingWarnings({ object, namespace = '' }: ReviewRequest, catalog: Catalog): readonly string[] {
  const pool = fieldOf(fieldOf(object?.spec, 'serving'), 'poolRef')
  const name = textOf(fieldOf(pool, 'name'))
  return name === undefined ? [] : poolWarnings({ name, namespace: textOf(fieldOf(pool, 'namespace')) }, namespace, catalog)
}

function digestWarnings({ object }: ReviewRequest): readonly string[] {
  const digest = fieldOf(fieldOf(object?.spec, 'source'), 'digest')
  if (digest !== undefined) return []
  return ['spec.source.digest is not set: the import pins whatever bytes it finds, and writes their SHA-256 to status.digest']
}
