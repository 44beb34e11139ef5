/** What a WorkerPool's schema accepts, but its author should know. */

import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { modelWarnings, queueWarnings } from './catalog.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

export function workerPoolWarnings(request: ReviewRequest, { catalog }: ReviewContext): readonly string[] {
  const spec = request.object?.spec
  const queue = textOf(fieldOf(spec, 'queue'))
  return [
    ...itemsOf(fieldOf(spec, 'models')).flatMap((reference) => {
      const name = textOf(fieldOf(reference, 'name'))
      if (name === undefined) return []
      return modelWarnings({ name, namespace: textOf(fieldOf(reference, 'namespace')) }, request.namespace ?? '', catalog)
    }),
    ...(queue === undefined ? [] : queueWarnings(queue, request.namespace ?? '', catalog)),
  ]
}
