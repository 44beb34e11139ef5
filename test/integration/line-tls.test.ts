/**
 * The line between operator, server and workers over real TLS: certificates that live for seconds are replaced, authorities
 * too, while Jobs run. The test stands in for the kubelet: it copies Secret and ConfigMap to the files that pods would mount.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { freePort } from '@mnemos/cluster'
import { issueAuthority } from '@mnemos/identity'
import { type KubeObject, resource } from '@mnemos/kube'
import { parseServerConfig, runServer } from '@mnemos/server'
import { eventually } from '@mnemos/testkit'
import { parseWorkerConfig, runWorker, type WorkerConfigInput } from '@mnemos/worker'
import { pino } from 'pino'
import { createModel, joinToken, models, type OperatorProcess, startBench } from './operator.fixture.ts'

type WithData = KubeObject & { readonly data?: Readonly<Record<string, string>> }
const secrets = resource<WithData>({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true })
const configMaps = resource<WithData>({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true })
const system = (name: string) => ({ namespace: 'mnemos-system', name })

const stop = new AbortController()
const running: Promise<void>[] = []
// Before the hooks of the bench: whoever talks to the API server ends before it does.
after(async () => {
  stop.abort()
  await Promise.all(running)
})
const bench = await startBench()
const { client, cluster } = bench
const folder = await mkdtemp(join(tmpdir(), 'mnemos-line-'))
const caFile = join(folder, 'ca.crt')
const tlsFolder = join(folder, 'tls')
const tokenFile = join(folder, 'join-token')
await writeFile(tokenFile, joinToken)
await mkdir(join(folder, 'files'))
await mkdir(tlsFolder)
// The smallest file that is a GGUF: magic, version 3, no tensors, no metadata.
await writeFile(join(folder, 'files', 'm.gguf'), Buffer.from('474755460300000000000000000000000000000000000000', 'hex'))
const address = { apiVersion: 'v1', kind: 'ConfigMap', metadata: system('mnemos-server') }
await client.create(configMaps, { ...address, ...{ data: { url: 'https://somewhere' } } })
const copy = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'mnemos-ca' } }
await client.create(configMaps, { ...copy, ...{ metadata: { ...copy.metadata, labels: { 'app.kubernetes.io/managed-by': 'mnemos' } } } })

const serverPort = await freePort()
const serverUrl = `https://127.0.0.1:${serverPort}`
/** Seconds instead of days and months; each spare time is several times what the copying takes. */
const tls = {
  ...{ authorityLifeMs: 18_000, leafLifeMs: 9000, overlapMs: 3000, refreshMs: 300 },
  ...{ dispatchHosts: ['127.0.0.1'], serverHosts: ['127.0.0.1'] },
}
const leader: OperatorProcess = await bench.startOperator('leader', undefined, { tls, serverUrl })
running.push(mountUntilStopped())
await eventually(async () => (await readFile(join(tlsFolder, 'tls.crt'), 'utf8').catch(() => '')) !== '', { timeoutMs: 15_000 })
const serverConfig = parseServerConfig({}, { port: serverPort, artifactsFolder: join(folder, 'artifacts'), tlsFolder })
const server = runServer(serverConfig, {
  credentials: cluster.credentials(),
  signal: stop.signal,
  logger: pino({ level: process.env['MNEMOS_TEST_LOG'] ?? 'silent' }),
})
running.push(server)
await createModel(client, 'm')
after(() => rm(folder, { recursive: true, force: true }))

/** Files as a volume shows them: each is replaced whole. */
async function mountUntilStopped(): Promise<void> {
  const put = async (path: string, content: string): Promise<void> => {
    if (content === '' || content === (await readFile(path, 'utf8').catch(() => ''))) return
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
  }
  while (!stop.signal.aborted) {
    const secret = await client.get(secrets, system('mnemos-server-tls'))
    for (const name of ['tls.key', 'tls.crt'])
      await put(join(tlsFolder, name), Buffer.from(secret?.data?.[name] ?? '', 'base64').toString())
    await put(caFile, (await client.get(configMaps, system('mnemos-ca')))?.data?.['ca.crt'] ?? '')
    await sleep(200)
  }
}

