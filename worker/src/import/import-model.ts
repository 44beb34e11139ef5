/**
 * The task ImportModel: copies the bytes of a source into the artifact store under their own digest, and reads what they are.
 *
 * Guarantees: the source is read once; the bytes are hashed on the way to a temporary file and stored only when they are the
 * demanded ones; storing is skipped when the store has them. The operator learns the digest from the outputs and reads no bytes.
 */

import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { shownUri } from '@mnemos/api'
import { type MaintenanceWork, modelKey, resultKey } from '@mnemos/contract'
import type { AttemptContext, Ending } from '../agent/attempt.ts'
import { WorkFailure } from '../failure.ts'
import { putResult, unavailable } from '../storage/put-result.ts'
import { retrying, Transient } from '../storage/retry.ts'
import { isGguf, readGguf } from './gguf.ts'
import { type OpenSource, openSource } from './source.ts'
import { openStored } from './stored-source.ts'

interface Copied {
  readonly digest: string
  readonly sizeBytes: number
}

/** @throws WorkFailure, or the signal's reason */
export async function importModel(work: MaintenanceWork, context: AttemptContext): Promise<Ending> {
  const { uri, digest: demanded, key } = work.parameters
  const startedAt = context.clock.monotonic()
  await mkdir(context.scratch, { recursive: true })
  const path = join(context.scratch, `import-${randomUUID()}`)
  try {
    const open = (): Promise<OpenSource> =>
      key === undefined ? openSource(uri, context.sources, context.signal) : openStored(uri, key, context)
    const copied = await copy(open, path, context)
    if (demanded !== undefined && copied.digest !== demanded) throw wrongDigest(uri, demanded, copied.digest)
    const outputs = {
      ...(await describe(path)),
      digest: copied.digest,
      artifact: modelKey(copied.digest),
      sizeBytes: String(copied.sizeBytes),
    }
    await store(path, copied, context)
    const result = await putResult(context.session, resultKey(context.ref), outputs, context.retrying)
    const usage = { promptTokens: 0, completionTokens: 0, durationMs: Math.round(context.clock.monotonic() - startedAt) }
    return { kind: 'succeeded', result, usage, outputs }
  } finally {
    await rm(path, { force: true })
  }
}

async function copy(open: () => Promise<OpenSource>, path: string, { signal, report, retrying: retry }: AttemptContext): Promise<Copied> {
  // Each try begins anew: only bytes that no try before has reached are progress, or a source that always breaks off is asked for ever.
  let furthest = 0
  const once = async (progressed: () => void): Promise<Copied> => {
    const source = await open()
    try {
      return await drain(source, path, signal, (bytes) => {
        if (bytes > furthest) {
          furthest = bytes
          progressed()
        }
        report({ message: 'Fetching the model', ...shareOf(bytes, source.totalBytes) })
      })
    } finally {
      source.body.destroy()
      await source.close()
    }
  }
  return retrying(once, retry).catch((error: unknown) => {
    throw error instanceof Transient ? sourceUnavailable(error) : error
  })
}

async function drain(
  { body, totalBytes, sha256 }: OpenSource,
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Copied> {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  let sizeBytes = 0
  try {
    for await (const chunk of chunksOf(body)) {
      signal.throwIfAborted()
      hash.update(chunk)
      await file.appendFile(chunk)
      sizeBytes += chunk.length
      onBytes(sizeBytes)
    }
  } finally {
    await file.close()
  }
  if (totalBytes > 0 && sizeBytes !== totalBytes) throw new Transient(`the source ended after ${sizeBytes} of ${totalBytes} bytes`)
  const found = hash.digest('hex')
  if (sha256 !== undefined && found !== sha256) throw new Transient('the bytes that came are not those that the store has')
  return { digest: `sha256:${found}`, sizeBytes }
}

async function* chunksOf(body: OpenSource['body']): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer> // a stream without encoding yields Buffers
  for (;;) {
    const next = await chunks.next().catch((cause: unknown) => {
      throw new Transient('the source broke off', { cause })
    })
    if (next.done === true) return
    yield next.value
  }
}

async function store(
  path: string,
  { digest, sizeBytes }: Copied,
  { session, signal, report, retrying: retry }: AttemptContext,
): Promise<void> {
  const key = modelKey(digest)
  const sha256 = digest.replace('sha256:', '')
  const once = async (): Promise<void> => {
    const held = await session.head(key, signal)
    if (held?.sizeBytes === sizeBytes && (held.sha256 ?? sha256) === sha256) return
    const body = (): Readable =>
      Readable.from(reported(path, (sent) => report({ message: 'Storing the model', ...shareOf(sent, sizeBytes) })))
    await session.put(key, body, { sha256, sizeBytes, signal })
  }
  await retrying(once, retry).catch((error: unknown) => {
    throw error instanceof Transient ? unavailable(key, error) : error
  })
}

async function* reported(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let sent = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const bytes = chunk as Buffer // a stream without encoding yields Buffers
    sent += bytes.length
    onBytes(sent)
    yield bytes
  }
}

async function describe(path: string): Promise<Record<string, string>> {
  if (!(await isGguf(path))) return {}
  const { architecture, name, license, quantization, contextLength, parameterCount } = await readGguf(path)
  const found = { format: 'gguf', family: architecture, name, license, quantization, contextLength, parameterCount }
  return Object.fromEntries(
    Object.entries(found).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value).slice(0, 128)]])),
  )
}

function shareOf(bytes: number, totalBytes: number): { bytes: number; totalBytes: number; percent?: number } {
  return { bytes, totalBytes, ...(totalBytes > 0 ? { percent: Math.min(100, Math.floor((100 * bytes) / totalBytes)) } : {}) }
}

function wrongDigest(uri: string, wanted: string, found: string): WorkFailure {
  return new WorkFailure({
    class: 'BadInput',
    reason: 'DigestMismatch',
    message: `The file ${shownUri(uri)} does not have the demanded digest: wanted ${wanted}, found ${found}.`,
    hint: 'Correct spec.source.digest, or fetch the right file.',
  })
}

function sourceUnavailable(cause: Transient): WorkFailure {
  return new WorkFailure({
    class: 'StorageUnavailable',
    reason: 'SourceUnavailable',
    message: `The source of the Model cannot be read: ${cause.message}.`,
    cause,
  })
}
