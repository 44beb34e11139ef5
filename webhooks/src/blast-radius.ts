/**
 * Looks at what exists when somebody tries a policy on with `--dry-run=server`, so that they see whom it would hit before it does.
 *
 * Reads pages straight from the API server and keeps none. Gives way to other reviews after a few milliseconds, and ends when its
 * time is up: an answer in part says so. Never refuses.
 */
import { type BlastRadius, blastRadiusOf, kindsLookedAt, type PolicyWorld, type ReviewRequest, type Scanned } from '@mnemos/domain'
import { type Client, type Clock, pathOf, type Resource } from '@mnemos/kube'
import { policedResources } from './policed-resources.ts'

/** Lines about the objects that a changed policy would refuse; undefined for requests that change no policy. */
export type Forecast = (request: ReviewRequest) => Promise<readonly string[]> | undefined

export interface ForecastOptions {
  readonly client: Pick<Client, 'request'>
  readonly clock: Clock
  readonly world: Pick<PolicyWorld, 'namespaceLabels' | 'modelFacts'>
  /** Longest look, in milliseconds. */
  readonly waitMs: number
}

interface Page {
  readonly metadata?: { readonly continue?: string }
  readonly items: readonly Scanned['object'][]
}

/** Small enough to be read in a few milliseconds. */
const pageSize = 100
const sliceMs = 5

export function createForecast(options: ForecastOptions): Forecast {
  return (request) => {
    const radius = blastRadiusOf(request)
    return radius === undefined ? undefined : lookedAt(radius, request.namespace, options)
  }
}

async function lookedAt(radius: BlastRadius, namespace: string | undefined, options: ForecastOptions): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(options.waitMs)
  try {
    for (const kind of kindsLookedAt(radius.policy))
      await everyPage(policedResources[kind], namespace, options, signal, (page) => judge(radius, page, options))
    return radius.warnings(true)
  } catch {
    // Out of time, or the API server is away: what was seen so far is worth telling.
    return radius.warnings(false)
  }
}

async function everyPage(
  resource: Resource,
  namespace: string | undefined,
  { client }: ForecastOptions,
  signal: AbortSignal,
  take: (items: Page['items']) => Promise<void>,
): Promise<void> {
  const path = pathOf(resource, namespace === undefined ? {} : { namespace })
  let next: string | undefined
  do {
    signal.throwIfAborted()
    const page: Page = await client.request('GET', path, {
      query: { limit: String(pageSize), ...(next ? { continue: next } : {}) },
      signal,
    })
    await take(page.items)
    next = page.metadata?.continue
  } while (next)
}

async function judge(radius: BlastRadius, items: Page['items'], { clock, world }: ForecastOptions): Promise<void> {
  let since = clock.monotonic()
  for (const object of items) {
    const { namespace } = object.metadata
    radius.add(
      {
        object,
        namespaceLabels: namespace === undefined ? {} : world.namespaceLabels(namespace),
        modelFacts: (of, name) => world.modelFacts(of, name, namespace ?? ''),
      },
      clock.now(),
    )
    if (clock.monotonic() - since < sliceMs) continue
    await new Promise((resolve) => setImmediate(resolve))
    since = clock.monotonic()
  }
}