interface StartedWorker {
  readonly lines: readonly { readonly level: number; readonly msg: string; readonly [field: string]: unknown }[]
  stop(): Promise<void>
}

function startWorker(name: string, dispatch: string, settings: WorkerConfigInput = {}): StartedWorker {
  const lines: StartedWorker['lines'][number][] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as StartedWorker['lines'][number]) })
  const stopped = new AbortController()
  const config = parseWorkerConfig(
    {},
    {
      ...{ operator: dispatch, pool: 'default/pool', name, joinTokenFile: tokenFile, caFile, cacheDir: join(folder, name) },
      ...{ fileRoot: join(folder, 'files'), engine: 'stub', slots: 4, graceMs: 500, storageRetryMs: 5000, ...settings },
    },
  )
  const running = runWorker(config, { signal: stopped.signal, logger })
  const ended = async (): Promise<void> => {
    stopped.abort()
    await running
  }
  stop.signal.addEventListener('abort', () => stopped.abort(), { once: true })
  return { lines, stop: ended }
}

/** Trusts the bundle as it is now and nothing else; returns the fingerprint of what was served. */
async function handshake(port: number): Promise<string> {
  const ca = await readFile(caFile, 'utf8')
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2', 'http/1.1'] }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const portOf = (dispatch: string): number => Number(dispatch.split(':')[1])

test('every name of the Services is in the certificates, and the bundle is where clients look', async () => {
  await eventually(async () => {
    const bundle = await readFile(caFile, 'utf8')
    assert.match(bundle, /BEGIN CERTIFICATE/)
    for (const [secret, service] of [
      ['mnemos-dispatch-tls', 'mnemos-dispatch'],
      ['mnemos-server-tls', 'mnemos-server'],
    ] as const) {
      const found = await client.get(secrets, system(secret))
      const { X509Certificate } = await import('node:crypto')
      const read = new X509Certificate(Buffer.from(found?.data?.['tls.crt'] ?? '', 'base64'))
      for (const suffix of ['', '.mnemos-system', '.mnemos-system.svc', '.mnemos-system.svc.cluster.local'])
        assert.equal(read.checkHost(`${service}${suffix}`), `${service}${suffix}`)
    }
    const published = await client.get(configMaps, system('mnemos-server'))
    assert.equal(published?.data?.['url'], 'https://somewhere')
    assert.match(published.data['ca.crt'] ?? '', /BEGIN CERTIFICATE/)
    assert.match((await client.get(configMaps, { namespace: 'default', name: 'mnemos-ca' }))?.data?.['ca.crt'] ?? '', /BEGIN CERTIFICATE/)
    return true
  })
})

test('authorities and certificates are replaced under running Jobs, and nothing is lost', { timeout: 120_000 }, async (t) => {
  const worker = startWorker('steady', leader.dispatch)
  await eventually(async () => (await client.get(models, { namespace: 'default', name: 'm' }))?.status?.phase === 'Ready', {
    timeoutMs: 30_000,
    message: 'the Model is imported',
  })
  const until = performance.now() + 26_000
  const served = { dispatch: new Set<string>(), server: new Set<string>() }
  const bundles = new Set<string>()
  const failures: unknown[] = []
  const look = async (): Promise<void> => {
    while (performance.now() < until) {
      bundles.add(await readFile(caFile, 'utf8'))
      await handshake(portOf(leader.dispatch)).then(
        (print) => served.dispatch.add(print),
        (error: unknown) => failures.push(error),
      )
      await handshake(serverPort).then(
        (print) => served.server.add(print),
        (error: unknown) => failures.push(error),
      )
      await sleep(100)
    }
  }
  const names: string[] = []
  const submit = async (): Promise<void> => {
    while (performance.now() < until) {
      const name = `steady-${names.length}`
      names.push(name)
      await bench.create(name, { inference: { modelRef: { name: 'm' }, prompt: '[[delay 100]] [[tokens 12]]', parameters: {} } })
      await sleep(400)
    }
  }
  await Promise.all([look(), submit()])
  for (const name of names) {
    const job = await bench.until(name, 'Succeeded')
    assert.equal(job.status?.attempt, 1, `${name} needed more than one attempt`)
  }
  assert.deepEqual(failures, [])
  const lost = worker.lines.filter(({ msg }) => msg === 'lost the operator')
  t.diagnostic(
    `${names.length} Jobs, ${bundles.size} bundles, certificates: ${served.dispatch.size} of dispatch, ${served.server.size} of the server`,
  )
  assert.equal(lost.length, 0, 'the stream outlives every renewal')
  assert.ok(bundles.size >= 3 && served.dispatch.size >= 3 && served.server.size >= 3)
  await worker.stop()
})

test('a worker that trusts another authority is not connected, and says why', async () => {
  const wrong = join(folder, 'wrong.crt')
  await writeFile(wrong, issueAuthority('another', { now: Date.now(), lifeMs: 60_000 }).certificate)
  const worker = startWorker('distrusts', leader.dispatch, { caFile: wrong })
  await eventually(() =>
    worker.lines.find(({ msg }) => msg.includes('not vouched for by an authority of this worker (MNEMOS_WORKER_CA_FILE)')),
  )
  assert.ok(!worker.lines.some(({ msg }) => msg === 'connected to the operator'))
  // The file is read anew: mending it is enough.
  await writeFile(wrong, await readFile(caFile))
  await eventually(() => worker.lines.some(({ msg }) => msg === 'connected to the operator'), { timeoutMs: 10_000 })
  await worker.stop()
})

test('a bundle that is absent, empty or no certificate trusts nobody', async () => {
  for (const [name, content] of [['absent'], ['empty', ''], ['nonsense', 'BEGIN']] as const) {
    const file = join(folder, `${name}.crt`)
    if (content !== undefined) await writeFile(file, content)
    const worker = startWorker(`with-${name}`, leader.dispatch, { caFile: file })
    const line = await eventually(() => worker.lines.find(({ reason }) => String(reason).includes('MNEMOS_WORKER_CA_FILE')))
    assert.ok(String(line['reason']).includes(file))
    await worker.stop()
  }
})

test('a worker without TLS gets nothing but a closed door', async () => {
  const worker = startWorker('in-the-clear', leader.dispatch, { caFile: undefined })
  await sleep(1500)
  assert.ok(!worker.lines.some(({ msg }) => msg === 'connected to the operator'))
  await worker.stop()
})

test('a standby serves the certificate, too: workers hear that it does not lead', async () => {
  const standby = await bench.startOperator('standby', undefined, { tls, serverUrl })
  await eventually(async () => (await handshake(portOf(standby.dispatch))) !== '', { message: 'the standby serves TLS' })
  assert.equal((await fetch(`${standby.health}/readyz`)).status, 200)
  await standby.stop()
})

test('the command line trusts what the cluster publishes about the server', async () => {
  await client.patch(configMaps, system('mnemos-server'), { data: { url: serverUrl } })
  const args = ['cli/src/main.ts', 'jobs', 'list', '--kubeconfig', cluster.kubeconfig]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(import.meta.dirname, '../..'), timeout: 30_000 })
  assert.match(stdout, /steady-0/)
  await assert.rejects(fetch(`${serverUrl}/healthz`), 'nobody else trusts it')
})

test('deleted Secrets come back, under the same authority', async () => {
  const before = await client.get(configMaps, system('mnemos-ca'))
  for (const name of ['mnemos-internal-ca', 'mnemos-dispatch-tls', 'mnemos-server-tls']) await client.delete(secrets, system(name))
  await client.delete(configMaps, system('mnemos-ca'))
  for (const name of ['mnemos-internal-ca', 'mnemos-dispatch-tls', 'mnemos-server-tls'])
    await eventually(async () => (await client.get(secrets, system(name))) !== undefined, { message: `${name} is back` })
  const newest = (before?.data?.['ca.crt'] ?? '').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)?.at(-1) ?? 'none'
  await eventually(async () => ((await client.get(configMaps, system('mnemos-ca')))?.data?.['ca.crt'] ?? '').includes(newest))
})
