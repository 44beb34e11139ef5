/**
 * What is wrong outside of us is named, with what to do: ports that are taken, a cluster that is too old, credentials that are not
 * there. Real processes of the program, a real API server, real Helm.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpsServer, request } from 'node:https'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { helmPrograms } from '@mnemos/cluster'
import { issueAuthority, issueLeaf } from '@mnemos/identity'
import { startTestCluster } from '@mnemos/testkit'

const { v4 } = await helmPrograms()
const folder = await mkdtemp(join(tmpdir(), 'mnemos-bad-input-'))
const cluster = await startTestCluster({ crds: true })
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
await cluster.kubectlRun(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'here' } }))
const taken = createServer()
const port = await listens(taken)
after(async () => {
  taken.close()
  await rm(folder, { recursive: true, force: true })
})

async function listens(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** Runs the program to its end. */
async function mnemos(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['cli/src/main.ts', ...args], {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said }
}

/** The process that is to listen, what for, and the variable that sets the port; the others of the process are free. */
const listeners: readonly (readonly [process: string, what: string, setting: string, free: readonly string[]])[] = [
  ['webhook', 'reviews', 'MNEMOS_WEBHOOK_PORT', ['MNEMOS_WEBHOOK_HEALTH_PORT']],
  ['webhook', 'probes and metrics', 'MNEMOS_WEBHOOK_HEALTH_PORT', ['MNEMOS_WEBHOOK_PORT']],
  ['operator', 'workers', 'MNEMOS_DISPATCH_PORT', ['MNEMOS_HEALTH_PORT']],
  ['operator', 'probes and metrics', 'MNEMOS_HEALTH_PORT', ['MNEMOS_DISPATCH_PORT']],
  ['server', 'HTTP', 'MNEMOS_SERVER_PORT', []],
  ['recorder', 'probes and metrics', 'MNEMOS_RECORDER_HEALTH_PORT', []],
]

for (const [name, what, setting, free] of listeners) {
  test(`mnemos ${name} names ${setting} when its port is taken`, async () => {
    const ports = Object.fromEntries(free.map((each) => [each, '0']))
    const env = { ...ports, [setting]: String(port), MNEMOS_ARTIFACTS_FOLDER: join(folder, 'artifacts') }
    const { code, said } = await mnemos([name], env)
    assert.equal(code, 1, said)
    assert.match(
      said,
      new RegExp(`error: cannot listen on 127\\.0\\.0\\.1:${port} for ${what}: another process has the port \\(MNEMOS_PORT\\)`),
    )
    assert.match(said, new RegExp(`next: set ${setting} to a free port, or end the process that has it`))
  })
}

test('mnemos worker names MNEMOS_WORKER_HEALTH_PORT when its port is taken', async () => {
  const token = join(folder, 'token')
  await writeFile(token, 'secret-of-the-pool')
  const flags = ['--operator', '127.0.0.1:1', '--pool', 'default/pool', '--join-token-file', token, '--cache-dir', join(folder, 'cache')]
  const { code, said } = await mnemos(['worker', ...flags], { MNEMOS_WORKER_HEALTH_PORT: String(port) })
  assert.equal(code, 1, said)
  assert.match(said, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port} for probes and metrics`))
  assert.match(said, /next: set MNEMOS_WORKER_HEALTH_PORT to a free port, or to 0 for none/)
  assert.doesNotMatch(said, /secret-of-the-pool/)
})

/** The cluster as if it were of another version. */
async function kubeconfigOfVersion(gitVersion: string): Promise<string> {
  const { hostname, port: to } = new URL(cluster.server)
  const [major, minor] = gitVersion.slice(1).split('.')
  const life = { now: Date.now(), lifeMs: 3_600_000 }
  const authority = issueAuthority('test', life)
  const leaf = issueLeaf(authority, { name: 'proxy', hosts: ['127.0.0.1'] }, life)
  const proxy = createHttpsServer({ cert: leaf.certificate, key: leaf.privateKey }, (asked, response) => {
    if (asked.url?.startsWith('/version') === true) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ gitVersion, major, minor }))
      return
    }
    const headers = { ...asked.headers, authorization: `Bearer ${cluster.token}`, host: `${hostname}:${to}` }
    const passed = request({ hostname, port: to, ca: cluster.ca, method: asked.method, path: asked.url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    asked.pipe(passed)
  })
  after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const path = join(folder, `kubeconfig-${gitVersion}`)
  const name = 'other'
  const ca = Buffer.from(authority.certificate).toString('base64')
  const config = {
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${await listens(proxy)}`, 'certificate-authority-data': ca } }],
    users: [{ name, user: { token: cluster.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }))
  return path
}

