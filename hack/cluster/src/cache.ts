/**
 * Where slow things are kept between checkouts: compiled programs and downloaded models, keyed by version.
 *
 * Guarantees that of several processes that want the same entry one makes it and the others wait, and that a half-made
 * entry is never seen: it is made under another name and renamed.
 */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The cache folder: $MNEMOS_CACHE, else $XDG_CACHE_HOME/mnemos, else ~/.cache/mnemos. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env['MNEMOS_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mnemos')
}

/**
 * Returns the folder of a cache entry, made by `make` when it is absent.
 * @param entry path below the cache folder, with the version in it
 * @param make fills the (empty) folder that it is given
 * @throws whatever `make` throws; the entry is then absent
 */
export async function cached(folder: string, entry: string, make: (into: string) => Promise<void>): Promise<string> {
  const target = join(folder, entry)
  const lock = `${target}.lock`
  await mkdir(join(target, '..'), { recursive: true })
  while (!(await exists(target))) {
    if (!(await takeLock(lock))) {
      await sleep(500)
      continue
    }
    const partial = `${target}.partial`
    try {
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial, { recursive: true })
      await make(partial)
      await rename(partial, target)
    } finally {
      await rm(lock, { recursive: true, force: true })
    }
  }
  return target
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** A lock is a folder with the maker's pid in it; one whose maker is gone is taken over. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    await writeFile(join(lock, 'pid'), String(process.pid))
    return true
  } catch {
    const pid = Number(await readFile(join(lock, 'pid'), 'utf8').catch(() => '0'))
    const age = Date.now() - ((await stat(lock).catch(() => undefined))?.mtimeMs ?? Date.now())
    if ((pid > 0 && !isAlive(pid)) || (pid === 0 && age > 10_000)) await rm(lock, { recursive: true, force: true })
    return false
  }
}

/** Whether a process of this pid exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
