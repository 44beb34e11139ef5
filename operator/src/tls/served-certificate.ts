/**
 * The certificate that this operator serves dispatch with, leading or not: read from its Secret and read again from time to time.
 *
 * Guarantees: streams that are open go on under a renewed certificate, new ones meet it; while there is none, connections are
 * dropped and the process is well: the leader makes one within moments, whoever that is. What does not fit together is not served.
 */
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { ServerCredentials } from '@grpc/grpc-js'
import { type Client, type Clock, type Logger, type ObjectName, sleptThrough } from '@mnemos/kube'
import { secrets } from '../resources.ts'

const retryMs = 1000
const minVersion = 'TLSv1.3'

interface Pair {
  readonly cert: string
  readonly key: string
}

/** TLS whose certificate may come later and change at any time; all clients are workers of ours, so nothing old is spoken. */
export class RenewableCredentials extends ServerCredentials {
  constructor() {
    super({ minVersion })
  }

  /** Serves a pair of PEM texts from the next connection on. */
  use(pair: Pair): void {
    this.updateSecureContextOptions({ ...pair, minVersion })
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

export interface ServedCertificateOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly secret: Required<ObjectName>
  readonly refreshMs: number
  readonly credentials: RenewableCredentials
  /** Told when the certificate that is served from now on ends (epoch ms). */
  readonly onServed: (notAfter: number) => void
}

/** Reads the Secret until the signal, and serves what is in it. */
export async function followCertificate(options: ServedCertificateOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, secret: name, refreshMs, credentials, onServed } = options
  let served: string | undefined
  const look = async (): Promise<void> => {
    const secret = await client.get(secrets, name, { signal })
    const text = (key: string): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
    const pair = { cert: text('tls.crt'), key: text('tls.key') }
    if (secret === undefined || pair.cert === served) return
    createSecureContext(pair)
    credentials.use(pair)
    served = pair.cert
    const { validToDate } = new X509Certificate(pair.cert)
    onServed(validToDate.getTime())
    logger.info({ secret: name.name, notAfter: validToDate.toISOString() }, 'dispatch serves a new certificate')
  }
  do {
    await look().catch((error: unknown) => {
      if (!signal.aborted) logger.warn({ secret: name.name, error: String(error) }, 'the certificate of dispatch could not be read')
    })
  } while (await sleptThrough(clock, served === undefined ? Math.min(retryMs, refreshMs) : refreshMs, signal))
}
