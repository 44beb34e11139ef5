/**
 * Opens the source of a model: `file://` below one folder, `https://` on public addresses.
 *
 * Guarantees: a file that lies outside the folder is refused after links were followed; an https source is refused when its name
 * resolves to an inside address, and the connection goes to the very address that was judged, at each redirect anew. The
 * messages name the URI without its user info and query, where credentials may be.
 */

import { lookup as systemLookup } from 'node:dns'
import { open, realpath } from 'node:fs/promises'
import { isIP, type LookupFunction } from 'node:net'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { shownUri } from '@mnemos/api'
import { Agent, request } from 'undici'
import { codeOf, WorkFailure } from '../failure.ts'
import { Transient } from '../storage/retry.ts'
import { isPublicAddress } from './addresses.ts'

export interface SourceRules {
  /** Folder that file:// sources are resolved under; none are allowed without it. */
  readonly fileRoot?: string | undefined
  /** Lets https:// sources be on loopback, private and link-local addresses. */
  readonly allowPrivate: boolean
  /** PEM of an authority to trust beside the system's; for tests and mirrors of one's own. */
  readonly ca?: string | undefined
}

export interface OpenSource {
  readonly body: Readable
  /** 0 while unknown. */
  readonly totalBytes: number
  /** SHA-256 that the bytes must have, 64 hex digits; undefined while unknown. */
  readonly sha256?: string | undefined
  close(): Promise<void>
}

const maxRedirects = 5
export const supportedSchemes = ['file', 'https'] as const

/** @throws WorkFailure BadInput for what can never work, Transient for what may work later */
export async function openSource(uri: string, rules: SourceRules, signal: AbortSignal): Promise<OpenSource> {
  const url = URL.parse(uri)
  if (url === null) throw badSource('BadUri', 'The source of the Model is no URI.', 'Write it as https://host/path or file:///path.')
  if (url.protocol === 'file:') return openFile(url, rules)
  if (url.protocol === 'https:') return openHttps(url, rules, signal)
  throw badSource(
    'SchemeNotSupported',
    `Sources of scheme ${url.protocol.replace(':', '')} cannot be imported; ${supportedSchemes.map((scheme) => `${scheme}://`).join(' and ')} can.`,
    'Copy the file to an https server, or (in development) below the --file-root of the worker.',
  )
}

async function openFile(url: URL, { fileRoot }: SourceRules): Promise<OpenSource> {
  if (fileRoot === undefined)
    throw badSource('FilesNotAllowed', 'This worker imports no file:// sources.', 'Start the worker with --file-root DIR.')
  const shown = shownUri(url.href)
  const outside = badSource('OutsideFileRoot', `${shown} is not below the file root of the worker.`, 'Put the file below --file-root.')
  if (url.host !== '' && url.host !== 'localhost') throw outside
  const root = await realpath(fileRoot)
  const path = await realpath(join(root, pathOf(url))).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR')
      throw badSource('SourceNotFound', `There is no file ${shown} below the file root of the worker.`, 'Check spec.source.uri.')
    throw error
  })
  if (!path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) throw outside
  const file = await open(path)
  const { size, isFile } = await file.stat().then((found) => ({ size: found.size, isFile: found.isFile() }))
  if (!isFile) {
    await file.close()
    throw badSource('NotAFile', `${shown} is no regular file.`, 'Name the model file itself.')
  }
  return { body: file.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false }), totalBytes: size, close: () => file.close() }
}

function pathOf(url: URL): string {
  try {
    return decodeURIComponent(url.pathname).replaceAll('\0', '')
  } catch {
    throw badSource('BadUri', 'The path of the source is not well encoded.', 'Encode it as UTF-8 with %XX.')
  }
}

async function openHttps(start: URL, rules: SourceRules, signal: AbortSignal): Promise<OpenSource> {
  const agent = new Agent({
    connect: { lookup: judgingLookup(rules), ...(rules.ca === undefined ? {} : { ca: rules.ca }) },
    bodyTimeout: 60_000,
  })
  try {
    let url: URL = start
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      judgeHost(url, rules)
      const answer = await request(url.href, { dispatcher: agent, signal, headers: { 'accept-encoding': 'identity' } }).catch(
        (error: unknown) => {
          throw connectionFailure(url, error)
        },
      )
      if (answer.statusCode === 200) {
        return { body: answer.body, totalBytes: Number(answer.headers['content-length'] ?? 0), close: () => agent.destroy() }
      }
      await answer.body.dump()
      url = redirected(url, answer.statusCode, answer.headers.location)
    }
    throw badSource('TooManyRedirects', `${shownUri(start.href)} redirects more than ${maxRedirects} times.`, 'Name the final address.')
  } catch (error) {
    await agent.destroy()
    throw error
  }
}

function redirected(url: URL, status: number, location: string | string[] | undefined): URL {
  const shown = shownUri(url.href)
  if (status >= 300 && status < 400 && typeof location === 'string') {
    const next = URL.parse(location, url.href)
    if (next?.protocol === 'https:') return next
    throw badSource('BadRedirect', `${shown} redirects to something that is not https.`, 'Name the final address.')
  }
  if (status === 429 || status === 408 || status >= 500) throw new Transient(`${shown} was answered with ${status}`)
  throw badSource('SourceRefused', `${shown} was answered with ${status}.`, 'Check that spec.source.uri exists and needs no login.')
}

/** A literal address never reaches the lookup. */
function judgeHost(url: URL, { allowPrivate }: SourceRules): void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw insideAddress()
}

/** Resolves as the system does and hands on only public addresses, so that what was judged is what is dialled. */
function judgingLookup({ allowPrivate }: SourceRules): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '', 0)
        return
      }
      const usable = allowPrivate ? found : found.filter(({ address }) => isPublicAddress(address))
      const [first] = usable
      if (first === undefined || usable.length < found.length) callback(insideAddress(), '', 0)
      else if (options.all === true) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
}

function connectionFailure(url: URL, error: unknown): unknown {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof WorkFailure) return cause
  if (error instanceof WorkFailure) return error
  return new Transient(`${shownUri(url.href)} could not be reached: ${codeOf(error) ?? 'connection error'}`, { cause: error })
}

function insideAddress(): WorkFailure {
  return badSource(
    'PrivateAddress',
    'The source of the Model is on a loopback, private or link-local address, which this worker does not fetch from.',
    'Use a public address, or start the worker with --allow-private-sources.',
  )
}

function badSource(reason: string, message: string, hint: string): WorkFailure {
  return new WorkFailure({ class: 'BadInput', reason, message, hint })
}
