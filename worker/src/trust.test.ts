import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isDistrust, operatorCredentials, readBundle, TrustError } from './trust.ts'

const folder = mkdtempSync(join(tmpdir(), 'mnemos-trust-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const broken: Record<string, string | undefined> = {
  'a file that is not there': undefined,
  'an empty file': '',
  'text that is no certificate': 'nonsense',
  'a frame around nonsense': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
}
for (const [sentence, content] of Object.entries(broken)) {
  test(`${sentence} is no reason to trust anybody else`, () => {
    const file = join(folder, `${sentence.replaceAll(' ', '-')}.crt`)
    if (content !== undefined) writeFileSync(file, content)
    assert.throws(
      () => readBundle(file),
      (error: Error) => error instanceof TrustError && error.message.includes(file),
    )
    assert.throws(() => operatorCredentials(file), TrustError)
  })
}

test('without a bundle the line is in the clear', () => {
  assert.equal(operatorCredentials(undefined)._isSecure(), false)
})

test('what is told of a certificate is distrust, what is told of a line is not', () => {
  const distrust = [
    'self-signed certificate in certificate chain',
    'unable to verify the first certificate',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'wrong version number',
  ]
  const trouble = [
    'ECONNREFUSED',
    'ECONNRESET',
    'this operator does not lead',
    'Client network socket disconnected before secure TLS connection was established',
  ]
  assert.deepEqual(
    distrust.filter((each) => !isDistrust(each)),
    [],
  )
  assert.deepEqual(trouble.filter(isDistrust), [])
})
