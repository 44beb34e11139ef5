/**
 * A certificate that somebody else makes, e.g. cert-manager: `tls.crt`, `tls.key` and `ca.crt` in the folder where its Secret is
 * mounted, read again at each look.
 *
 * Guarantees: an authority that was registered stays trusted until it expires, so replicas that see a new Secret at different
 * times agree on what to register; a certificate of an authority that callers may not have heard of yet is served only
 * after a while. A pair that does not fit, as between two writes of the kubelet, is an error and no certificate.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { SignedLeaf } from '@mnemos/identity'
import type { CertificateSource } from './certificate-source.ts'

export interface CertificateFolderOptions {
  readonly folder: string
  /** Name that API servers dial. */
  readonly host: string
  /** How long a new authority is trusted before a certificate of it is served, in ms. */
  readonly settleMs: number
  /** PEM of the authorities that are registered now; empty when none. */
  readonly registered: (signal: AbortSignal) => Promise<string>
}

/** More than this were registered only by a mistake. */
const maxTrusted = 8
const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

export function certificateFolder({ folder, host, settleMs, registered }: CertificateFolderOptions): CertificateSource {
  /** Since when each text of authorities is on its way to callers, in epoch ms. */
  const since = new Map<string, number>()
  return {
    look: async (now, signal) => {
      const { leaf, authorities } = await readFolder(folder, host)
      const bundle = merged(authorities, await registered(signal), now)
      const known = since.get(authorities) ?? now
      since.clear()
      since.set(authorities, known)
      return {
        bundle,
        next: (served) => {
          if (served === undefined) return leaf
          if (served.leaf.certificate === leaf.leaf.certificate) return served
          const isTrusted = served.signedBy === leaf.signedBy || now - known >= settleMs
          return isTrusted || served.leaf.notAfter <= now ? leaf : served
        },
      }
    },
  }
}

async function readFolder(folder: string, host: string): Promise<{ readonly leaf: SignedLeaf; readonly authorities: string }> {
  try {
    const texts = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readFile(join(folder, name), 'utf8'))
    const [certificate = '', privateKey = '', authorities = ''] = await Promise.all(texts)
    const read = new X509Certificate(certificate)
    if (!read.checkPrivateKey(createPrivateKey(privateKey))) throw new Error('tls.key is not the key of tls.crt')
    if ((isIP(host) === 0 ? read.checkHost(host, { subject: 'never' }) : read.checkIP(host)) === undefined) {
      throw new Error(`tls.crt is not for ${host}; add it to the certificate's DNS names`)
    }
    if (blocksOf(authorities).length === 0) throw new Error('ca.crt holds no certificate; use an issuer that names its authority')
    const leaf = { certificate, privateKey, issuedAt: read.validFromDate.getTime(), notAfter: read.validToDate.getTime() }
    return { leaf: { leaf, signedBy: read.issuer }, authorities }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`no certificate to serve in ${folder} (MNEMOS_WEBHOOK_TLS_FOLDER): ${why}`, { cause })
  }
}

/** Authorities of the folder first, then those that are trusted already and have not expired; each once. */
function merged(own: string, registered: string, now: number): string {
  const all = [...blocksOf(own), ...blocksOf(registered).filter((pem) => expiryOf(pem) > now)]
  return `${[...new Set(all)].slice(0, maxTrusted).join('\n')}\n`
}

function blocksOf(pem: string): readonly string[] {
  return pem.match(pemBlock) ?? []
}

/** 0 for what is no certificate: somebody else wrote it. */
function expiryOf(pem: string): number {
  try {
    return new X509Certificate(pem).validToDate.getTime()
  } catch {
    return 0
  }
}
