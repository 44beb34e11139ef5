import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { Authority } from './authority.ts'
import { issueAuthority, issueLeaf } from './certificates.ts'
import { readLeaf, renewedLeaf } from './leaf.ts'

const now = Date.parse('2026-11-23T12:00:00Z')
const day = 86_400_000
const subject = { name: 'mnemos dispatch', hosts: ['mnemos-dispatch', 'mnemos-dispatch.mnemos-system.svc', '10.0.0.7', '::1'] }
const anAuthority = (signsFrom = now): Authority => ({ ...issueAuthority('mnemos test', { now, lifeMs: 365 * day }), signsFrom })
const authority = anAuthority()
const wish = { now, lifeMs: 9 * day, subject }
const served = renewedLeaf(undefined, [authority], wish)

test('a kept leaf is read back as it was issued', () => {
  assert.deepEqual(readLeaf(served.leaf, [authority], subject), served)
})

test('a leaf is kept until two thirds of its life are over', () => {
  assert.equal(renewedLeaf(served, [authority], { ...wish, now: now + 6 * day - 1 }), served)
  assert.notEqual(renewedLeaf(served, [authority], { ...wish, now: now + 6 * day }), served)
})

test('when the next authority signs, the leaf is its own', () => {
  const next = anAuthority(now + day)
  assert.equal(renewedLeaf(served, [authority, next], { ...wish, now: now + day - 1 }), served)
  assert.equal(renewedLeaf(served, [authority, next], { ...wish, now: now + day }).signedBy, next.commonName)
})

test('without an authority nothing is signed', () => {
  assert.throws(() => renewedLeaf(undefined, [], wish), /no authority/)
})

const other = anAuthority()
const stranger = issueLeaf(other, subject, wish)
const cases: Record<string, { pem: { certificate: string; privateKey: string }; hosts?: readonly string[] }> = {
  'one of an authority that is not ours': { pem: stranger },
  'one with the key of another': { pem: { ...served.leaf, privateKey: stranger.privateKey } },
  'one for fewer hosts': { pem: served.leaf, hosts: [...subject.hosts, 'one.more'] },
  'one for more hosts': { pem: served.leaf, hosts: subject.hosts.slice(1) },
  'one for other hosts': { pem: served.leaf, hosts: ['a', 'b', 'c', 'd'] },
  'no certificate at all': { pem: { certificate: 'nonsense', privateKey: '' } },
  'an authority that has only the name of ours': {
    pem: issueLeaf({ ...other, commonName: authority.commonName }, subject, wish),
  },
}
for (const [sentence, { pem, hosts = subject.hosts }] of Object.entries(cases)) {
  test(`not taken for ours: ${sentence}`, () => assert.equal(readLeaf(pem, [authority], { ...subject, hosts }), undefined))
}

test('the subject names the server', () => {
  assert.equal(new X509Certificate(served.leaf.certificate).subject, 'CN=mnemos dispatch')
})
