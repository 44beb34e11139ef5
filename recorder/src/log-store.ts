/** Where logs go: to the server, by the recorder's own token. One try each; who asks decides whether to try again. */
import { readFileSync } from 'node:fs'
import { pathOfRoute, routes } from '@mnemos/contract'
import { buildConnector, Pool } from 'undici'

/** One attempt of a Job. */
export interface LogName {
  readonly namespace: string
  readonly uid: string
  readonly attempt: number
}

export interface LogStore {
  /** Replaces the whole log. @throws LogStoreError */
  put(name: LogName, bytes: Buffer): Promise<void>
  close(): Promise<void>
}

/** A log was not taken. */
export class LogStoreError extends Error {
  override readonly name = 'LogStoreError'
  /** Nobody will ever want it: its Job is gone. */
  readonly isFinal: boolean

  constructor(message: string, { isFinal = false, cause }: { isFinal?: boolean; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.isFinal = isFinal
  }
}

export interface LogStoreOptions {
  readonly serverUrl: string
  readonly caFile: string | undefined
  readonly token: () => Promise<string | undefined>
}

export function openLogStore({ serverUrl, caFile, token }: LogStoreOptions): LogStore {
  const { origin, pathname } = new URL(serverUrl)
  const pool = new Pool(origin, {
    allowH2: false,
    connections: 8,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    ...(caFile === undefined ? {} : { connect: connectorOf(caFile) }),
  })
  return {
    close: () => pool.destroy(),
    put: async ({ namespace, uid, attempt }, bytes) => {
      const path = `${pathname.replace(/\/$/, '')}${pathOfRoute(routes.putLog, { namespace, uid, attempt })}`
      const headers = { authorization: `Bearer ${(await token()) ?? ''}`, 'content-type': 'text/plain; charset=utf-8' }
      const answer = await pool.request({ method: 'PUT', path, headers, body: bytes }).catch((cause: unknown) => {
        throw new LogStoreError(`the server at ${origin} cannot be reached`, { cause })
      })
      await answer.body.dump()
      if (answer.statusCode === 200) return
      throw new LogStoreError(`the server answered ${answer.statusCode}`, { isFinal: answer.statusCode === 404 })
    },
  }
}

/** Opens each connection with the bundle as it is then: authorities are replaced. */
function connectorOf(caFile: string): buildConnector.connector {
  return (to, opened) => {
    try {
      buildConnector({ ca: readFileSync(caFile, 'utf8'), allowH2: false, timeout: 10_000 })(to, opened)
    } catch (error) {
      opened(error instanceof Error ? error : new Error(String(error)), null)
    }
  }
}
