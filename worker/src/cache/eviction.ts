/** Which models leave the cache for a new one: the longest unused first, and never one that is in use. Pure. */

export interface CacheEntry {
  readonly digest: string
  readonly sizeBytes: number
  /** ms since 1970. */
  readonly usedAt: number
  /** Users at this moment. */
  readonly pins: number
}

export interface Room {
  readonly limitBytes: number
  readonly neededBytes: number
}

/**
 * The digests to evict so that `neededBytes` more fit below the limit: the shortest prefix of the unused ones by age.
 * @returns undefined when even evicting every unpinned entry would not make room
 */
export function chooseVictims(entries: readonly CacheEntry[], { limitBytes, neededBytes }: Room): readonly string[] | undefined {
  let over = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) + neededBytes - limitBytes
  const victims: string[] = []
  for (const { digest, sizeBytes } of unpinnedByAge(entries)) {
    if (over <= 0) break
    victims.push(digest)
    over -= sizeBytes
  }
  return over <= 0 ? victims : undefined
}

/** The one entry to evict when the disk is full whatever the limit says. */
export const oldestUnpinned = (entries: readonly CacheEntry[]): string | undefined => unpinnedByAge(entries)[0]?.digest

function unpinnedByAge(entries: readonly CacheEntry[]): CacheEntry[] {
  return entries.filter(({ pins }) => pins === 0).sort((a, b) => a.usedAt - b.usedAt || (a.digest < b.digest ? -1 : 1))
}
