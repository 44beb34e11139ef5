/**
 * Leadership by a Lease, with a fence.
 *
 *   following ──(lease free, expired or ours)──► leading ──(renewed within renewMs)──► leading
 *       ▲                                            │
 *       └──────── not renewed, or taken over ────────┘  (the leadership's signal aborts)
 *
 * Guarantees: expiry is judged by watching the Lease change on our own monotonic clock, so clock skew does no harm; the
 * fence closes by time alone, `fenceMs` before the lease can expire, also when the event loop was blocked or the process
 * paused. It does not guarantee that nobody else believes to lead (nothing can): what must not happen twice is refused by
 * the API server itself. Rules and times: client-go tools/leaderelection.
 */
import type { Client, Fence } from './client.ts'
import { type Clock, sleptThrough, systemClock } from './clock.ts'
import { isAlreadyExists, isConflict, KubeError } from './errors.ts'
import { errorFields, type Logger, silentLogger } from './logger.ts'
import type { KubeMetrics } from './metrics.ts'
import { type KubeObject, type ObjectName, resource } from './types.ts'

export interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

export const leases = resource<Lease>({ group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true })

export interface LeaseTiming {
  /** How long a lease holds without renewal. */
  readonly leaseMs: number
  /** A leader that could not renew for this long gives up. */
  readonly renewMs: number
  readonly retryMs: number
  /** No write leaves with less than this left. */
  readonly fenceMs: number
}

export const defaultLeaseTiming: LeaseTiming = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2000, fenceMs: 6000 }

export interface Leadership {
  /** Aborts when the leadership ends. */
  readonly signal: AbortSignal
  readonly fence: Fence
  /** The Lease's resourceVersion when it was won: a later leader's is higher. */
  readonly epoch: string
}

export interface ElectorOptions {
  /** With connections of its own, so that renewal waits for nobody. */
  readonly client: Client
  readonly lease: ObjectName
  readonly identity: string
  readonly clock?: Clock
  readonly random?: () => number
  readonly timing?: Partial<LeaseTiming>
  readonly logger?: Logger
  readonly metrics?: KubeMetrics
}

export interface Elector {
  /** Competes for the lease until the signal, calling `lead` for each term; on a clean stop the lease is released. */
  run(signal: AbortSignal, lead: (leadership: Leadership) => Promise<void>): Promise<void>
}

export function createElector(options: ElectorOptions): Elector {
  const { clock = systemClock, random = Math.random, logger = silentLogger, metrics, lease } = options
  const timing = { ...defaultLeaseTiming, ...options.timing }
  const holder = new LeaseHolder(options.client, lease, options.identity, clock, timing)
  return {
    run: async (signal, lead) => {
      metrics?.leading(lease.name, false)
      while (!signal.aborted) {
        const won = await holder.tryToHold(signal, logger)
        if (won === true) {
          metrics?.leading(lease.name, true)
          logger.info({ lease: lease.name, epoch: holder.epoch }, 'leading')
          await term(holder, { clock, timing, logger }, signal, lead)
          metrics?.leading(lease.name, false)
          logger.info({ lease: lease.name }, 'no longer leading')
        }
        if (!(await sleptThrough(clock, timing.retryMs * (1 + 0.2 * random()), signal))) break
      }
    },
  }
}

/** One term of leadership: renews until it cannot, and always waits for `lead` to end. */
async function term(
  holder: LeaseHolder,
  { clock, timing, logger }: { clock: Clock; timing: LeaseTiming; logger: Logger },
  signal: AbortSignal,
  lead: (leadership: Leadership) => Promise<void>,
): Promise<void> {
  const ended = new AbortController()
  const both = AbortSignal.any([signal, ended.signal])
  const fence: Fence = {
    check: () => {
      const left = holder.leftMs()
      if (left < timing.fenceMs || ended.signal.aborted)
        throw new KubeError(`only ${Math.max(0, Math.round(left))} ms of the lease are left`, { status: 0, reason: 'FenceClosed' })
    },
  }
  const leading = lead({ signal: both, fence, epoch: holder.epoch })
    .catch((error: unknown) => logger.error(errorFields(error), 'the work of the leader failed'))
    .finally(() => ended.abort(new Error('the work of the leader ended')))
  while (await sleptThrough(clock, timing.retryMs, both)) {
    // After a pause longer than the lease, this term is over even when nobody else took it.
    if (holder.leftMs() <= 0) break
    const held = await holder.tryToHold(both, logger)
    if (held === 'lost' || holder.leftMs() < timing.leaseMs - timing.renewMs) break
  }
  ended.abort(new Error('the lease was lost'))
  await leading
  if (signal.aborted) await holder.release(logger)
}

