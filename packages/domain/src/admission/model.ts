/** What a Model's schema accepts, but its author should know. */

import { aliasTargetOfUri } from '../models/alias.ts'
import { fieldOf, textOf } from '../reading.ts'
import { type Catalog, modelWarnings, poolWarnings } from './catalog.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

export function modelSpecWarnings(request: ReviewRequest, { catalog }: ReviewContext): readonly string[] {
  return [...digestWarnings(request), ...aliasWarnings(request, catalog), ...servingWarnings(request, catalog)]
}

/** The Model that an alias names may come later. */
function aliasWarnings({ object, namespace = '' }: ReviewRequest, catalog: Catalog): readonly string[] {
  const target = aliasTargetOfUri(uriOf(object?.spec))
  if (target === undefined) return []
  if (target === object?.metadata.name) return [`spec.source.uri names the Model \`${target}\` itself: it will never be ready`]
  const runtime = fieldOf(object?.spec, 'runtime')
  const isOwn = (textOf(fieldOf(runtime, 'engine')) ?? 'llama-cpp') !== 'llama-cpp' || fieldOf(runtime, 'parameters') !== undefined
  return [
    ...modelWarnings({ name: target }, namespace, catalog),
    ...(isOwn ? [`spec.runtime of an alias is not used: it is run as Model \`${target}\` is`] : []),
  ]
}

function uriOf(spec: unknown): string {
  return textOf(fieldOf(fieldOf(spec, 'source'), 'uri')) ?? ''
}

function servingWarnings({ object, namespace = '' }: ReviewRequest, catalog: Catalog): readonly string[] {
  const pool = fieldOf(fieldOf(object?.spec, 'serving'), 'poolRef')
  const name = textOf(fieldOf(pool, 'name'))
  return name === undefined ? [] : poolWarnings({ name, namespace: textOf(fieldOf(pool, 'namespace')) }, namespace, catalog)
}

function digestWarnings({ object }: ReviewRequest): readonly string[] {
  const digest = fieldOf(fieldOf(object?.spec, 'source'), 'digest')
  // What MNEMOS has stored once does not change any more.
  if (digest !== undefined || /^(job|artifact|model):/.test(uriOf(object?.spec))) return []
  return ['spec.source.digest is not set: the import pins whatever bytes it finds, and writes their SHA-256 to status.digest']
}
