/** A typed client of the files of a namespace. Bytes are streams both ways: a file may be larger than memory. */
import { type CallOptions, type ClientOptions, send } from './client.ts'
import { type FilePage, filePage, fileRoutes, type StoredFile, storedFile } from './file-routes.ts'

export interface FilesClient {
  /** @throws ApiError `MNEMOS_DIGEST_MISMATCH` when other bytes arrived */
  put(
    path: string,
    body: ReadableStream<Uint8Array>,
    about: { sha256: string; sizeBytes: number; signal?: AbortSignal },
  ): Promise<StoredFile>
  /** `sha256` is that of the whole file. */
  get(
    path: string,
    signal?: AbortSignal,
  ): Promise<{ readonly sha256: string; readonly sizeBytes: number; readonly body: ReadableStream<Uint8Array> | null }>
  /** Removes a file. @throws ApiError `MNEMOS_NOT_FOUND` */
  remove(path: string, signal?: AbortSignal): Promise<StoredFile>
  /** One page; all are below the prefix. */
  list(prefix: string, options?: { continue?: string | undefined; limit?: number; signal?: AbortSignal }): Promise<FilePage>
}

export function createFilesClient(options: ClientOptions, namespace: string): FilesClient {
  const at = (key: string, signal: AbortSignal | undefined): CallOptions => ({ path: { key }, query: { namespace }, signal })
  return {
    put: async (path, body, { sha256, sizeBytes, signal }) => {
      const headers = { 'x-mnemos-sha256': sha256, 'content-length': String(sizeBytes), 'content-type': 'application/octet-stream' }
      const answer = await send(options, fileRoutes.putFile, { ...at(path, signal), headers, stream: body })
      return storedFile.parse(await answer.json())
    },
    get: async (path, signal) => {
      const { headers, body } = await send(options, fileRoutes.getFile, at(path, signal))
      return { sha256: (headers.get('etag') ?? '').replaceAll('"', ''), sizeBytes: Number(headers.get('content-length') ?? 0), body }
    },
    remove: async (path, signal) => storedFile.parse(await (await send(options, fileRoutes.deleteFile, at(path, signal))).json()),
    list: async (prefix, { continue: next, limit = 1000, signal } = {}) => {
      const query = { namespace, prefix, limit: String(limit), ...(next === undefined ? {} : { continue: next }) }
      return filePage.parse(await (await send(options, fileRoutes.listFiles, { query, signal })).json())
    },
  }
}