class LeaseHolder {
  epoch = ''
  #deadline = -Infinity
  /** The Lease as it was last seen, and when it last changed, on our clock. */
  #seen: { readonly version: string; readonly at: number } | undefined
  readonly #client: Client
  readonly #name: ObjectName
  readonly #identity: string
  readonly #clock: Clock
  readonly #timing: LeaseTiming

  constructor(client: Client, name: ObjectName, identity: string, clock: Clock, timing: LeaseTiming) {
    this.#client = client
    this.#name = name
    this.#identity = identity
    this.#clock = clock
    this.#timing = timing
  }

  leftMs(): number {
    return this.#deadline - this.#clock.monotonic()
  }

  /** Takes or renews the lease. False: not now. 'lost': somebody else has it. */
  async tryToHold(signal: AbortSignal, logger: Logger): Promise<boolean | 'lost'> {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(this.#timing.renewMs)])
    try {
      const current = await this.#client.get(leases, this.#name, { signal: timeout })
      const startedAt = this.#clock.monotonic()
      if (current === undefined) return await this.#write(undefined, startedAt, timeout)
      const version = current.metadata.resourceVersion ?? ''
      if (this.#seen?.version !== version) this.#seen = { version, at: startedAt }
      const holder = current.spec.holderIdentity ?? ''
      const durationMs = (current.spec.leaseDurationSeconds ?? 0) * 1000
      const isFree = holder === '' || startedAt - this.#seen.at > durationMs
      if (holder !== this.#identity && !isFree) {
        this.#deadline = -Infinity
        return 'lost'
      }
      return await this.#write(current, startedAt, timeout)
    } catch (error) {
      if (!signal.aborted && !isConflict(error) && !isAlreadyExists(error))
        logger.warn({ lease: this.#name.name, ...errorFields(error) }, 'lease not renewed')
      return false
    }
  }

  async #write(current: Lease | undefined, startedAt: number, signal: AbortSignal): Promise<boolean> {
    const now = microTime(this.#clock.now())
    const isRenewal = current?.spec.holderIdentity === this.#identity && this.leftMs() > 0
    const spec: Lease['spec'] = {
      holderIdentity: this.#identity,
      leaseDurationSeconds: Math.ceil(this.#timing.leaseMs / 1000),
      renewTime: now,
      acquireTime: isRenewal ? (current.spec.acquireTime ?? now) : now,
      leaseTransitions: (current?.spec.leaseTransitions ?? 0) + (isRenewal ? 0 : 1),
    }
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...this.#name, ...current?.metadata }, spec }
    const written =
      current === undefined
        ? await this.#client.create<Lease>(leases, lease, { signal })
        : await this.#client.patch<Lease>(
            leases,
            this.#name,
            { metadata: { resourceVersion: current.metadata.resourceVersion }, spec },
            { signal },
          )
    this.#deadline = startedAt + this.#timing.leaseMs
    const version = written.metadata.resourceVersion ?? ''
    this.#seen = { version, at: startedAt }
    if (!isRenewal) this.epoch = version
    return true
  }

  /** Lets the next leader start at once. Failing to is no harm: the lease expires. */
  async release(logger: Logger): Promise<void> {
    if (this.leftMs() <= 0 || this.#seen === undefined) return
    try {
      const patch = { metadata: { resourceVersion: this.#seen.version }, spec: { holderIdentity: '', leaseDurationSeconds: 1 } }
      await this.#client.patch(leases, this.#name, patch, { signal: AbortSignal.timeout(2000) })
    } catch (error) {
      logger.info(errorFields(error), 'lease not released')
    }
    this.#deadline = -Infinity
  }
}

/** A time as `MicroTime` wants it: six digits of fractions. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}
