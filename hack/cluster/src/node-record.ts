/**
 * Who runs the one node of this machine, in a file: a second start learns whose it is, and what a driver that was killed
 * left behind is found and cleaned.
 */
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { killCgroups } from './cgroup.ts'
import { foldersToMake, removeNamespaceTraces } from './namespace.ts'

const file = '/run/mnemos/node.json'

interface NodeRecord {
  readonly pid: number
  /** When that process started, in clock ticks since boot: pids are used again. */
  readonly startTicks: string
  readonly folder: string
  /** What stays when the rest of the folder goes; the folder itself goes when absent. */
  readonly keep: readonly string[]
  /** Folders outside that were made and go again; absent in what older versions wrote. */
  readonly made?: readonly string[]
}

/**
 * Makes this process the owner of the machine's node, after cleaning what a dead owner left.
 * @throws when a living process owns it; names it and its folder
 */
export async function claimNode(claim: { readonly folder: string; readonly keep: readonly string[] }): Promise<void> {
  await cleanNode()
  const record: NodeRecord = { pid: process.pid, startTicks: (await startTicks(process.pid)) ?? '', ...claim, made: await foldersToMake() }
  await mkdir(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, JSON.stringify(record))
  try {
    // A link is made whole or not at all, and never over another: of two that start at once, one fails.
    await link(draft, file)
  } catch (cause) {
    throw new Error(`another process took this machine's node at the same moment (${file}); try again when it has ended`, { cause })
  } finally {
    await rm(draft, { force: true })
  }
}

/**
 * Removes everything that a node whose driver is gone left: processes, control groups, links, folder. Does nothing when
 * there is none.
 * @returns whether there was something to clean
 * @throws when its driver is alive
 */
export async function cleanNode(): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return false
  const owner = JSON.parse(text) as NodeRecord
  if ((await startTicks(owner.pid)) === owner.startTicks) {
    throw new Error(
      `process ${owner.pid} already runs a node on this machine, in ${owner.folder}; stop it first (there can be one at a time)`,
    )
  }
  await removeNode(owner)
  return true
}

/** Takes the node of this process down without a trace. */
export async function releaseNode(): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const owner = JSON.parse(text) as NodeRecord
  if (owner.pid === process.pid) await removeNode(owner)
}

async function removeNode({ folder, keep, made = [] }: NodeRecord): Promise<void> {
  await killCgroups()
  await removeNamespaceTraces(made)
  if (keep.length === 0) await rm(folder, { recursive: true, force: true })
  else await removeExcept(folder, keep)
  await rm(file, { force: true })
}

async function removeExcept(folder: string, keep: readonly string[]): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!keep.includes(name)) await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Undefined when there is no such process, or only its exit code is left of it. */
async function startTicks(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field, a name in parentheses, may hold anything; the state follows it, and field 22 is the 20th after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}
