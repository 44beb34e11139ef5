/**
 * The control group that every process of the node is in, from the API server to the containers of its pods: a process
 * cannot leave it by forking, so killing all that is in it leaves none behind.
 *
 * Works with the unified hierarchy (v2) and with separate ones (v1), where the group exists once in each.
 */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const base = '/sys/fs/cgroup'
const name = 'mnemos-node'

/** The group below which the kubelet makes those of the pods, as its `cgroupRoot` wants it. */
export const cgroupRoot = `/${name}`

/** Makes the groups, and returns the files that a process writes its pid to in order to enter. */
export async function makeCgroups(): Promise<readonly string[]> {
  const entries: string[] = []
  for (const hierarchy of await hierarchies()) {
    await mkdir(join(hierarchy, name, 'programs'), { recursive: true })
    const available = await readFile(join(hierarchy, 'cgroup.controllers'), 'utf8').catch(() => '')
    const enable = available
      .trim()
      .split(/\s+/)
      .filter((controller) => controller !== '')
    for (const controller of enable)
      await writeFile(join(hierarchy, name, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined)
    await inheritCpuset(hierarchy)
    entries.push(join(hierarchy, name, 'programs', 'cgroup.procs'))
  }
  return entries
}

/** Kills every process in the groups, waits until they are gone, and removes the groups. Pods first, so that shims reap them. */
export async function killCgroups(): Promise<void> {
  const folders = (await Promise.all((await hierarchies()).map((hierarchy) => foldersBelow(join(hierarchy, name))))).flat()
  const isProgram = (folder: string): boolean => folder.includes(`/${name}/programs`)
  await killIn(folders.filter((folder) => !isProgram(folder)))
  await killIn(folders)
  for (const folder of (await Promise.all((await hierarchies()).map((hierarchy) => foldersBelow(join(hierarchy, name))))).flat()) {
    await removeGroup(folder)
  }
}

/** Pids of every process in the groups. */
export async function pidsInCgroups(): Promise<readonly number[]> {
  const folders = (await Promise.all((await hierarchies()).map((hierarchy) => foldersBelow(join(hierarchy, name))))).flat()
  return pidsIn(folders)
}

async function killIn(folders: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const pids = await pidsIn(folders)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself in the meantime.
      }
    }
    await sleep(50)
  }
  throw new Error(`processes ${(await pidsIn(folders)).join(', ')} of the node do not end; see their state in /proc/PID/stack`)
}

async function pidsIn(folders: readonly string[]): Promise<readonly number[]> {
  const texts = await Promise.all(folders.map((folder) => readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')))
  return [...new Set(texts.flatMap((text) => text.split('\n')).map(Number))].filter((pid) => pid > 0)
}

/** A group and all below it, the deepest first. */
async function foldersBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) return []
  const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => foldersBelow(join(folder, entry.name))))
  return [...below.flat(), folder]
}

/** A group stays busy for a moment after its last process ended. */
async function removeGroup(folder: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await rmdir(folder)
      return
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
      if (tries >= 100) throw new Error(`the control group ${folder} could not be removed`, { cause: error })
      await sleep(20)
    }
  }
}

async function hierarchies(): Promise<readonly string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  return mounts
    .split('\n')
    .map((line) => /^\S+ \S+ \S+ \S+ (\S+) .* - (cgroup2?) /.exec(line)?.[1] ?? '')
    .filter((path) => path === base || path.startsWith(`${base}/`))
}

/** In a v1 cpuset group nothing runs until it says where. */
async function inheritCpuset(hierarchy: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const value = await readFile(join(hierarchy, file), 'utf8').catch(() => undefined)
    if (value === undefined || value.trim() === '') continue
    for (const group of [name, join(name, 'programs')]) await writeFile(join(hierarchy, group, file), value).catch(() => undefined)
  }
}
