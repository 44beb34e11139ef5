import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadKubeconfig } from './kubeconfig.ts'

const folder = await mkdtemp(join(tmpdir(), 'mnemos-kubeconfig-'))
after(() => rm(folder, { recursive: true }))

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
const plugin = {
  apiVersion: 'client.authentication.k8s.io/v1',
  command: process.execPath,
  args: [
    '-e',
    'console.log(JSON.stringify({apiVersion:"client.authentication.k8s.io/v1",kind:"ExecCredential",status:{token:"from-plugin"}}))',
  ],
  interactiveMode: 'Never',
}

async function kubeconfig(user: object): Promise<string> {
  const path = join(folder, 'config')
  const cluster = { server: 'https://127.0.0.1:6443', 'certificate-authority-data': Buffer.from(pem).toString('base64') }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'team-a' } }],
    'current-context': 'x',
  }
  await writeFile(path, JSON.stringify(config))
  return path
}

const users: Record<string, { user: object; wantToken: string | undefined; wantCert?: string }> = {
  'a token in the file': { user: { token: 'secret' }, wantToken: 'secret' },
  'a token from an exec plugin': { user: { exec: plugin }, wantToken: 'from-plugin' },
  'a client certificate': {
    user: { 'client-certificate-data': Buffer.from(pem).toString('base64'), 'client-key-data': Buffer.from('key').toString('base64') },
    wantToken: undefined,
    wantCert: pem,
  },
}

for (const [sentence, { user, wantToken, wantCert }] of Object.entries(users)) {
  test(sentence, async () => {
    const access = await loadKubeconfig({ kubeconfig: await kubeconfig(user) })
    assert.equal(access.namespace, 'team-a')
    assert.equal(access.credentials.server, 'https://127.0.0.1:6443')
    assert.equal(access.credentials.tls.ca, pem)
    assert.equal(access.credentials.tls.cert, wantCert)
    assert.equal(await access.credentials.token?.(), wantToken)
  })
}

test('a context that does not exist is named together with those that do', async () => {
  const path = await kubeconfig({ token: 'secret' })
  await assert.rejects(loadKubeconfig({ kubeconfig: path, context: 'y' }), /no context y; known are x/)
})
