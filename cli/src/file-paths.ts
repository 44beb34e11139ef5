/** Paths of files in a namespace: what they may look like, and how people name them. Pure. */
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/** As the artifact store takes them. */
const segment = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/
const maxPathLength = 440

/** Whether the store takes a path. */
export function isFilePath(path: string): boolean {
  return path.length <= maxPathLength && path.split('/').every((part) => segment.test(part) && !part.endsWith('.sha256'))
}

/** What one argument names: a file, or with a slash at the end (or as nothing at all) everything below a place. */
export interface NamedFiles {
  /** That of the URI; undefined: the one that the command is about. */
  readonly namespace: string | undefined
  readonly path: string
  readonly isFolder: boolean
}

/**
 * Reads `books/one.txt`, `books/` or `artifact://files/<namespace>/books/one.txt`.
 * @throws CliError for what can be no path
 */
export function readNamed(named: string): NamedFiles {
  const [, namespace, rest] = /^artifact:\/\/files\/([^/]+)\/(.*)$/.exec(named) ?? []
  const path = (rest ?? named).replace(/^\/+/, '')
  const isFolder = path === '' || path.endsWith('/')
  const bare = path.replace(/\/+$/, '')
  if (bare !== '' && !isFilePath(bare)) throw wrongPaths([named])
  return { namespace, path: isFolder && bare !== '' ? `${bare}/` : bare, isFolder }
}

/** Where a local file goes: below the prefix, or in its place by its own name. */
export function placedAt(prefix: string | undefined, name: string): string {
  const below = (prefix ?? '').replace(/^\/+|\/+$/g, '')
  return below === '' ? name : `${below}/${name}`
}

/** Names at most this many of what is wrong. */
const maxNamed = 10

export function wrongPaths(paths: readonly string[]): CliError {
  return new CliError(`${paths.length === 1 ? 'a path' : `${paths.length} paths`} cannot be stored`, {
    code: 'MNEMOS_BAD_PATH',
    details: [...paths.slice(0, maxNamed), ...(paths.length > maxNamed ? [`and ${paths.length - maxNamed} more`] : [])],
    hint: 'rename: parts begin with a letter or a digit and have letters, digits, dots, dashes and underscores',
    exitCode: exitCodes.usage,
  })
}
