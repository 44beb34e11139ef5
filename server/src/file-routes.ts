/**
 * Files that people put beside their Jobs, for their inputs: `files/<namespace>/<path>` of the artifact store.
 *
 * Who may read, store and remove is who may `get`, `create` and `delete` `mnemosjobs/files` in the namespace: the API server is
 * asked with the caller's own token. A path never leads out of its namespace: the store takes no key with a part that does.
 */
import { type ArtifactStore, checkedKey, type StoredArtifact } from '@mnemos/artifacts'
import { artifactUri, type FilePage, filesPrefix, filesQuery, listFilesQuery, routes, type StoredFile } from '@mnemos/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type AccessRight, createAccessRights } from './access-rights.ts'
import type { Callers } from './callers.ts'
import { Refusal } from './refusal.ts'
import { bounded } from './request-bytes.ts'
import { readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'
import { sendStored } from './sending-bytes.ts'

export interface FileRoutesOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
  /** Largest file. */
  readonly maxBytes: number
}

/** A file that a request is about, once its caller may do to it what is asked. */
interface AskedFile {
  readonly namespace: string
  readonly path: string
  readonly key: string
}

const words = { get: 'read files', create: 'store files', delete: 'remove files' } as const

/** Bodies here are bytes. */
export function registerFileRoutes(app: FastifyInstance, { callers, artifacts, maxBytes }: FileRoutesOptions): void {
  const rights = createAccessRights()
  const demand = async (request: FastifyRequest, verb: AccessRight['verb'], namespace: string): Promise<void> => {
    const caller = await callers.identify(request.headers.authorization)
    await rights.demand(caller, { subresource: 'files', verb, namespace }, words[verb])
  }
  const asked = async (request: FastifyRequest, verb: AccessRight['verb']): Promise<AskedFile> => {
    const { namespace } = readQuery(filesQuery, request)
    const path = (request.params as { '*': string })['*'] // by the path of the route
    const key = checkedKey(`${filesPrefix(namespace)}${path}`)
    await demand(request, verb, namespace)
    return { namespace, path, key }
  }

  app.put(fastifyPath(routes.putFile.path), async (request) => {
    const file = await asked(request, 'create')
    const sha256 = promisedDigest(request)
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const stored = await artifacts.put(
      file.key,
      bounded(request.body, maxBytes, () => tooLarge(maxBytes)),
      sha256 === undefined ? {} : { sha256 },
    )
    return asFile(file, stored)
  })
  app.get(fastifyPath(routes.getFile.path), { exposeHeadRoute: false }, async (request, reply) => {
    const file = await asked(request, 'get')
    return sendStored(artifacts, { key: file.key, missing: missing(file).message }, { request, reply })
  })
  app.head(fastifyPath(routes.headFile.path), async (request, reply) => {
    const found = await artifacts.head((await asked(request, 'get')).key)
    if (found === undefined) return reply.code(404).send()
    return reply.header('etag', `"${found.sha256}"`).header('content-length', found.sizeBytes).send()
  })
  app.delete(fastifyPath(routes.deleteFile.path), async (request) => {
    const file = await asked(request, 'delete')
    const found = await artifacts.head(file.key)
    if (found === undefined) throw missing(file)
    await artifacts.delete(file.key)
    return asFile(file, found)
  })
  app.get(routes.listFiles.path, async (request): Promise<FilePage> => {
    const { namespace, prefix, limit, continue: next } = readQuery(listFilesQuery, request)
    await demand(request, 'get', namespace)
    const root = filesPrefix(namespace)
    const page = await artifacts.page(`${root}${prefix}`, { limit, after: next === undefined ? undefined : `${root}${next}` })
    return {
      items: page.items.map(({ key, sizeBytes, modifiedAt }) => ({
        ...{ path: key.slice(root.length), uri: artifactUri(key), sizeBytes },
        modifiedAt: new Date(modifiedAt).toISOString(),
      })),
      ...(page.next === undefined ? {} : { continue: page.next.slice(root.length) }),
    }
  })
}

function asFile({ path, key }: AskedFile, { sha256, sizeBytes }: StoredArtifact): StoredFile {
  return { path, uri: artifactUri(key), sizeBytes, sha256 }
}

/** @throws Refusal MNEMOS_BAD_REQUEST */
function promisedDigest({ headers }: FastifyRequest): string | undefined {
  const promised = headers['x-mnemos-sha256']
  if (promised === undefined) return undefined
  if (typeof promised === 'string' && /^[a-f0-9]{64}$/.test(promised)) return promised
  throw new Refusal('MNEMOS_BAD_REQUEST', 'x-mnemos-sha256 is no SHA-256: 64 small hexadecimal digits.')
}

function missing({ namespace, path }: AskedFile): Refusal {
  return new Refusal(
    'MNEMOS_NOT_FOUND',
    `There is no file ${path} in namespace ${namespace}; list them with GET /v1/files?namespace=${namespace}.`,
  )
}

function tooLarge(maxBytes: number): Refusal {
  const advice = 'split it, or ask who runs MNEMOS for a larger MNEMOS_SERVER_FILE_BYTES of the server'
  return new Refusal('MNEMOS_TOO_LARGE', `A file may have at most ${maxBytes} bytes; ${advice}.`)
}
