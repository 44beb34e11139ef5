import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issueAuthority, issueLeaf } from './certificates.ts'

const now = Date.parse('2026-11-23T12:00:00Z')
const day = 86_400_000
const authority = issueAuthority('mnemos test', { now, lifeMs: 365 * day })

test('an authority signs itself and may sign others', () => {
  const read = new X509Certificate(authority.certificate)
  assert.equal(read.ca, true)
  assert.equal(read.verify(read.publicKey), true)
  assert.equal(read.checkPrivateKey(createPrivateKey(authority.privateKey)), true)
  assert.equal(Date.parse(read.validTo), authority.notAfter)
})

test('a leaf is signed by its authority and names its hosts', () => {
  const leaf = issueLeaf(
    authority,
    { name: 'mnemos test', hosts: ['127.0.0.1', '::1', 'hook.mnemos-system.svc'] },
    { now, lifeMs: 7 * day },
  )
  const read = new X509Certificate(leaf.certificate)
  const issuer = new X509Certificate(authority.certificate)
  assert.equal(read.ca, false)
  assert.equal(read.verify(issuer.publicKey), true)
  assert.equal(read.checkIssued(issuer), true)
  assert.deepEqual(
    [read.checkIP('127.0.0.1'), read.checkIP('::1'), read.checkHost('hook.mnemos-system.svc'), read.checkHost('other')],
    ['127.0.0.1', '::1', 'hook.mnemos-system.svc', undefined],
  )
  assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.1'])
})

test('a leaf ends no later than its authority', () => {
  assert.equal(
    issueLeaf(authority, { name: 'mnemos test', hosts: ['localhost'] }, { now, lifeMs: 9999 * day }).notAfter,
    authority.notAfter,
  )
})

test('years after 2049 are written with four digits', () => {
  const late = issueAuthority('mnemos test', { now: Date.parse('2055-01-01T00:00:00Z'), lifeMs: day })
  assert.equal(Date.parse(new X509Certificate(late.certificate).validTo), late.notAfter)
})

test('no two authorities share a name or serial', () => {
  const other = issueAuthority('mnemos test', { now, lifeMs: day })
  assert.notEqual(other.commonName, authority.commonName)
  assert.notEqual(new X509Certificate(other.certificate).serialNumber, new X509Certificate(authority.certificate).serialNumber)
})
