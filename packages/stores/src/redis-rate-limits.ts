/**
 * Rate limits in Redis or Valkey, for any number of processes: one script judges and takes, by the clock of Redis.
 *
 * All keys lie in one hash slot (`{rates}`), because one script may need any of them. Each goes by itself when it no longer matters.
 */
import type { Redis } from 'ioredis'
import {
  type Charge,
  type ChargeOutcome,
  defaultRateTiming,
  maxCounted,
  maxUnconfirmed,
  type RateLimits,
  RateLimitsError,
  type RateLimitsTiming,
} from './rate-limits.ts'
import type { RedisConnectionOptions } from './redis-connections.ts'
import { chargeScript, confirmScript, unconfirmedScript } from './redis-rate-scripts.ts'
import { runScript } from './redis-script.ts'
import { StreamStoreError } from './stream-store.ts'

export interface RedisRateLimitsOptions extends RedisConnectionOptions, RateLimitsTiming {
  /** Put before every key. Default `mnemos:`. */
  readonly prefix?: string
}

/**
 * Connects when it is first used, so that a Redis that is away keeps nobody from starting. The client is loaded here, so that who
 * counts in memory does without it.
 */
export async function createRedisRateLimits(options: RedisRateLimitsOptions): Promise<RateLimits> {
  const { prefix = 'mnemos:', provisionalMs, lateMs, now } = { ...defaultRateTiming, ...options }
  const { connectRedis } = await import('./redis-connections.ts')
  // A charge that is carried out after its request was refused would be held against somebody for a minute.
  const connections = connectRedis({ ...options, neverLate: true })
  const micros = (ms: number): string => Math.round(ms * 1000).toFixed(0)
  const time = (): string => (now === undefined ? '' : micros(now()))
  const own = `${prefix}{rates}`
  const waiting = `${own}:waiting`
  const record = (id: string): string => `${own}:of:${id}`
  const keysOf = (name: string): readonly string[] => ['c', 'p', 'h'].map((part) => `${own}:${part}:${name}`)

  const ask = async <T>(command: (redis: Redis) => Promise<T>): Promise<T> => {
    try {
      return await connections.ask(command)
    } catch (error) {
      if (!(error instanceof StreamStoreError)) throw error
      throw new RateLimitsError(error.code, error.message, { cause: error })
    }
  }
  const judge = async (id: string, charges: readonly Charge[]): Promise<ChargeOutcome> => {
    if (charges.length === 0) return { isAdmitted: true, full: [] }
    const keys = [waiting, record(id), ...charges.flatMap((charge) => keysOf(nameOf(charge)))]
    const values = [time(), id, micros(provisionalMs), micros(lateMs), maxCounted, ...charges.flatMap(wordsOf)]
    return outcomeOf(charges, await ask((redis) => runScript(redis, chargeScript, keys, values)))
  }
  const confirm = async (id: string): Promise<boolean> => {
    const names = await ask((redis) => redis.smembers(record(id)))
    if (names.length === 0) return false
    const keys = [waiting, record(id), ...names.flatMap(keysOf)]
    const waited = await ask((redis) => runScript(redis, confirmScript, keys, [time(), id, micros(provisionalMs), micros(lateMs)]))
    return waited === 1
  }

  return {
    charge: judge,
    peek: (charges) => judge('', charges),
    confirm: async (ids) => {
      const distinct = [...new Set(ids)]
      const found = await Promise.all(distinct.map(confirm))
      return distinct.filter((_, at) => found[at] === true)
    },
    unconfirmed: async (olderThanMs) => {
      const values = [time(), micros(olderThanMs), micros(lateMs), maxUnconfirmed]
      const ids = await ask((redis) => runScript(redis, unconfirmedScript, [waiting], values))
      if (!isList(ids)) throw unexpected()
      return ids.map(String)
    },
    check: async () => {
      await ask((redis) => redis.ping())
    },
    close: () => connections.close(),
  }
}

/** Unique within the slot; another algorithm has keys of its own. */
const nameOf = ({ key, limit }: Charge): string => `${letterOf(limit)}:${key}`
const letterOf = ({ algorithm }: Charge['limit']): string => (algorithm === 'TokenBucket' ? 'b' : 'w')

function wordsOf({ key, limit, isAdvisory = false }: Charge): readonly (string | number)[] {
  const burst = limit.algorithm === 'TokenBucket' ? limit.burst : 0
  return [letterOf(limit), key, limit.requests, limit.windowMs * 1000, burst, isAdvisory ? 1 : 0]
}

function outcomeOf(charges: readonly Charge[], waits: unknown): ChargeOutcome {
  if (!isList(waits) || waits.length !== charges.length) throw unexpected()
  const full = waits.flatMap((wait, index) => {
    if (typeof wait !== 'number') throw unexpected()
    return wait > 0 ? [{ index, admitsInMs: Math.ceil(wait / 1000) }] : []
  })
  return { isAdmitted: full.every(({ index }) => charges[index]?.isAdvisory === true), full }
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const unexpected = (): RateLimitsError => new RateLimitsError('Unavailable', 'Redis answered a rate limit with something unexpected')
