/** `mnemos files ls [PREFIX]`: the files of a namespace. */
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { allFiles } from '../files-listing.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderList, size, span } from '../output.ts'
import { connect } from '../session.ts'
import type { FilesFlags } from './files-put.ts'

export async function listFiles(invocation: Invocation, prefix: string | undefined, { json }: FilesFlags): Promise<ExitCode> {
  const { globals, terminal, signal } = invocation
  const format = parseFormat(json ? 'json' : globals.output)
  const { files, namespace } = await connect(invocation)
  const items = await allFiles(files, (prefix ?? '').replace(/^\/+/, ''), signal)
  const now = Date.now()
  const listing = {
    items,
    columns: [
      { title: 'PATH', of: ({ path }: (typeof items)[number]) => path },
      { title: 'SIZE', of: ({ sizeBytes }: (typeof items)[number]) => size(sizeBytes) },
      { title: 'AGE', of: ({ modifiedAt }: (typeof items)[number]) => span(now - Date.parse(modifiedAt)) },
      { title: 'URI', of: ({ uri }: (typeof items)[number]) => uri, wide: true },
    ],
    name: ({ uri }: (typeof items)[number]) => uri,
    empty: `No ${prefix === undefined ? 'files' : `file that begins with ${prefix}`} in namespace ${namespace}. Store some: mnemos files put FILE|FOLDER`,
  }
  terminal.write(await renderList(listing, format))
  return exitCodes.ok
}
