import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, mock } from 'node:test'
import { inClusterCredentials } from './credentials.ts'

const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' }

function mounted(): string {
  const folder = mkdtempSync(join(tmpdir(), 'service-account-'))
  writeFileSync(join(folder, 'ca.crt'), 'the authority')
  writeFileSync(join(folder, 'token'), 'first\n')
  return folder
}

describe('the credentials of a pod', () => {
  it('are the address, the authority and the token that the kubelet mounted', async () => {
    const { server, tls, token } = inClusterCredentials(env, mounted())
    assert.equal(server, 'https://10.0.0.1:6443')
    assert.equal(tls.ca, 'the authority')
    assert.equal(await token?.(), 'first')
    assert.equal(inClusterCredentials({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, mounted()).server, 'https://[fd00::1]:6443')
  })

  it('follow a rotated token within a minute', async () => {
    const folder = mounted()
    const now = mock.method(performance, 'now', () => 0)
    const { token } = inClusterCredentials(env, folder)
    writeFileSync(join(folder, 'token'), 'second')
    assert.equal(await token?.(), 'first')
    now.mock.mockImplementation(() => 60_001)
    assert.equal(await token?.(), 'second')
    now.mock.restore()
  })

  it('are refused outside a pod, with what to do instead', () => {
    assert.throws(() => inClusterCredentials({}, mounted()), /not in a pod: .* give a kubeconfig instead/)
  })
})
