/** `mnemos files get PATH [TARGET]`: brings a file, or with a slash at the end all files below a place. */
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { isFilePath, readNamed, wrongPaths } from '../file-paths.ts'
import { download, print, someAtOnce, TransferProgress } from '../file-transfer.ts'
import { aboutFile, allFiles, noFile } from '../files-listing.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderObject } from '../output.ts'
import { connect } from '../session.ts'
import type { FilesFlags } from './files-put.ts'

interface Wanted {
  readonly path: string
  readonly sizeBytes: number
  readonly target: string
}

/** What was brought is told by where it is on this machine. */
export async function getFiles(invocation: Invocation, named: string, target: string | undefined, { json }: FilesFlags): Promise<ExitCode> {
  const { globals, terminal, signal } = invocation
  const format = parseFormat(json ? 'json' : globals.output)
  const { path, isFolder, namespace: other } = readNamed(named)
  const { files, namespace } = (await connect(invocation)).inNamespace(other)
  if (target === '-' && !isFolder) {
    await aboutFile(path, namespace, () => print(path, { files, signal }))
    return exitCodes.ok
  }
  const found = await allFiles(files, path, signal)
  const wanted: readonly Wanted[] = isFolder
    ? found.map((each) => ({ ...each, target: join(target ?? '.', each.path.slice(path.length)) }))
    : await Promise.all(found.filter((each) => each.path === path).map(async (each) => ({ ...each, target: await placeFor(path, target) })))
  if (wanted.length === 0) throw noFile(path, namespace)
  // Whatever a server says, nothing is written outside of the target.
  const wrong = wanted.filter((each) => !isFilePath(each.path)).map((each) => each.path)
  if (wrong.length > 0) throw wrongPaths(wrong)
  const bytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const progress = new TransferProgress(terminal, 'get', { files: wanted.length, bytes })
  const items = await someAtOnce(wanted, async (each) => {
    const sha256 = await aboutFile(each.path, namespace, () => download(each.path, each.target, { files, progress, signal }))
    return { path: each.path, file: each.target, sizeBytes: each.sizeBytes, sha256 }
  })
  terminal.clearStatus()
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ items }, format))
  else terminal.write(items.map(({ file }) => `${file}\n`).join(''))
  return exitCodes.ok
}

/** In a folder that is there by its own name, otherwise as it is named. */
async function placeFor(path: string, target: string | undefined): Promise<string> {
  if (target === undefined) return basename(path)
  const isFolder = target.endsWith('/') || (await stat(target).catch(() => undefined))?.isDirectory() === true
  return isFolder ? join(target, basename(path)) : target
}
