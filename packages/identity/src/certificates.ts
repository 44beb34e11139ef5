/**
 * Issues the two kinds of certificates that our servers need: an authority, and a server certificate signed by it (ECDSA P-256).
 *
 * Guarantees: serials are random; an authority can sign only leaves; a leaf ends no later than its authority. Times come in
 * as epoch milliseconds; notBefore lies a little in the past so that a clock that is behind still accepts it.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP, SocketAddress } from 'node:net'
import { bitString, boolean, explicit, implicit, integer, octetString, oid, sequence, set, time, utf8String } from './der.ts'

/** PEM texts, and when the certificate was issued and ends (epoch ms). */
export interface KeyedCertificate {
  readonly certificate: string
  readonly privateKey: string
  readonly issuedAt: number
  readonly notAfter: number
}

/** An authority also knows the name that its leaves give as issuer. */
export interface AuthorityCertificate extends KeyedCertificate {
  readonly commonName: string
}

export interface Validity {
  readonly now: number
  readonly lifeMs: number
}

/** How far back notBefore lies: clocks of clients may be behind by this. */
export const clockSkewMs = 5 * 60_000
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))

/** Makes a new authority: no two have the same common name. @param name whose authority it is */
export function issueAuthority(name: string, { now, lifeMs }: Validity): AuthorityCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const commonName = `${name} authority ${randomBytes(4).toString('hex')}`
  const life = { issuedAt: now, notAfter: wholeSeconds(now + lifeMs) }
  const extensions = [
    extension('2.5.29.19', sequence(boolean(true), integer(Buffer.from([0]))), { critical: true }),
    extension('2.5.29.15', bitString(Buffer.from([0b0000_0110]), 1), { critical: true }),
    extension('2.5.29.14', octetString(keyIdentifier(publicKey))),
  ]
  const certificate = signed({ issuer: commonName, subject: commonName, ...life, publicKey, extensions }, privateKey)
  return { certificate, privateKey: pemOf(privateKey), commonName, ...life }
}

/** Whose certificate it is. */
export interface LeafSubject {
  readonly name: string
  /** Host names and IP addresses that clients dial; at least one. */
  readonly hosts: readonly string[]
}

/** Makes a server certificate. */
export function issueLeaf(authority: AuthorityCertificate, { name, hosts }: LeafSubject, { now, lifeMs }: Validity): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuerKey = createPrivateKey(authority.privateKey)
  const life = { issuedAt: now, notAfter: wholeSeconds(Math.min(now + lifeMs, authority.notAfter)) }
  const extensions = [
    extension('2.5.29.19', sequence(), { critical: true }),
    extension('2.5.29.15', bitString(Buffer.from([0b1000_0000]), 7), { critical: true }),
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', sequence(...hosts.map(generalName))),
    extension('2.5.29.35', sequence(implicit(0, keyIdentifier(createPublicKey(issuerKey))))),
  ]
  const subject = { issuer: authority.commonName, subject: name, ...life, publicKey, extensions }
  return { certificate: signed(subject, issuerKey), privateKey: pemOf(privateKey), ...life }
}

/** A certificate cannot say more exactly when it ends. */
function wholeSeconds(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000
}

interface ToBeSigned {
  readonly issuer: string
  readonly subject: string
  readonly issuedAt: number
  readonly notAfter: number
  readonly publicKey: KeyObject
  readonly extensions: readonly Uint8Array[]
}

function signed(to: ToBeSigned, key: KeyObject): string {
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    nameOf(to.issuer),
    sequence(time(to.issuedAt - clockSkewMs), time(to.notAfter)),
    nameOf(to.subject),
    to.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...to.extensions)),
  )
  const der = sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, key)))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), utf8String(commonName))))
}

function extension(id: string, value: Uint8Array, { critical = false } = {}): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value))
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
}

function generalName(host: string): Buffer {
  return isIP(host) === 0 ? implicit(2, Buffer.from(host)) : implicit(7, addressBytes(host))
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = new SocketAddress({ address, family: 'ipv6' }).address.split('::')
  const groups = (part: string | undefined): readonly string[] => (part === undefined || part === '' ? [] : part.split(':'))
  const missing = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}
