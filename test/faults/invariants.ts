/**
 * What must hold whatever happens (design §3), checked on a history of every status that the API server ever showed and on what
 * is there at the end. Returns violations as sentences; an empty list means that all of it held.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job, JobStatus, PipelineRun } from '@mnemos/api'

/** One state of a Job as a watch delivered it. */
export interface Observation {
  readonly uid: string
  readonly name: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly status: JobStatus | undefined
}

const terminal = ['Succeeded', 'Failed', 'Cancelled']

/** Each Job, seen over time: its attempt never falls, a worker is fixed within an attempt, and an end is an end. */
export function violationsOfHistory(history: readonly Observation[]): string[] {
  const found: string[] = []
  const last = new Map<string, JobStatus>()
  for (const { uid, name, status } of history) {
    if (status === undefined) continue
    const before = last.get(uid)
    last.set(uid, status)
    if (before === undefined) continue
    if (status.attempt < before.attempt) found.push(`${name}: attempt fell from ${before.attempt} to ${status.attempt}`)
    if (status.attempt > before.attempt + 1) found.push(`${name}: attempt jumped from ${before.attempt} to ${status.attempt}`)
    if (terminal.includes(before.phase) && status.phase !== before.phase)
      found.push(`${name}: went from ${before.phase} to ${status.phase}`)
    if (status.attempt === before.attempt && before.worker !== undefined && status.worker?.instance !== before.worker.instance) {
      found.push(`${name}: attempt ${status.attempt} moved from ${before.worker.instance} to ${status.worker?.instance ?? 'nobody'}`)
    }
  }
  return found
}

/** Every Job that is there has ended, and by its newest attempt. */
export function violationsAtRest(jobs: readonly Job[]): string[] {
  return jobs.flatMap(({ metadata: { name }, status }) => {
    if (status === undefined || !terminal.includes(status.phase)) return [`${name}: is ${status?.phase ?? 'without status'}, not ended`]
    const succeeded = status.attempts.filter(({ outcome }) => outcome === 'Succeeded')
    const found: string[] = []
    if (succeeded.length > (status.phase === 'Succeeded' ? 1 : 0))
      found.push(`${name}: ${succeeded.length} attempts succeeded, the Job is ${status.phase}`)
    if (status.phase === 'Succeeded' && succeeded[0]?.attempt !== status.attempt)
      found.push(`${name}: attempt ${succeeded[0]?.attempt ?? 0} committed, ${status.attempt} was the newest`)
    return found
  })
}

/** Reads an object of the store; undefined when there is none. */
export type ReadObject = (key: string) => Promise<Buffer | undefined>

/** Reads from the folder of a directory store. */
export const fromFolder =
  (artifactsFolder: string): ReadObject =>
  (key) =>
    readFile(join(artifactsFolder, 'objects', key)).catch(() => undefined)

/** A Job that succeeded has its bytes, with the digest and size that the status names. */
export async function violationsOfBytes(jobs: readonly Job[], read: ReadObject): Promise<string[]> {
  const found: string[] = []
  for (const { metadata, status } of jobs) {
    if (status?.phase !== 'Succeeded') continue
    const key = status.result?.uri.replace('artifact://', '') ?? ''
    const bytes = await read(key)
    if (bytes === undefined) found.push(`${metadata.name}: succeeded, but ${key} is not stored`)
    else if (createHash('sha256').update(bytes).digest('hex') !== status.result?.sha256)
      found.push(`${metadata.name}: ${key} has another digest than the status names`)
    else if (bytes.length !== status.result.sizeBytes)
      found.push(`${metadata.name}: ${key} has ${bytes.length} bytes, the status names ${status.result.sizeBytes}`)
  }
  return found
}

/** Nothing half-written is left in the folder of a directory store. */
export async function violationsOfFolder(artifactsFolder: string): Promise<string[]> {
  const left = await readdir(join(artifactsFolder, 'partial')).catch(() => [])
  return left.map((name) => `${name} was left half-written`)
}

/** No more Jobs of a worker at one moment than it has slots. */
export function violationsOfSlots(history: readonly Observation[], slots: number): string[] {
  const found: string[] = []
  const holders = new Map<string, Set<string>>()
  for (const { uid, type, status } of history) {
    for (const jobs of holders.values()) jobs.delete(uid)
    const isActive = type !== 'DELETED' && (status?.phase === 'Scheduled' || status?.phase === 'Running')
    if (!isActive || status.worker === undefined) continue
    const jobs = holders.get(status.worker.instance) ?? new Set()
    holders.set(status.worker.instance, jobs.add(uid))
    if (jobs.size > slots) found.push(`${jobs.size} Jobs at once on ${status.worker.name}, which has ${slots} slots`)
  }
  return found
}

/** A run that is there has ended as its steps did, and each piece of its work has one Job, which has ended. */
export function violationsOfRuns(runs: readonly PipelineRun[], jobs: readonly Job[]): string[] {
  return runs.flatMap(({ metadata: { name, uid }, status }) => {
    if (status === undefined || !terminal.includes(status.phase)) return [`${name}: is ${status?.phase ?? 'without status'}, not ended`]
    const found: string[] = []
    if (status.phase === 'Succeeded') {
      const broken = status.steps.filter(
        ({ phase, why }) => phase !== 'Succeeded' && !(phase === 'Skipped' && byChoice.includes(why ?? '')),
      )
      found.push(...broken.map((step) => `${name}: succeeded, but step ${step.name} is ${step.phase} ${step.why ?? ''}`.trim()))
    }
    const open = status.steps.filter(({ phase }) => !terminal.includes(phase) && phase !== 'Skipped')
    found.push(...open.map((step) => `${name}: is over, but step ${step.name} is ${step.phase}`))
    const places = new Set<string>()
    for (const { metadata, status: is } of jobs.filter((job) => job.metadata.ownerReferences?.some((owner) => owner.uid === uid))) {
      const place = `${metadata.labels?.['mnemos.dev/step'] ?? ''}/${metadata.labels?.['mnemos.dev/item'] ?? ''}`
      if (places.has(place)) found.push(`${name}: ${place} has two Jobs`)
      places.add(place)
      if (!terminal.includes(is?.phase ?? '')) found.push(`${name}: is over, but Job ${metadata.name} is ${is?.phase ?? 'without status'}`)
    }
    return found
  })
}

/** Reasons for which a step is skipped in a run that succeeds. */
const byChoice = ['Condition', 'NoOutput']

/** Each run, seen over time: an end is an end, and so is that of a step. */
export function violationsOfRunHistory(history: readonly PipelineRun[]): string[] {
  const found: string[] = []
  const last = new Map<string, PipelineRun>()
  for (const run of history) {
    const { uid = '', name } = run.metadata
    const before = last.get(uid)?.status
    last.set(uid, run)
    if (before === undefined) continue
    if (terminal.includes(before.phase) && run.status?.phase !== before.phase)
      found.push(`${name}: went from ${before.phase} to ${run.status?.phase ?? 'nothing'}`)
    const now = new Map(run.status?.steps.map((step) => [step.name, step.phase]))
    for (const { name: step, phase } of before.steps)
      if ((terminal.includes(phase) || phase === 'Skipped') && now.get(step) !== phase)
        found.push(`${name}: step ${step} went from ${phase} to ${now.get(step) ?? 'nothing'}`)
  }
  return found
}
