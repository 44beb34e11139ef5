/** Objects of a folder page by page, in the order of their keys: only what a page needs is looked at. */
import { type Dirent, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArtifactPage, ListedArtifact } from './artifact-store.ts'

export interface PageOptions {
  readonly limit: number
  /** Key that the page begins behind. */
  readonly after?: string | undefined
  /** Which files are no objects. */
  readonly isOther: (name: string) => boolean
}

export async function directoryPage(root: string, prefix: string, { limit, after = '', isOther }: PageOptions): Promise<ArtifactPage> {
  const items: ListedArtifact[] = []
  for await (const key of keysIn(root, '', { prefix, after })) {
    if (isOther(key)) continue
    const found = statSync(join(root, key), { throwIfNoEntry: false })
    // Gone since its folder was read.
    if (found === undefined) continue
    items.push({ key, sizeBytes: found.size, modifiedAt: found.mtimeMs })
    if (items.length >= limit) return { items, next: key }
  }
  return { items }
}

/** @param below empty, or the keys of one folder with a slash at the end */
async function* keysIn(root: string, below: string, range: { prefix: string; after: string }): AsyncGenerator<string> {
  const { prefix, after } = range
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((error: unknown): Dirent[] => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
  const keys = entries.map((entry) => `${below}${entry.name}${entry.isDirectory() ? '/' : ''}`).sort()
  for (const key of keys) {
    if (!key.endsWith('/')) {
      if (key.startsWith(prefix) && key > after) yield key
    } else if ((key.startsWith(prefix) || prefix.startsWith(key)) && (key > after || after.startsWith(key))) yield* keysIn(root, key, range)
  }
}
