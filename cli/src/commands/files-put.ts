/** `mnemos files put FILE|FOLDER [PREFIX]`: stores files where Jobs of the namespace can name them. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { isFilePath, placedAt, wrongPaths } from '../file-paths.ts'
import { someAtOnce, TransferProgress, type Upload, upload } from '../file-transfer.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderObject, size } from '../output.ts'
import { connect } from '../session.ts'

export interface FilesFlags {
  readonly json: boolean
}

/** What is stored is told by its URI, ready to be an input. */
export async function putFiles(invocation: Invocation, from: string, prefix: string | undefined, { json }: FilesFlags): Promise<ExitCode> {
  const { globals, terminal, signal } = invocation
  const format = parseFormat(json ? 'json' : globals.output)
  const { uploads, leftOut } = await uploadsOf(from, prefix)
  const wrong = uploads.filter(({ path }) => !isFilePath(path)).map(({ path }) => path)
  if (wrong.length > 0) throw wrongPaths(wrong)
  if (leftOut > 0) terminal.say(`${leftOut} hidden ${leftOut === 1 ? 'entry is' : 'entries are'} left out`)
  const { files, namespace } = await connect(invocation)
  const bytes = uploads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const progress = new TransferProgress(terminal, 'put', { files: uploads.length, bytes })
  const stored = await someAtOnce(uploads, (each) => upload(each, { files, progress, signal }))
  terminal.clearStatus()
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject({ items: stored }, format))
  else terminal.write(stored.map(({ uri }) => `${uri}\n`).join(''))
  terminal.say(`${stored.length === 1 ? 'one file' : `${stored.length} files`}, ${size(bytes)}, in namespace ${namespace}`)
  return exitCodes.ok
}

/** @throws CliError when there is nothing to store */
async function uploadsOf(from: string, prefix: string | undefined): Promise<{ uploads: readonly Upload[]; leftOut: number }> {
  const about = await stat(from).catch(() => undefined)
  if (about?.isFile() === true)
    return { uploads: [{ file: from, path: placedAt(prefix, basename(resolve(from))), sizeBytes: about.size }], leftOut: 0 }
  if (about?.isDirectory() !== true)
    throw new CliError(`${from} is no file and no folder`, { code: 'MNEMOS_NO_FILE', exitCode: exitCodes.usage })
  const uploads: Upload[] = []
  let leftOut = 0
  const walk = async (folder: string): Promise<void> => {
    for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = join(folder, entry.name)
      if (entry.name.startsWith('.')) leftOut += 1
      else if (entry.isDirectory()) await walk(file)
      else if (!entry.isFile())
        throw new CliError(`${file} is no file; links are not followed`, { code: 'MNEMOS_NO_FILE', exitCode: exitCodes.usage })
      else {
        const path = placedAt(prefix ?? basename(resolve(from)), relative(from, file).split(sep).join('/'))
        uploads.push({ file, path, sizeBytes: (await lstat(file)).size })
      }
    }
  }
  await walk(from)
  if (uploads.length === 0) throw new CliError(`${from} has no files`, { code: 'MNEMOS_NO_FILE', exitCode: exitCodes.usage })
  return { uploads, leftOut }
}