const up = (args: readonly string[], kubeconfig = cluster.kubeconfig) => mnemos(['up', '--helm', v4, ...args], { KUBECONFIG: kubeconfig })
const nothingWasChanged = async (): Promise<void> => {
  const { stdout } = await cluster.kubectlRun(['get', 'deployments,services,configmaps', '-n', 'mnemos-system', '-o', 'name'])
  assert.equal(stdout, '')
}

test('mnemos up tells an old cluster by its version, before anything is changed', async () => {
  const { code, said } = await up([], await kubeconfigOfVersion('v1.31.9'))
  assert.equal(code, 1, said)
  assert.match(said, /the cluster is Kubernetes v1\.31\.9; MNEMOS needs 1\.32 or newer\s+next: upgrade the cluster/)
  await nothingWasChanged()
  const newer = await up(['--dry-run', '--set', 'crds.enabled=false'], await kubeconfigOfVersion('v1.32.4-gke.1'))
  assert.equal(newer.code, 0, newer.said)
})

test('mnemos up names each Secret that a value names and that is not there, and the key that one lacks', async () => {
  const s3 = ['stores.s3.bucket=b', 'stores.s3.existingSecret=keys']
  const redis = [
    'stores.redis.url=redis://redis.example.com:6379',
    'stores.redis.existingSecret=redis-login',
    'stores.redis.passwordKey=pw',
  ]
  const values = [...s3, ...redis].flatMap((value) => ['--set', value])
  const none = await up(values)
  assert.equal(none.code, 1, none.said)
  for (const name of ['keys', 'redis-login']) {
    assert.match(none.said, new RegExp(`Secret ${name} does not exist in namespace mnemos-system`))
    assert.match(none.said, new RegExp(`kubectl --namespace mnemos-system create secret generic ${name}`))
  }
  const secret = ['create', 'secret', 'generic', '-n', 'mnemos-system']
  await cluster.kubectlRun([...secret, 'keys', '--from-literal=accessKeyId=someone', '--from-literal=secretAccessKey=s3cr3t'])
  await cluster.kubectlRun([...secret, 'redis-login', '--from-literal=password=s3cr3t'])
  const lacking = await up(values)
  assert.equal(lacking.code, 1, lacking.said)
  assert.match(
    lacking.said,
    /Secret redis-login of namespace mnemos-system lacks pw\s+next: add the key, or name another one in the values/,
  )
  assert.doesNotMatch(lacking.said, /Secret keys|s3cr3t/)
  await cluster.kubectlRun(['delete', 'secret', '-n', 'mnemos-system', 'keys', 'redis-login'])
  await nothingWasChanged()
})

test('mnemos up tells whose the kinds are that Helm would refuse to take over, and how to go on', async () => {
  const { code, said } = await up(['--dry-run'])
  assert.equal(code, 1, said)
  assert.match(said, /the kinds of MNEMOS are there already and belong to no release \(kubectl apply\?\)/)
  assert.match(said, /next: leave them to whoever made them: --set crds\.enabled=false/)
  await cluster.kubectlRun(['annotate', 'crds', '--all', 'meta.helm.sh/release-name=crds', 'meta.helm.sh/release-namespace=kinds'])
  assert.match((await up(['--dry-run'])).said, /belong to release crds of namespace kinds/)
  assert.equal((await up(['--dry-run', '--set', 'crds.enabled=false'])).code, 0)
  const marks = ['meta.helm.sh/release-name=mnemos', 'meta.helm.sh/release-namespace=mnemos-system']
  await cluster.kubectlRun(['annotate', '--overwrite', 'crds', '--all', ...marks])
  assert.equal((await up(['--dry-run'])).code, 0)
})

test('mnemos up tells a value that is wrong by its path', async () => {
  const { code, said } = await up(['--set', 'webhook.port=99999'])
  assert.equal(code, 1, said)
  assert.match(said, /webhook\/port.*65,?535|webhook\/port.*maximum/s)
  await nothingWasChanged()
})
