/** Stored bytes as an answer: whole, or the range that was asked for. */
import type { ArtifactStore } from '@mnemos/artifacts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from './refusal.ts'

/** @throws Refusal MNEMOS_NOT_FOUND with `missing` */
export async function sendStored(
  artifacts: ArtifactStore,
  { key, missing }: { readonly key: string; readonly missing: string },
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const range = start === undefined ? undefined : { start: Number(start), ...(end === undefined || end === '' ? {} : { end: Number(end) }) }
  const found = await artifacts.get(key, range)
  if (found === undefined) throw new Refusal('MNEMOS_NOT_FOUND', missing)
  const { sha256, sizeBytes } = found.about
  const last = Math.min(range?.end ?? sizeBytes - 1, sizeBytes - 1)
  void reply
    .header('etag', `"${sha256}"`)
    .header('accept-ranges', 'bytes')
    .type('application/octet-stream')
    .header('content-length', last - (range?.start ?? 0) + 1)
  if (range !== undefined) void reply.code(206).header('content-range', `bytes ${range.start}-${last}/${sizeBytes}`)
  return reply.send(found.bytes)
}
