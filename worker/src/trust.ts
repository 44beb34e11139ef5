/**
 * Whom the worker believes to be the operator and the server: those whose certificates the bundle in one file vouches for, and
 * nobody else. The file is read anew for each connection, so that an authority that is new there is trusted at once.
 *
 * Guarantees: a file that is absent, empty or broken never means the system's authorities; the error names the file.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type ChannelCredentials, credentials } from '@grpc/grpc-js'

/** The line cannot be made secure; retrying helps once the file is right. */
export class TrustError extends Error {
  override readonly name = 'TrustError'
}

/** Reads a bundle of PEM certificates. @throws TrustError that names the file */
export function readBundle(file: string): string {
  try {
    const bundle = readFileSync(file, 'utf8')
    const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    if (certificates.length === 0) throw new Error('it holds no certificate')
    for (const certificate of certificates) new X509Certificate(certificate)
    return bundle
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TrustError(`the authorities in ${file} (MNEMOS_WORKER_CA_FILE) cannot be used: ${why}`, { cause })
  }
}

/** What a new stream to the operator is dialled with: TLS by the bundle, or in the clear without one. @throws TrustError */
export function operatorCredentials(caFile: string | undefined): ChannelCredentials {
  return caFile === undefined ? credentials.createInsecure() : credentials.createFromSecureContext(contextOf(caFile))
}

function contextOf(caFile: string): SecureContext {
  return createSecureContext({ ca: readBundle(caFile), minVersion: 'TLSv1.3' })
}

/** Whether a connection failed because one side was not whom the other expects. */
export function isDistrust(details: string): boolean {
  return /certificate|altname|self.signed|SSL routines|CERT_|UNABLE_TO_|wrong version number|EPROTO/i.test(details)
}
