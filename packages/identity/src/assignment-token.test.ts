import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type AssignmentKey, AssignmentTokenError, assignmentSigner, assignmentVerifier } from './assignment-token.ts'

const assignment = {
  uid: 'u1',
  attempt: 2,
  namespace: 'team-a',
  job: 'hello',
  reads: ['models/sha256/ab'],
  writes: ['outputs/team-a/u1/a2/'],
}

async function aKey(): Promise<{ key: AssignmentKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  return { key: { kid, privateKey, publicJwk }, jwk: { ...publicJwk, kid, alg: 'EdDSA' } }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('what is signed is what is read', async () => {
  const { key, jwk } = await aKey()
  const token = await assignmentSigner(key).sign(assignment, 60)
  assert.deepEqual(await assignmentVerifier(() => Promise.resolve([jwk])).verify(token), assignment)
})

test('a key made later is found by asking again', async () => {
  const [old, young] = [await aKey(), await aKey()]
  let served = [old.jwk]
  const verifier = assignmentVerifier(() => Promise.resolve(served))
  await verifier.verify(await assignmentSigner(old.key).sign(assignment, 60))
  served = [old.jwk, young.jwk]
  assert.equal((await verifier.verify(await assignmentSigner(young.key).sign(assignment, 60))).uid, 'u1')
})

const forgeries: Record<string, (key: AssignmentKey) => Promise<string>> = {
  'a token that has expired is refused': (key) => assignmentSigner(key, () => Date.now() - 3_600_000).sign(assignment, 60),
  'a token for another audience is refused': (key) =>
    new SignJWT({ ...assignment })
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'assignment+jwt' })
      .setIssuer('mnemos')
      .setAudience('mnemos')
      .setSubject('u1')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key.privateKey),
  'a token of another type is refused': (key) =>
    new SignJWT({ attempt: 2 })
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'JWT' })
      .setIssuer('mnemos')
      .setAudience('mnemos-assignment')
      .setSubject('u1')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key.privateKey),
  'a token without a signature is refused': async (key) => {
    const [, body = ''] = (await assignmentSigner(key).sign(assignment, 60)).split('.')
    return `${encode({ alg: 'none', typ: 'assignment+jwt' })}.${body}.`
  },
  'a token signed with the public key as a secret is refused': async (key) => {
    const [, body = ''] = (await assignmentSigner(key).sign(assignment, 60)).split('.')
    const signed = `${encode({ alg: 'HS256', kid: key.kid, typ: 'assignment+jwt' })}.${body}`
    return `${signed}.${createHmac('sha256', JSON.stringify(key.publicJwk)).update(signed).digest('base64url')}`
  },
  'a token of somebody else’s key is refused': async () => assignmentSigner((await aKey()).key).sign(assignment, 60),
  'what is no token is refused': () => Promise.resolve('hello'),
}

for (const [sentence, forge] of Object.entries(forgeries)) {
  test(sentence, async () => {
    const { key, jwk } = await aKey()
    const token = await forge(key)
    await assert.rejects(assignmentVerifier(() => Promise.resolve([jwk])).verify(token), (error: unknown) => {
      assert.ok(error instanceof AssignmentTokenError)
      assert.ok(!error.message.includes(token))
      return true
    })
  })
}
