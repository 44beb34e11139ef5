/**
 * Removes outputs that nobody needs any more, now and then: what is one, domain/artifacts/retention.ts decides.
 *
 * Flow: page by page, what could go by what the cluster held at the start; for each batch of those the cluster is read again, and
 * decided again; only then something is deleted.
 * Guarantees: nothing is deleted unless all that could name it was read after it was listed. Any number of servers may do this at once:
 * deleting twice is deleting once. A sweep that fails has deleted nothing wrong, and the next one goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ArtifactStore } from '@mnemos/artifacts'
import { decideRetention, type LiveObjects, outputsPrefix, type Removal } from '@mnemos/domain'
import type { Logger } from 'pino'
import { Counter, Gauge, type Registry } from 'prom-client'

export interface SweeperPorts {
  readonly artifacts: Pick<ArtifactStore, 'page' | 'delete'>
  /** @throws when anything could not be read */
  readonly readLive: (signal: AbortSignal) => Promise<LiveObjects>
  readonly logger: Logger
  readonly registry: Registry
  /** Milliseconds since 1970; the clock of this machine when absent. */
  readonly now?: () => number
}

export interface SweeperSettings {
  /** What changed within is kept. */
  readonly retentionMs: number
  /** From the end of a sweep to the next; 0: never. */
  readonly everyMs: number
  /** Objects of one listing. Default 1000. */
  readonly pageSize?: number
  /** Objects that are deleted on one reading of the cluster. Default 5000. */
  readonly batchSize?: number
  /** Objects that one sweep deletes; the others go with the next. Default 200,000. */
  readonly most?: number
}

export interface SweepCounts {
  readonly looked: number
  readonly removed: number
  readonly removedBytes: number
  /** There was more to remove than one sweep may. */
  readonly isCut: boolean
}

export interface ArtifactSweeper {
  /** @throws what the store or the API server throws */
  sweep(signal: AbortSignal): Promise<SweepCounts>
  /** Sweeps now and then until the signal. */
  run(signal: AbortSignal): Promise<void>
}

const firstMs = 5 * 60_000
const deletesAtOnce = 8

export function createArtifactSweeper(ports: SweeperPorts, settings: SweeperSettings): ArtifactSweeper {
  const { logger } = ports
  const metrics = sweepMetrics(ports.registry)
  const sweep = async (signal: AbortSignal): Promise<SweepCounts> => {
    const started = performance.now()
    try {
      const counts = await new Sweep(ports, settings, metrics).run(signal)
      metrics.sweeps.inc({ outcome: 'Done' })
      metrics.last.setToCurrentTime()
      logger.info({ ...counts, tookMs: Math.round(performance.now() - started) }, 'swept artifacts')
      return counts
    } catch (error) {
      if (!signal.aborted) metrics.sweeps.inc({ outcome: 'Failed' })
      throw error
    }
  }
  return {
    sweep,
    run: async (signal) => {
      if (settings.everyMs === 0) return
      for (let waitMs = firstMs; await pause(jittered(waitMs), signal); waitMs = settings.everyMs) {
        await sweep(signal).catch((error: unknown) => {
          if (!signal.aborted) logger.warn({ error: String(error) }, 'artifacts could not be swept; the next sweep goes on')
        })
      }
    },
  }
}

/** One walk over all outputs. */
class Sweep {
  readonly #ports: SweeperPorts
  readonly #settings: SweeperSettings
  readonly #metrics: SweepMetrics
  #looked = 0
  #removed = 0
  #removedBytes = 0

  constructor(ports: SweeperPorts, settings: SweeperSettings, metrics: SweepMetrics) {
    this.#ports = ports
    this.#settings = settings
    this.#metrics = metrics
  }

  async run(signal: AbortSignal): Promise<SweepCounts> {
    const { pageSize = 1000, batchSize = 5000, most = 200_000 } = this.#settings
    const { artifacts, readLive } = this.#ports
    let live = await readLive(signal)
    let waiting: readonly Removal[] = []
    let after: string | undefined
    let isCut = false
    do {
      signal.throwIfAborted()
      const page = await artifacts.page(outputsPrefix, { limit: pageSize, after })
      this.#looked += page.items.length
      waiting = [...waiting, ...decideRetention(page.items, live, this.#limits()).remove]
      isCut = this.#removed + waiting.length > most
      after = isCut ? undefined : page.next
      if (waiting.length === 0 || (waiting.length < batchSize && after !== undefined)) continue
      live = await readLive(signal)
      await this.#remove(decideRetention(waiting.slice(0, most - this.#removed), live, this.#limits()).remove, signal)
      waiting = []
    } while (after !== undefined)
    return { looked: this.#looked, removed: this.#removed, removedBytes: this.#removedBytes, isCut }
  }

  #limits(): { now: number; retentionMs: number } {
    return { now: (this.#ports.now ?? Date.now)(), retentionMs: this.#settings.retentionMs }
  }

  async #remove(batch: readonly Removal[], signal: AbortSignal): Promise<void> {
    const left = [...batch]
    const one = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        signal.throwIfAborted()
        await this.#ports.artifacts.delete(next.key)
        this.#removed += 1
        this.#removedBytes += next.sizeBytes
        this.#metrics.removed.inc({ reason: next.reason })
        this.#metrics.bytes.inc({ reason: next.reason }, next.sizeBytes)
      }
    }
    await Promise.all(Array.from({ length: deletesAtOnce }, one))
    this.#ports.logger.info({ looked: this.#looked, removed: this.#removed, removedBytes: this.#removedBytes }, 'sweeping artifacts')
  }
}

interface SweepMetrics {
  readonly removed: Counter<'reason'>
  readonly bytes: Counter<'reason'>
  readonly sweeps: Counter<'outcome'>
  readonly last: Gauge
}

function sweepMetrics(registry: Registry): SweepMetrics {
  const registers = [registry]
  return {
    removed: new Counter({
      name: 'mnemos_artifacts_removed_total',
      help: 'Outputs that were removed because nobody needs them, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    bytes: new Counter({ name: 'mnemos_artifacts_removed_bytes_total', help: 'Their bytes.', labelNames: ['reason'], registers }),
    sweeps: new Counter({
      name: 'mnemos_artifact_sweeps_total',
      help: 'Walks over all outputs, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    last: new Gauge({ name: 'mnemos_artifact_sweep_timestamp_seconds', help: 'When the last one was done, in Unix time.', registers }),
  }
}

/** Servers that were started together do not read the cluster together. */
const jittered = (ms: number): number => ms * (0.9 + Math.random() * 0.2)

/** Whether the pause ended by itself. */
const pause = (ms: number, signal: AbortSignal): Promise<boolean> => sleep(ms, true, { signal, ref: false }).catch(() => false)
