/** Scripts in Redis, known by their digest. */
import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

export interface Script {
  readonly text: string
  /** What Redis knows it by. */
  readonly sha1: string
}

export const scriptOf = (text: string): Script => ({ text, sha1: createHash('sha1').update(text).digest('hex') })

/** Runs a script by its digest; sends it when Redis does not know it (any more). */
export async function runScript(
  redis: Redis,
  { text, sha1 }: Script,
  keys: readonly string[],
  values: readonly (string | number)[] = [],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha1, keys.length, ...keys, ...values)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error
    return redis.eval(text, keys.length, ...keys, ...values)
  }
}
