/** `mnemos files rm PATH…`: removes files; with a slash at the end all files below a place. */
import type { StoredFile } from '@mnemos/contract'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { readNamed } from '../file-paths.ts'
import { patiently, someAtOnce } from '../file-transfer.ts'
import { aboutFile, allFiles, noFile } from '../files-listing.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderObject } from '../output.ts'
import { connect, type Session } from '../session.ts'
import type { FilesFlags } from './files-put.ts'

export async function removeFiles(invocation: Invocation, named: readonly string[], { json }: FilesFlags): Promise<ExitCode> {
  const { globals, terminal, signal } = invocation
  const format = parseFormat(json ? 'json' : globals.output)
  // All of them are read before the first is removed.
  const places = named.map(readNamed)
  if (places.some(({ path }) => path === ''))
    throw new CliError('name what is to be removed', {
      code: 'MNEMOS_USAGE',
      hint: 'a file, or a folder as NAME/',
      exitCode: exitCodes.usage,
    })
  const session = await connect(invocation)
  const items: StoredFile[] = []
  for (const { path, isFolder, namespace } of places)
    items.push(...(await removeAt(session.inNamespace(namespace), { path, isFolder }, signal)))
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ items }, format))
  else terminal.write(items.map(({ uri }) => `${uri}\n`).join(''))
  return exitCodes.ok
}

async function removeAt(
  { files, namespace }: Session,
  { path, isFolder }: { readonly path: string; readonly isFolder: boolean },
  signal: AbortSignal,
): Promise<readonly StoredFile[]> {
  const remove = (each: string): Promise<StoredFile> =>
    aboutFile(each, namespace, () => patiently(() => files.remove(each, signal), signal))
  if (!isFolder) return [await remove(path)]
  const found = await allFiles(files, path, signal)
  if (found.length === 0) throw noFile(path, namespace)
  return someAtOnce(found, (each) => remove(each.path))
}
