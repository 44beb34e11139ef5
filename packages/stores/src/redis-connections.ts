/**
 * Two connections to Redis: one for commands, one that hears which streams changed.
 *
 * Guarantees that no command outlasts its time, that a connection on which nothing comes back is replaced, and that what
 * fails is told as a StreamStoreError without the address or the credentials in it.
 */
import { Redis, type RedisOptions } from 'ioredis'
import { StreamStoreError } from './stream-store.ts'

export interface RedisConnectionOptions {
  /** redis:// or rediss://, with the database as path. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Longest time of one command, and of a connection's beginning, in ms. Default 5000. */
  readonly timeoutMs?: number
  /**
   * No command is sent once whoever asked was told that it failed; each is sent again within its time only. Default false: commands
   * wait for a connection, and what was cut is sent again, however late.
   */
  readonly neverLate?: boolean
  /** Told of troubles of the connections, e.g. for the log; at most once per trouble. */
  readonly onTrouble?: (message: string) => void
}

/** What one channel told, or that something may have been missed. */
export type Heard = 'more' | 'gone'

export interface RedisConnections {
  /** Runs a command. @throws StreamStoreError */
  ask<T>(command: (redis: Redis) => Promise<T>): Promise<T>
  /** Hears what is published on a channel from when this resolves on; `more` also when something may have been missed. */
  hear(channel: string, listener: (heard: Heard) => void): () => void
  close(): Promise<void>
}

const pingEveryMs = 10_000
const longestPauseMs = 1000

/** Connects with the first command. */
export function connectRedis(connection: RedisConnectionOptions): RedisConnections {
  const { url, username, password, timeoutMs = 5000, neverLate = false, onTrouble } = connection
  const options = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A server that accepts and says nothing more is given up, so that what comes next gets a new connection.
    socketTimeout: timeoutMs,
    // Commands outlast a short break, because each may be repeated without harm; while Redis is away they fail at once.
    maxRetriesPerRequest: 4,
    retryStrategy: (times: number) => Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 8)),
    reconnectOnError: ({ message }: Error) => /^(READONLY|LOADING|MASTERDOWN)/.test(message),
    disableClientInfo: true,
    ...(neverLate ? { enableOfflineQueue: false, autoResendUnfulfilledCommands: false } : {}),
    lazyConnect: true,
  }
  let trouble = ''
  const tell = (message: string): void => {
    if (message !== trouble) onTrouble?.(message)
    trouble = message
  }
  const open = (more: Pick<RedisOptions, 'connectionName'> & { socketTimeout?: number }): Redis => {
    const redis = new Redis(url, { ...options, ...more })
    // Everybody who waits for a connection listens for it.
    redis.setMaxListeners(0)
    redis.on('error', (error: Error) => tell(mapped(error).message))
    redis.on('ready', () => {
      trouble = ''
    })
    return redis
  }
  const commands = open({ connectionName: 'mnemos' })
  // Silence is its trade: pings tell whether it still hears.
  const hearing = open({ connectionName: 'mnemos-hears', socketTimeout: pingEveryMs + timeoutMs })

  const listeners = new Map<string, Set<(heard: Heard) => void>>()
  hearing.on('message', (channel: string, message: string) => {
    for (const each of [...(listeners.get(channel) ?? [])]) each(message === 'gone' ? 'gone' : 'more')
  })
  // While it was away anything may have been told.
  hearing.on('ready', () => {
    for (const all of listeners.values()) for (const each of [...all]) each('more')
  })
  const pings = setInterval(() => {
    if (hearing.status === 'ready') hearing.ping().catch(() => hearing.disconnect(true))
  }, pingEveryMs)
  pings.unref()

  return {
    ask: async (command) => {
      try {
        return await (neverLate ? askInTime(commands, command, timeoutMs) : command(commands))
      } catch (error) {
        throw mapped(error)
      }
    },
    hear: (channel, listener) => {
      const known = listeners.get(channel)
      const all = known ?? new Set()
      all.add(listener)
      if (known === undefined) {
        listeners.set(channel, all)
        // Until it hears, and when it cannot, readers look by themselves now and then.
        hearing.subscribe(channel).then(
          () => {
            for (const each of [...all]) each('more')
          },
          () => undefined,
        )
      }
      return () => {
        all.delete(listener)
        if (all.size > 0 || listeners.get(channel) !== all) return
        listeners.delete(channel)
        hearing.unsubscribe(channel).catch(() => undefined)
      }
    },
    close: () => {
      clearInterval(pings)
      commands.disconnect()
      hearing.disconnect()
      return Promise.resolve()
    },
  }
}

/** Waits for a connection, and asks again on the next one when it was cut, until the time is over. */
async function askInTime<T>(redis: Redis, command: (redis: Redis) => Promise<T>, timeoutMs: number): Promise<T> {
  const until = performance.now() + timeoutMs
  for (;;) {
    await ready(redis, until - performance.now())
    try {
      return await command(redis)
    } catch (error) {
      // Whatever is said on a connection that is still there is an answer.
      if (redis.status === 'ready' || performance.now() >= until) throw error
    }
  }
}

/** @throws what the connection's beginning failed with, when credentials are refused or the time is over */
async function ready(redis: Redis, withinMs: number): Promise<void> {
  if (redis.status === 'ready') return
  if (redis.status === 'wait') redis.connect().catch(() => undefined)
  await new Promise<void>((resolve, reject) => {
    let last = new Error('no connection')
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      redis.off('ready', isReady)
      redis.off('end', isOver)
      redis.off('error', failed)
      if (error === undefined) resolve()
      else reject(error)
    }
    const isReady = (): void => settle()
    const isOver = (): void => settle(last)
    const failed = (error: Error): void => {
      last = error
      if (mapped(error).code === 'Denied') settle(error)
    }
    const timer = setTimeout(isOver, Math.max(0, withinMs))
    redis.on('ready', isReady)
    redis.on('end', isOver)
    redis.on('error', failed)
  })
}

function mapped(error: unknown): StreamStoreError {
  const text = error instanceof Error ? error.message : String(error)
  if (/\bOOM\b/.test(text)) return new StreamStoreError('NoSpace', 'Redis has no memory left for streams', { cause: error })
  if (/NOAUTH|WRONGPASS|NOPERM|invalid username-password|invalid password|without any password/i.test(text))
    return new StreamStoreError('Denied', 'Redis refuses these credentials; check MNEMOS_REDIS_USERNAME and MNEMOS_REDIS_PASSWORD', {
      cause: error,
    })
  const code = error instanceof Error && 'code' in error ? String(error.code) : (/^[A-Z]{3,}/.exec(text)?.[0] ?? 'no answer')
  return new StreamStoreError('Unavailable', `Redis cannot be used now (${code})`, { cause: error })
}
