/**
 * Patterns of places that bytes may come from: `scheme://host/path`, in which `*` stands for any run of characters within host
 * or path, never across them. A pattern without a path means all paths.
 *
 * Compares parsed parts, not text, so that `https://good.example@evil.example/` or `s3://models/../secrets` cannot pose as what
 * they are not.
 */
import { type Wildcard, wildcard } from './wildcard.ts'

export interface SourceUri {
  readonly scheme: string
  /** In lower case for schemes whose hosts are names of the network; without the default port. */
  readonly host: string
  /** With its leading slash; `/` when empty. */
  readonly path: string
}

const shape = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[^?#]*)?(?:[?#].*)?$/i
/** What could make two programs read one URI differently: user names, dots and separators in disguise, control characters. */
const misleading = /[\\\p{Cc}\p{Cf}\p{Zs}]|%(?:2e|2f|5c|25|00)/iu
const networkSchemes = new Set(['https', 'http', 'oci'])

/** The parts of a URI, or undefined when they could be read in more than one way. */
export function parseSource(uri: string): SourceUri | undefined {
  const [, scheme = '', host = '', path = '/'] = shape.exec(uri) ?? []
  if (scheme === '' || host.includes('@') || misleading.test(uri) || path.split('/').some((part) => part === '..' || part === '.'))
    return undefined
  const lower = scheme.toLowerCase()
  return { scheme: lower, host: networkSchemes.has(lower) ? hostOf(host) : host, path }
}

/** The pattern, ready to be asked, or undefined for a text that is none. */
export function sourcePattern(pattern: string): ((uri: SourceUri) => boolean) | undefined {
  if (pattern === '*') return () => true
  const [, scheme = '', host = '', path] = /^([a-z][a-z0-9+.-]*|\*):\/\/([^/?#@\s]*)(\/[^?#\s]*)?$/.exec(pattern) ?? []
  if (scheme === '') return undefined
  const ofScheme = wildcard(scheme)
  const ofHost = wildcard(networkSchemes.has(scheme) ? hostOf(host) : host)
  const ofPath: Wildcard = path === undefined ? () => true : wildcard(path)
  return (uri) => ofScheme(uri.scheme) && ofHost(uri.host) && ofPath(uri.path)
}

function hostOf(host: string): string {
  return host.toLowerCase().replace(/:443$/, '').replace(/\.$/, '')
}
