/**
 * The certificate of one server: whether it is to be replaced, and by what. Pure: time comes in.
 *
 * A leaf that was kept somewhere is read back from its own PEM, so that nothing about it has to be stored beside it, and
 * whatever somebody put in its place is seen for what it is.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Authority, isAging, signerOf } from './authority.ts'
import { clockSkewMs, issueLeaf, type KeyedCertificate, type LeafSubject } from './certificates.ts'

/** A certificate and the common name of who signed it. */
export interface SignedLeaf {
  readonly leaf: KeyedCertificate
  readonly signedBy: string
}

export interface LeafWish {
  /** Epoch ms. */
  readonly now: number
  readonly lifeMs: number
  readonly subject: LeafSubject
}

/**
 * A fresh certificate when the served one is old or its signer's time is over; otherwise the same value.
 * @throws Error when there is no authority
 */
export function renewedLeaf(served: SignedLeaf | undefined, authorities: readonly Authority[], wish: LeafWish): SignedLeaf {
  const signer = signerOf(authorities, wish.now)
  if (signer === undefined) throw new Error('there is no authority to sign with')
  if (served !== undefined && served.signedBy === signer.commonName && !isAging(served.leaf, wish.now)) return served
  return { leaf: issueLeaf(signer, wish.subject, wish), signedBy: signer.commonName }
}

/**
 * Reads a kept leaf back: undefined unless one of the authorities signed it, its key is its own, and it is for these very hosts.
 * @param pem texts as they were kept
 */
export function readLeaf(
  pem: { readonly certificate: string; readonly privateKey: string },
  authorities: readonly Authority[],
  { hosts }: LeafSubject,
): SignedLeaf | undefined {
  try {
    const read = new X509Certificate(pem.certificate)
    const signer = authorities.find(({ certificate }) => {
      const authority = new X509Certificate(certificate)
      return read.checkIssued(authority) && read.verify(authority.publicKey)
    })
    if (signer === undefined || !read.checkPrivateKey(createPrivateKey(pem.privateKey)) || !isFor(read, hosts)) return undefined
    const leaf = { ...pem, issuedAt: read.validFromDate.getTime() + clockSkewMs, notAfter: read.validToDate.getTime() }
    return { leaf, signedBy: signer.commonName }
  } catch {
    // What does not parse is no leaf.
    return undefined
  }
}

function isFor(read: X509Certificate, hosts: readonly string[]): boolean {
  const names = (read.subjectAltName ?? '').split(', ').filter((name) => name !== '')
  const knows = (host: string): boolean => (read.checkHost(host, { subject: 'never' }) ?? read.checkIP(host)) !== undefined
  return names.length === hosts.length && hosts.every(knows)
}
