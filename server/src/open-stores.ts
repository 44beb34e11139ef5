/** Opens the stores that the settings choose; what was not chosen is not even loaded. */
import { type ArtifactStore, openDirectoryStore, openS3Store } from '@mnemos/artifacts'
import {
  createMemoryRateLimits,
  createMemoryStreamStore,
  createRedisRateLimits,
  createRedisStreamStore,
  type RateLimits,
  type StreamStore,
} from '@mnemos/stores'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ServerConfig } from './config.ts'
import { measuredArtifacts, measuredStreams, storeMetrics } from './store-metrics.ts'
import { createStoreWatch, type StoreWatch } from './store-watch.ts'

/** Longest time that counting may hold a request up, in ms. */
const countingMs = 500

export interface Stores {
  readonly artifacts: ArtifactStore
  readonly streams: StreamStore
  /** Of requests by people. */
  readonly rates: RateLimits
  readonly watch: StoreWatch
  close(): Promise<void>
}

/**
 * A store across the network need not be there yet: what needs it is refused until it is.
 * @throws when the folder of artifacts cannot be used
 */
export async function openStores(
  { artifactsFolder, s3, redis }: ServerConfig,
  { logger, registry }: { logger: Logger; registry: Registry },
): Promise<Stores> {
  const onTrouble = (message: string): void => logger.warn({ trouble: message }, 'a store has trouble')
  const metrics = storeMetrics(registry)
  const artifacts = s3 === undefined ? await openDirectoryStore(artifactsFolder) : await openS3Store({ ...s3, onTrouble })
  const streams = redis === undefined ? createMemoryStreamStore() : await createRedisStreamStore({ ...redis, onTrouble })
  const rates = redis === undefined ? createMemoryRateLimits() : await createRedisRateLimits({ ...redis, timeoutMs: countingMs, onTrouble })
  return {
    rates,
    artifacts: measuredArtifacts(artifacts, metrics),
    streams: measuredStreams(streams, metrics),
    watch: createStoreWatch({ artifacts, streams }, { metrics, logger }),
    close: async () => {
      await Promise.all([artifacts.close(), streams.close(), rates.close()])
    },
  }
}
