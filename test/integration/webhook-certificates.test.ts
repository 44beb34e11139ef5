/** A webhook with certificates that somebody else keeps in a Secret: files as cert-manager writes them, replaced under load. */
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { type AuthorityCertificate, issueAuthority, issueLeaf } from '@mnemos/identity'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { apply, jobYaml, kubectl, startWebhook } from './webhook.fixture.ts'

const cluster = await startTestCluster({ crds: true })
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
const folder = await mkdtemp(join(tmpdir(), 'mnemos-tls-'))
after(() => rm(folder, { recursive: true, force: true }))
const minute = 60_000
const authority = (name: string): AuthorityCertificate => issueAuthority(name, { now: Date.now(), lifeMs: 60 * minute })

/** Writes the three files of the Secret, one after the other, as somebody might read them in between. */
async function put(signer: AuthorityCertificate): Promise<string> {
  const leaf = issueLeaf(signer, { name: 'webhook', hosts: ['127.0.0.1'] }, { now: Date.now(), lifeMs: 30 * minute })
  const files = { 'ca.crt': signer.certificate, 'tls.key': leaf.privateKey, 'tls.crt': leaf.certificate }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, `${name}.new`), text)
    await rename(join(folder, `${name}.new`), join(folder, name))
  }
  return leaf.certificate
}
const first = authority('first')
await put(first)
const webhook = await startWebhook(cluster, { tlsFolder: folder, overlapMs: 1500, refreshMs: 300 })
after(() => webhook.stop())

const bundleNow = async (): Promise<string> => {
  const path = '-o=jsonpath={.webhooks[0].clientConfig.caBundle}'
  const { stdout } = await kubectl(cluster, ['get', 'validatingwebhookconfiguration', 'mnemos', path])
  return Buffer.from(stdout, 'base64').toString()
}

/** The certificate that is served to somebody who trusts what is registered and nothing else. */
function served(ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: webhook.port, ca }, () => {
      resolve(socket.getPeerX509Certificate()?.toString().trim() ?? '')
      socket.end()
    })
    socket.on('error', reject)
  })
}

test('the API server trusts the authority of the folder, and no authority of ours is made', async () => {
  assert.equal((await bundleNow()).trim(), first.certificate.trim())
  assert.notEqual((await kubectl(cluster, ['get', 'secret', 'mnemos-webhook-ca', '-n', 'mnemos-system'])).code, 0)
  assert.match((await apply(cluster, jobYaml('typo', 'priority: hihg'))).stderr, /did you mean/)
})

test('certificate and authority are replaced while callers that trust only the registration go on', async () => {
  const state = { failures: [] as unknown[], calls: 0, isDone: false }
  const handshakes = (async () => {
    while (!state.isDone) {
      await served(await bundleNow()).catch((error: unknown) => state.failures.push(error))
      state.calls += 1
    }
  })()
  const reviews = (async () => {
    while (!state.isDone) {
      const { code, stderr } = await apply(cluster, jobYaml('load'), ['--dry-run=server'])
      if (code !== 0) state.failures.push(stderr)
      state.calls += 1
    }
  })()
  for (const signer of [first, authority('second'), authority('third')]) {
    const certificate = (await put(signer)).trim()
    await eventually(async () => (await served(await bundleNow())) === certificate, { timeoutMs: 20_000, message: 'the new one is served' })
  }
  state.isDone = true
  await Promise.all([handshakes, reviews])
  assert.deepEqual(state.failures, [])
  assert.ok(state.calls > 20, `${state.calls} calls`)
  assert.equal((await bundleNow()).match(/BEGIN/g)?.length, 3)
})

test('files that do not fit are not served, and reviews go on', async () => {
  const before = await served(await bundleNow())
  await writeFile(join(folder, 'tls.key'), 'no key')
  await eventually(async () => (await apply(cluster, jobYaml('typo', 'priority: hihg'))).stderr.includes('did you mean'))
  assert.equal(await served(await bundleNow()), before)
})
