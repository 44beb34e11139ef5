/**
 * The folder of one `mnemos dev`: where its data and logs lie, who uses it, and where others find it.
 *
 * Guarantees that two runs never share a folder, and that a folder whose owner died is taken over. `dev.json` is written
 * when everything is ready and removed at the end, so its presence means: up.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CliError } from '../errors.ts'

/** What `dev.json` says about a running `mnemos dev`. */
export interface DevRecord {
  readonly pid: number
  readonly kubeconfig: string
  readonly kubectl: string
  readonly server: string
  /** Pids of every process that was started, by name. */
  readonly pids: Readonly<Record<string, number>>
}

export interface DevState {
  readonly folder: string
  readonly cluster: string
  readonly logs: string
  readonly artifacts: string
  readonly worker: string
  /** File with the token of the pool, readable by this user only. */
  readonly joinToken: string
  publish(record: DevRecord): Promise<void>
  /** Removes the claim, and the data unless it is to be kept; logs stay until the next start. */
  release(keep: boolean): Promise<void>
}

/**
 * Claims a folder for this process.
 * @param keep whether the data of an earlier run is used again
 * @throws CliError when another `mnemos dev` uses it
 */
export async function claimState(path: string, keep: boolean): Promise<DevState> {
  const folder = resolve(path)
  const claim = join(folder, 'dev.pid')
  const record = join(folder, 'dev.json')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const owner = Number(await readFile(claim, 'utf8').catch(() => '0'))
  if (owner > 0 && owner !== process.pid && (await isDev(owner))) {
    throw new CliError(`another mnemos dev (pid ${owner}) uses ${folder}`, {
      code: 'MNEMOS_STATE_IN_USE',
      hint: 'end it with Ctrl-C, or choose another folder with --state',
    })
  }
  const data = ['cluster', 'artifacts', 'worker'].map((name) => join(folder, name))
  const [cluster = '', artifacts = '', worker = ''] = data
  const logs = join(folder, 'logs')
  const joinToken = join(folder, 'join-token')
  const forget = async (paths: readonly string[]): Promise<void> => {
    for (const each of paths) await rm(each, { recursive: true, force: true })
  }
  await forget([record, logs, ...(keep ? [] : data)])
  for (const each of [...data, logs]) await mkdir(each, { recursive: true, mode: 0o700 })
  await writeFile(claim, String(process.pid))
  return {
    folder,
    cluster,
    logs,
    artifacts,
    worker,
    joinToken,
    publish: (content) => writeFile(record, `${JSON.stringify(content, null, 2)}\n`),
    release: (keepData) => forget([record, claim, joinToken, ...(keepData ? [] : data)]),
  }
}

/** Whether that pid is a `mnemos dev`: a pid alone may have been given to another program since. */
async function isDev(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  if (command !== undefined) return command.split('\0').includes('dev')
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
