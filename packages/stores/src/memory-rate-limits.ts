/**
 * Rate limits in memory, for one process: each process that has its own counts by itself.
 *
 * A window that has room for certain is looked through ten times in its length, and not at each charge. One that may be full,
 * and a bucket, are looked through each time, which is right for some ten thousand charges.
 */
import {
  type Charge,
  type ChargeOutcome,
  defaultRateTiming,
  type FullLimit,
  maxCounted,
  maxUnconfirmed,
  type RateLimits,
  type RateLimitsTiming,
  type TokenBucket,
} from './rate-limits.ts'

interface Entry {
  readonly at: number
  isConfirmed: boolean
}

/** What was charged to one limit. */
interface Log {
  readonly entries: Map<string, Entry>
  /** Of a bucket: the tokens that were missing at a time, after every charge that can no longer change. */
  base: { readonly deficit: number; readonly at: number }
  /** Of a window: until then, what no longer matters may stay. */
  untidyUntil: number
  /** When nothing in here matters any more. */
  overAt: number
}

/** A charge that waits to be confirmed. */
interface Waiting {
  readonly at: number
  readonly entries: Set<Entry>
}

const sweepEveryMs = 60_000
/** Windows are tidied so often in their length, so that they hold at most a tenth more than what matters. */
const tidiesPerWindow = 10

export function createMemoryRateLimits(timing: RateLimitsTiming = {}): RateLimits {
  const { provisionalMs, lateMs, now: tell = () => performance.now() } = { ...defaultRateTiming, ...timing }
  const logs = new Map<string, Log>()
  /** In the order of their times. */
  const waiting = new Map<string, Waiting>()
  let sweptAt = tell()

  const sweep = (now: number): void => {
    for (const [id, { at }] of waiting) {
      if (at > now - lateMs) break
      waiting.delete(id)
    }
    if (now - sweptAt < sweepEveryMs) return
    sweptAt = now
    for (const [key, { overAt }] of logs) if (overAt < now) logs.delete(key)
  }
  const isAlive = ({ at, isConfirmed }: Entry, now: number): boolean => isConfirmed || at > now - provisionalMs

  /** Ms until the limit has room; 0 when it has. Forgets what no longer matters. */
  const waitOf = (log: Log, { limit }: Charge, now: number): number => {
    if (limit.algorithm === 'TokenBucket') return bucketWait(log, limit, now)
    // No more than all can be alive.
    if (log.entries.size < limit.requests && now < log.untidyUntil) return 0
    log.untidyUntil = now + Math.min(limit.windowMs / tidiesPerWindow, sweepEveryMs)
    const alive: number[] = []
    for (const [id, entry] of log.entries) {
      const isOver = entry.at <= now - limit.windowMs || (!entry.isConfirmed && entry.at <= now - lateMs)
      if (isOver) log.entries.delete(id)
      else if (isAlive(entry, now)) alive.push(entry.at)
    }
    const over = alive.length - limit.requests + 1
    if (over <= 0) return 0
    const leaving = over > maxCounted ? now : alive.sort((a, b) => a - b)[over - 1]
    return (leaving ?? now) + limit.windowMs - now
  }
  const bucketWait = (log: Log, limit: TokenBucket, now: number): number => {
    const deficit = deficitOf(log, limit, now)
    // A billionth of a token for what is lost in rounding; when that much is told to be missing, it is there by then.
    const over = deficit + 1 - limit.burst
    return over <= 2e-9 ? 0 : ((over - 1e-9) * limit.windowMs) / limit.requests
  }
  const deficitOf = (log: Log, limit: TokenBucket, now: number): number => {
    const inOrder = [...log.entries].sort(([, a], [, b]) => a.at - b.at)
    for (const [id, { at, isConfirmed }] of inOrder) {
      if (at > now - provisionalMs) break
      if (isConfirmed) log.base = charged(log.base, at, limit)
      if (isConfirmed || at <= now - lateMs) log.entries.delete(id)
    }
    let last = log.base
    for (const [id, entry] of inOrder) if (log.entries.has(id) && isAlive(entry, now)) last = charged(last, entry.at, limit)
    return drained(last, now, limit)
  }

  const judge = (id: string | undefined, charges: readonly Charge[], now: number) => {
    const found = charges.map((charge) => {
      const log: Log = logs.get(keyOf(charge)) ?? { entries: new Map(), base: { deficit: 0, at: now }, untidyUntil: 0, overAt: 0 }
      const known = id === undefined ? undefined : log.entries.get(id)
      // A bucket knows the ids of the last minute only.
      const from = now - (charge.limit.algorithm === 'SlidingWindow' ? charge.limit.windowMs : provisionalMs)
      const isTaken = known !== undefined && known.at > from && isAlive(known, now)
      return { charge, log, isTaken, waitMs: isTaken ? 0 : waitOf(log, charge, now) }
    })
    const full = found.flatMap(({ waitMs }, index): FullLimit[] => (waitMs > 0 ? [{ index, admitsInMs: Math.ceil(waitMs) }] : []))
    const isAdmitted = found.every(({ waitMs, charge }) => waitMs === 0 || charge.isAdvisory === true)
    return { found, outcome: { isAdmitted, full } satisfies ChargeOutcome }
  }

  return {
    charge: (id, charges) => {
      const now = tell()
      sweep(now)
      const { found, outcome } = judge(id, charges, now)
      if (!outcome.isAdmitted) return Promise.resolve(outcome)
      for (const { charge, log, isTaken, waitMs } of found) {
        if (isTaken || waitMs > 0) continue
        const entry: Entry = { at: now, isConfirmed: false }
        log.entries.set(id, entry)
        log.overAt = now + lateMs + lifeOf(log, charge)
        logs.set(keyOf(charge), log)
        const entries = waiting.get(id)?.entries ?? new Set<Entry>()
        waiting.delete(id)
        waiting.set(id, { at: now, entries: entries.add(entry) })
      }
      return Promise.resolve(outcome)
    },
    peek: (charges) => Promise.resolve(judge(undefined, charges, tell()).outcome),
    confirm: (ids) => {
      sweep(tell())
      const known = [...new Set(ids)].filter((id) => waiting.has(id))
      for (const id of known) {
        for (const entry of waiting.get(id)?.entries ?? []) entry.isConfirmed = true
        waiting.delete(id)
      }
      return Promise.resolve(known)
    },
    unconfirmed: (olderThanMs) => {
      const now = tell()
      sweep(now)
      const old = [...waiting].filter(([, { at }]) => at <= now - olderThanMs)
      return Promise.resolve(old.slice(0, maxUnconfirmed).map(([id]) => id))
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}

const keyOf = ({ key, limit }: Charge): string => `${limit.algorithm}:${key}`

type Deficit = Log['base']

function drained({ deficit, at }: Deficit, now: number, { requests, windowMs }: TokenBucket): number {
  return Math.max(0, deficit - (Math.max(0, now - at) * requests) / windowMs)
}

function charged(before: Deficit, at: number, limit: TokenBucket): Deficit {
  return { deficit: drained(before, at, limit) + 1, at: Math.max(at, before.at) }
}

/** How long a charge can matter, in ms. */
function lifeOf({ entries, base }: Log, { limit }: Charge): number {
  return limit.algorithm === 'SlidingWindow' ? limit.windowMs : ((base.deficit + entries.size) * limit.windowMs) / limit.requests
}
