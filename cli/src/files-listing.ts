/** The files of a namespace as the server lists them, and what is said when one is not there. */
import type { FilesClient, ListedFile } from '@mnemos/contract'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { patiently } from './file-transfer.ts'

/** All files below a prefix, sorted. */
export async function allFiles(files: FilesClient, prefix: string, signal: AbortSignal): Promise<readonly ListedFile[]> {
  const items: ListedFile[] = []
  for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
    const page = await patiently(() => files.list(prefix, { continue: next, signal }), signal)
    items.push(...page.items)
    next = page.continue
  }
  return items.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Runs what is about one file. @throws CliError that names it when there is none */
export async function aboutFile<T>(path: string, namespace: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 404) throw noFile(path, namespace, error)
    throw error
  }
}

export function noFile(path: string, namespace: string, cause?: unknown): CliError {
  return new CliError(`there is no file ${path} in namespace ${namespace}`, {
    code: 'MNEMOS_NOT_FOUND',
    hint: `mnemos files ls -n ${namespace}`,
    exitCode: exitCodes.notFound,
    cause,
  })
}
