/**
 * Results that the operator has not acknowledged yet, on disk: `<folder>/<job uid>.<attempt>`, one protobuf each.
 *
 * Guarantees: a result is whole or absent (written aside, then renamed), survives the end of the process, and holds no token.
 * It is not forced to disk: after a power cut the attempt is repeated, as after the loss of the machine.
 */
import { mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { type AttemptRef, type AttemptResult, AttemptResultSchema, attemptKey } from '@mnemos/contract'
import { codeOf } from '../failure.ts'

export interface ResultSpool {
  /** Keeps a result; it is on disk when the promise resolves. */
  keep(result: AttemptResult): Promise<void>
  /** The kept result of an attempt. */
  find(ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): AttemptResult | undefined
  /** Everything kept, oldest first. */
  all(): readonly AttemptResult[]
  /** The operator has it: forget it. */
  forget(ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): Promise<void>
}

/** Whether an attempt's name can be a file name: Kubernetes uids are. */
export const isSpoolable = (ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): boolean =>
  /^[A-Za-z0-9-]{1,64}$/.test(ref.jobUid) && Number.isInteger(ref.attempt) && ref.attempt > 0

/** Opens the folder and takes over what an earlier process left; unreadable files are removed. */
export async function openResultSpool(folder: string): Promise<ResultSpool> {
  await mkdir(folder, { recursive: true })
  const kept = new Map<string, AttemptResult>()
  for (const name of (await readdir(folder)).sort()) {
    const result = await read(join(folder, name))
    if (result?.ref === undefined) await rm(join(folder, name), { force: true })
    else kept.set(attemptKey(result.ref), result)
  }
  const pathOf = (ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): string => join(folder, `${ref.jobUid}.${ref.attempt}`)
  return {
    keep: async (result) => {
      if (result.ref === undefined || !isSpoolable(result.ref)) throw new TypeError('a result names its attempt')
      const path = pathOf(result.ref)
      kept.set(attemptKey(result.ref), result)
      await writeFile(`${path}.new`, toBinary(AttemptResultSchema, result))
      await rename(`${path}.new`, path)
    },
    find: (ref) => kept.get(attemptKey(ref)),
    all: () => [...kept.values()],
    forget: async (ref) => {
      if (!kept.delete(attemptKey(ref))) return
      await unlink(pathOf(ref)).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error
      })
    },
  }
}

async function read(path: string): Promise<AttemptResult | undefined> {
  if (path.endsWith('.new')) return undefined
  try {
    return fromBinary(AttemptResultSchema, await readFile(path))
  } catch {
    return undefined
  }
}
