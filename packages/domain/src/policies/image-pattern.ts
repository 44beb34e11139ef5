/**
 * Images as registries read them, and patterns of them: `registry/path:tag`, in which `*` stands for any run of characters
 * within registry, path or tag. Without a registry it is docker.io, with one word also `library/`; a pattern without a tag means all tags.
 * Source: the reference grammar of the distribution project (github.com/distribution/reference).
 */
import { type Wildcard, wildcard } from './wildcard.ts'

interface ImageParts {
  readonly registry: string
  readonly path: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

export type MatchesImage = (image: string) => boolean

/** The pattern, ready to be asked. */
export function imagePattern(pattern: string): MatchesImage {
  if (pattern === '*') return () => true
  const wanted = partsOf(pattern)
  const ofRegistry = wildcard(wanted.registry)
  const ofPath = wildcard(wanted.path)
  const ofTag: Wildcard = wanted.tag === undefined ? () => true : wildcard(wanted.tag)
  const ofDigest: Wildcard = wanted.digest === undefined ? () => true : wildcard(wanted.digest)
  return (image) => {
    const { registry, path, tag, digest } = partsOf(image)
    // Of an image with a digest the tag says nothing.
    const shownTag = digest === undefined ? (tag ?? 'latest') : ''
    return ofRegistry(registry) && ofPath(path) && ofTag(shownTag) && ofDigest(digest ?? '')
  }
}

function partsOf(image: string): ImageParts {
  const [named = '', digest] = image.split('@', 2)
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const name = hasTag ? named.slice(0, colon) : named
  const tag = hasTag ? named.slice(colon + 1) : undefined
  const [first = '', ...rest] = name.split('/')
  const hasRegistry = rest.length > 0 && (/[.:*]/.test(first) || first === 'localhost')
  const registry = (hasRegistry ? first : 'docker.io').toLowerCase()
  const path = hasRegistry ? rest.join('/') : name
  return { registry, path: registry === 'docker.io' && !path.includes('/') && path !== '*' ? `library/${path}` : path, tag, digest }
}
