/**
 * The certificate that the server speaks HTTPS with: from the folder in which its Secret is mounted, and again whenever the
 * kubelet has put a renewed one there.
 *
 * Guarantees: open connections go on, new ones meet the renewed certificate; a pair that does not fit (a file was replaced
 * between two reads) is not served, and looked at again.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, Server as TlsServer } from 'node:tls'
import type { Logger } from 'pino'

export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

const minVersion = 'TLSv1.2'
const everyMs = 1000

/** Reads the pair. @throws Error that names the folder and what to do */
export async function readPair(folder: string): Promise<CertificatePair> {
  try {
    const [cert, key] = await Promise.all([readFile(join(folder, 'tls.crt'), 'utf8'), readFile(join(folder, 'tls.key'), 'utf8')])
    createSecureContext({ cert, key })
    return { cert, key }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `no certificate to speak HTTPS with in ${folder} (MNEMOS_SERVER_TLS_FOLDER): ${why}; mount Secret mnemos-server-tls there, which the leading operator makes`,
      { cause },
    )
  }
}

/** Serves what is in the folder until the signal. @param every ms between two looks */
export async function followPair(server: object, { folder, served, logger, signal, every = everyMs }: FollowOptions): Promise<void> {
  if (!(server instanceof TlsServer)) return
  let current = served
  const isStillOn = (): Promise<boolean> => sleep(every, true, { signal, ref: false }).catch(() => false)
  while (await isStillOn()) {
    try {
      const pair = await readPair(folder)
      if (pair.cert === current.cert) continue
      server.setSecureContext({ ...pair, minVersion })
      current = pair
      logger.info({ folder }, 'the server speaks with a renewed certificate')
    } catch (error) {
      logger.warn({ folder, error: String(error) }, 'the renewed certificate cannot be used yet')
    }
  }
}

export interface FollowOptions {
  readonly folder: string
  readonly served: CertificatePair
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly every?: number
}
