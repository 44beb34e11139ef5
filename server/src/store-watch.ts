/**
 * Whether the stores can be reached, asked now and then and not by whoever asks us.
 *
 * A server is not ready before it has reached each store once: a wrong address or password stops a rollout. After that a store that is
 * away is named and the server stays ready: it still knows Jobs, refuses the rest with a time to come back, and no
 * other replica would do better.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ArtifactStore } from '@mnemos/artifacts'
import type { StreamStore } from '@mnemos/stores'
import type { Logger } from 'pino'
import type { StoreMetrics } from './store-metrics.ts'

export interface StoreWatch {
  /** Whether each store was reached once. */
  wasReached(): boolean
  /** One sentence for each store that did not answer last. */
  troubles(): readonly string[]
  /** Asks until the signal. */
  run(signal: AbortSignal): Promise<void>
}

interface Watched {
  readonly name: string
  readonly check: () => Promise<void>
  wasReached: boolean
  trouble: string | undefined
}

const everyMs = 5000
const untilReachedEveryMs = 500
/** What a crash left is older than any upload that still goes on. */
const leftOverMs = 24 * 60 * 60_000
const sweepEveryMs = 6 * 60 * 60_000

export function createStoreWatch(
  { artifacts, streams }: { artifacts: ArtifactStore; streams: StreamStore },
  { metrics, logger }: { metrics: StoreMetrics; logger: Logger },
): StoreWatch {
  const stores: readonly Watched[] = [
    { name: 'artifacts', check: () => artifacts.check(), wasReached: false, trouble: 'not asked yet' },
    { name: 'streams', check: () => streams.check(), wasReached: false, trouble: 'not asked yet' },
  ]
  const ask = async (store: Watched): Promise<void> => {
    const before = store.trouble
    try {
      await store.check()
      store.wasReached = true
      store.trouble = undefined
    } catch (error) {
      store.trouble = error instanceof Error ? error.message : String(error)
    }
    metrics.up.set({ store: store.name }, store.trouble === undefined ? 1 : 0)
    if (before === store.trouble) return
    if (store.trouble === undefined) logger.info({ store: store.name }, 'store answers')
    else logger.warn({ store: store.name, trouble: store.trouble }, 'store does not answer')
  }
  const watch = async (store: Watched, signal: AbortSignal): Promise<void> => {
    do await ask(store)
    while (await pause(store.wasReached ? everyMs : untilReachedEveryMs, signal))
  }
  const sweepNowAndThen = async (signal: AbortSignal): Promise<void> => {
    while (await pause(sweepEveryMs, signal)) {
      try {
        const removed = await artifacts.sweep(leftOverMs)
        if (removed > 0) logger.info({ removed }, 'removed what uploads had left')
      } catch (error) {
        logger.warn({ error: String(error) }, 'what uploads left could not be removed')
      }
    }
  }
  return {
    wasReached: () => stores.every(({ wasReached }) => wasReached),
    troubles: () => stores.filter(({ trouble }) => trouble !== undefined).map(({ name, trouble }) => `${name}: ${trouble ?? ''}`),
    run: async (signal) => {
      await Promise.all([...stores.map((store) => watch(store, signal)), sweepNowAndThen(signal)])
    },
  }
}

/** Whether the pause ended by itself. */
const pause = (ms: number, signal: AbortSignal): Promise<boolean> => sleep(ms, true, { signal, ref: false }).catch(() => false)
