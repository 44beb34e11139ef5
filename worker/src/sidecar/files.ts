/** One file from the server, one file to the server: streamed, checked by its SHA-256, tried again while the server is away. */
import { createHash } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { chmod, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { artifactUri } from '@mnemos/contract'
import { codeOf, WorkFailure } from '../failure.ts'
import { unavailable } from '../storage/put-result.ts'
import { type RetryOptions, retrying, Transient } from '../storage/retry.ts'
import type { ServerSession } from '../storage/server.ts'
import { type AskedOutput, asksForContent, checkContent, checkSize } from './output-content.ts'

/** Opens a session with the token as it is now: the kubelet renews it. */
export type Sessions = () => ServerSession

/**
 * Brings an object into a file, whole or not at all.
 * @throws WorkFailure BadInput when there is none, StorageUnavailable after too long
 */
export async function bring(sessions: Sessions, { key, file }: { key: string; file: string }, retry: RetryOptions): Promise<void> {
  const partial = `${file}.mnemos-partial`
  const once = async (): Promise<void> => {
    const session = sessions()
    const about = await session.head(key, retry.signal)
    if (about === undefined) throw missing(key)
    const { body } = await session.get(key, { offset: 0, signal: retry.signal })
    const hash = createHash('sha256')
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(body, hashing, createWriteStream(partial, { mode: 0o664 }), { signal: retry.signal }).catch((error: unknown) => {
      retry.signal.throwIfAborted()
      throw isOfDisk(error) ? error : new Transient(`GET ${key} broke off`, { cause: error })
    })
    if (about.sha256 !== undefined && hash.digest('hex') !== about.sha256)
      throw new Transient(`GET ${key} brought other bytes than the store has`)
  }
  try {
    await retrying(once, retry)
  } catch (error) {
    await rm(partial, { force: true })
    throw error instanceof Transient ? notBrought(key, error) : error
  }
  // Whatever user the container runs as: the group is that of the pod.
  await chmod(partial, 0o664)
  await rename(partial, file)
}

function isOfDisk(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS'].includes(codeOf(error) ?? '')
}

function missing(key: string): WorkFailure {
  const message = `Input artifact://${key} is not in the artifact store.`
  return new WorkFailure({ class: 'BadInput', reason: 'InputMissing', message, hint: 'Correct spec.container.inputs in a new Job.' })
}

function notBrought(key: string, cause: Transient): WorkFailure {
  return new WorkFailure({
    class: 'StorageUnavailable',
    reason: 'DownloadFailed',
    message: `Input artifact://${key} could not be brought: ${cause.message}.`,
    hint: 'The attempt is repeated; check that the server is up and reachable from the pod.',
    cause,
  })
}

/** Where an output is, and where it goes. */
export interface OutputPlace extends AskedOutput {
  readonly key: string
  /** Here. */
  readonly file: string
  readonly maxBytes: number
}

export interface KeptFile {
  readonly name: string
  readonly uri: string
  readonly sha256: string
  readonly sizeBytes: number
  /** What is in it, where the Job asks for that. */
  readonly value?: string
}

/**
 * Stores a file under its key; what the server read back has the same SHA-256.
 * @throws WorkFailure ContainerFailed when there is no such file, it is too large, or not what the Job asks for; StorageUnavailable
 * after too long
 */
export async function keep(sessions: Sessions, output: OutputPlace, retry: RetryOptions): Promise<KeptFile> {
  const { name, key } = output
  const sizeBytes = await sizeOf(output)
  const value = await contentFor(output, sizeBytes)
  const hash = createHash('sha256')
  for await (const chunk of chunksOf(output)) hash.update(chunk)
  const sha256 = hash.digest('hex')
  const bytes = (): Readable => Readable.from(chunksOf(output))
  await retrying(() => sessions().put(key, bytes, { sha256, sizeBytes, signal: retry.signal }), retry).catch((error: unknown) => {
    throw error instanceof Transient ? unavailable(key, error) : error
  })
  return { name, uri: artifactUri(key), sha256, sizeBytes, ...(value === undefined ? {} : { value }) }
}

async function contentFor(output: OutputPlace, sizeBytes: number): Promise<string | undefined> {
  if (!asksForContent(output)) return undefined
  checkSize(output, sizeBytes)
  const chunks: Buffer[] = []
  for await (const chunk of chunksOf(output)) chunks.push(chunk)
  return checkContent(output, Buffer.concat(chunks))
}

async function sizeOf(output: OutputPlace): Promise<number> {
  const handle = await openOutput(output)
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw notLeft(output.name, output.path, 'is no file; pack folders into one')
    if (found.size > output.maxBytes) throw tooLarge(output, found.size)
    return found.size
  } finally {
    await handle.close()
  }
}

/** Opens the file anew for each try; it closes itself at the end. */
async function* chunksOf(output: OutputPlace): AsyncGenerator<Buffer> {
  const handle = await openOutput(output)
  yield* handle.createReadStream({ highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>
}

/** A link would lead to what is ours in here, and a pipe would never end: neither is followed. */
async function openOutput({ name, path, file }: OutputPlace): Promise<FileHandle> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') throw notLeft(name, path, 'is not there')
    if (code === 'ELOOP') throw notLeft(name, path, 'is a link; leave the file itself')
    if (code === 'ENXIO') throw notLeft(name, path, 'is no file')
    if (code === 'EACCES')
      throw notLeft(name, path, 'cannot be read by its group; let the container write it with umask 022, or set runAsUser')
    throw error
  }
}

function notLeft(name: string, path: string, why: string): WorkFailure {
  return new WorkFailure({
    class: 'ContainerFailed',
    reason: 'OutputMissing',
    message: `Output ${name}: ${path} ${why}.`,
    hint: 'Let the container write it before it ends, or correct spec.container.outputs in a new Job.',
  })
}

function tooLarge({ name, path, maxBytes }: OutputPlace, sizeBytes: number): WorkFailure {
  return new WorkFailure({
    class: 'ContainerFailed',
    reason: 'OutputTooLarge',
    message: `Output ${name}: ${path} has ${sizeBytes} bytes; at most ${maxBytes} are kept.`,
    hint: 'Leave less behind, split it into several outputs, or raise MNEMOS_SIDECAR_MAX_OUTPUT_BYTES of the operator.',
  })
}
