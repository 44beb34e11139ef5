/**
 * Logs of container Jobs beyond their pods: real API server, operator, server and recorder. The test is the kubelet: it says how pods
 * fare, and answers when the API server asks the node for the log of a container.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiError, createMnemosClient } from '@mnemos/contract'
import type { Pod } from '@mnemos/domain'
import { issueAuthority, issueLeaf } from '@mnemos/identity'
import { type KubeObject, resource } from '@mnemos/kube'
import { parseRecorderConfig, recorderAccess, runRecorder } from '@mnemos/recorder'
import { parseServerConfig, runServer } from '@mnemos/server'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { startBench } from './operator.fixture.ts'

const core = { group: '', version: 'v1' }
const pods = resource<Pod>({ ...core, plural: 'pods', kind: 'Pod', namespaced: true })
const nodes = resource({ ...core, plural: 'nodes', kind: 'Node', namespaced: false })
const folder = await mkdtemp(join(tmpdir(), 'mnemos-recorder-'))
const stop = new AbortController()
const running: Promise<void>[] = []
const logger = pino({ level: process.env['MNEMOS_TEST_LOG'] ?? 'silent' })
const bench = await startBench({ controllers: true, settings: { MNEMOS_POD_LOGS: 'recorded' } })
const { client, cluster } = bench
const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })

/** The logs that the node has, by pod; an open one grows while it is read. */
const logs = new Map<string, { text: string; isOpen: boolean }>()
const kubelet = await startKubelet()
await bench.startOperator('first')
const serverUrl = await startServer()
const token = await recorderToken()
await startRecorder()
after(async () => {
  stop.abort()
  await Promise.all(running)
  kubelet.closeAllConnections()
  kubelet.close()
  await rm(folder, { recursive: true, force: true })
})

/** What the API server asks for a log, over HTTPS: it does not check the certificate without a bundle of its own. */
async function startKubelet(): Promise<Server> {
  const life = { now: Date.now(), lifeMs: 3_600_000 }
  const leaf = issueLeaf(issueAuthority('test', life), { name: 'kubelet', hosts: ['127.0.0.1'] }, life)
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (request, response) => {
    const name = /^\/containerLogs\/default\/([^/]+)\/main\?/.exec(request.url ?? '')?.[1] ?? ''
    const found = logs.get(name)
    if (found === undefined) {
      response.writeHead(404).end('no such log')
      return
    }
    let sent = 0
    const send = (): void => {
      response.write(found.text.slice(sent))
      sent = found.text.length
      if (found.isOpen) return
      clearInterval(timer)
      response.end()
    }
    const timer = setInterval(send, 20)
    response.on('close', () => clearInterval(timer))
    response.writeHead(200, { 'content-type': 'text/plain' })
    send()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'here' } })
  const capacity = { cpu: '8', memory: '8Gi', pods: '100' }
  // A node that says nothing for a while gets no pods.
  const beat = async (): Promise<void> => {
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Test', message: '', lastHeartbeatTime: time() }]
    const status = {
      ...{ conditions, capacity, allocatable: capacity },
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    }
    await client.patch(nodes, { name: 'here' }, { status }, { subresource: 'status' })
  }
  await beat()
  const beating = setInterval(() => void beat().catch(() => undefined), 5000)
  server.on('close', () => clearInterval(beating))
  return server
}

function time(): string {
  return new Date().toISOString().replace(/\.\d+Z/, 'Z')
}

async function startServer(): Promise<string> {
  const config = parseServerConfig({}, { port: 0, artifactsFolder: join(folder, 'store') })
  return new Promise((resolve, reject) => {
    const server = runServer(config, { credentials: cluster.credentials(), signal: stop.signal, logger, onListening: resolve })
    server.catch(reject)
    running.push(server)
  })
}

/** A ServiceAccount with what the recorder declares, and nothing else. */
async function recorderToken(): Promise<string> {
  await cluster.kubectlRun(['-n', 'mnemos-system', 'create', 'serviceaccount', 'recorder'])
  const rules = recorderAccess.map(({ resource: { group, plural }, subresource, verbs }) => ({
    apiGroups: [group],
    resources: [subresource === undefined ? plural : `${plural}/${subresource}`],
    verbs,
  }))
  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1', namespaced: false }
  const metadata = { name: 'recorder' }
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata, ...{ rules } }
  await client.create(resource({ ...rbac, plural: 'clusterroles', kind: 'ClusterRole' }), role)
  await cluster.kubectlRun([
    'create',
    'clusterrolebinding',
    'recorder',
    '--clusterrole=recorder',
    '--serviceaccount=mnemos-system:recorder',
  ])
  return (await cluster.kubectlRun(['-n', 'mnemos-system', 'create', 'token', 'recorder'])).stdout.trim()
}

async function startRecorder(signal: AbortSignal = stop.signal): Promise<{ done: Promise<void> }> {
  const { server, tls } = cluster.credentials()
  const config = parseRecorderConfig({}, { serverUrl, healthPort: 0, flushMs: 100, headBytes: 4096, tailBytes: 4096 })
  const credentials = { server, tls: { ca: tls.ca }, token: () => Promise.resolve(token) }
  const recorder = Promise.withResolvers<number>()
  const done = runRecorder(config, { credentials, signal: AbortSignal.any([signal, stop.signal]), logger, onReady: recorder.resolve })
  done.catch(recorder.reject)
  running.push(done)
  await recorder.promise
  return { done }
}

const admin = createMnemosClient({ url: serverUrl, token: () => Promise.resolve(cluster.token) })
const container = (state: object) => ({ name: 'main', image: 'busybox', imageID: '', ready: false, restartCount: 0, state })
const setStatus = (name: string, phase: string, state: object) =>
  client.patch(pods, inDefault(name), { status: { phase, containerStatuses: [container(state)] } }, { subresource: 'status' })
const end = (name: string, exitCode = 0) => {
  const terminated = { exitCode, reason: 'Completed', startedAt: time(), finishedAt: time() }
  return setStatus(name, exitCode === 0 ? 'Succeeded' : 'Failed', { terminated })
}
const isGone = (name: string) => eventually(async () => (await client.get(pods, inDefault(name))) === undefined, { timeoutMs: 20_000 })
const line = (text: string): string => `2026-01-01T00:00:00.000000000Z ${text}\n`

/** A Job whose container runs on the node, with a log that grows. */
async function start(name: string, attempt = 1): Promise<{ text: string; isOpen: boolean }> {
  if (attempt === 1) await bench.create(name, { container: { image: 'busybox' }, retry: { limit: 1 } })
  const pod = `${name}-a${attempt}`
  const log = { text: line(`hello of attempt ${attempt}`), isOpen: true }
  logs.set(pod, log)
  // The scheduler chooses the only node; a pod that waits for it has no log to ask for.
  await eventually(
    async () =>
      ((await client.get(pods, inDefault(pod))) as (KubeObject & { spec?: { nodeName?: string } }) | undefined)?.spec?.nodeName === 'here',
    {
      timeoutMs: 20_000,
    },
  )
  await setStatus(pod, 'Running', { running: { startedAt: time() } })
  return log
}

const logOf = (name: string, attempt?: number) => admin.jobLogs('default', name, attempt === undefined ? {} : { attempt })
const has = (name: string, text: string, attempt?: number) =>
  eventually(async () => (await logOf(name, attempt).catch(() => '')).includes(text), {
    timeoutMs: 15_000,
    message: `the log of ${name} has ${text}`,
  })

test('a log can be read while it grows, and as a whole when its pod is gone', async () => {
  const log = await start('speaks')
  await has('speaks', 'hello of attempt 1')
  log.text += line('in the middle')
  await has('speaks', 'in the middle')
  log.text += line('goodbye')
  log.isOpen = false
  await end('speaks-a1')
  await isGone('speaks-a1')
  logs.delete('speaks-a1')
  assert.equal(await logOf('speaks'), line('hello of attempt 1') + line('in the middle') + line('goodbye'))
})

test('each attempt has a log of its own', async () => {
  const first = await start('twice')
  first.isOpen = false
  await end('twice-a1', 1)
  await isGone('twice-a1')
  const second = await start('twice', 2)
  second.isOpen = false
  await end('twice-a2')
  await isGone('twice-a2')
  assert.equal(await logOf('twice', 1), line('hello of attempt 1'))
  assert.equal(await logOf('twice'), line('hello of attempt 2'))
})

test('a long log keeps its head and its tail', async () => {
  const log = await start('talks')
  for (let index = 0; index < 1000; index += 1) log.text += line(`line ${index}`)
  log.isOpen = false
  await end('talks-a1')
  await isGone('talks-a1')
  const stored = await logOf('talks')
  assert.ok(stored.length < 10_000)
  assert.match(stored, /hello of attempt 1[\s\S]*bytes are left out here[\s\S]*line 999\n$/)
})

test('two recorders, and one that is started again in the middle, store the same', async () => {
  const second = new AbortController()
  const { done } = await startRecorder(second.signal)
  const log = await start('watched')
  await has('watched', 'hello')
  second.abort()
  await done
  log.text += line('goodbye')
  log.isOpen = false
  await end('watched-a1')
  await isGone('watched-a1')
  assert.equal(await logOf('watched'), line('hello of attempt 1') + line('goodbye'))
})

test('who may not read the Job may not read its log, and only who was given the right may store one', async () => {
  const log = await start('guarded')
  log.isOpen = false
  await end('guarded-a1')
  await isGone('guarded-a1')
  const { metadata } = await bench.job('guarded')
  const path = `${serverUrl}/v1/logs/default/${metadata.uid ?? ''}`
  const put = (to: string, bearer: string) =>
    fetch(to, { method: 'PUT', body: 'forged', headers: { authorization: `Bearer ${bearer}`, 'content-type': 'text/plain' } })
  await cluster.kubectlRun(['-n', 'default', 'create', 'serviceaccount', 'stranger'])
  await cluster.kubectlRun(['-n', 'default', 'create', 'role', 'jobs', '--verb=*', '--resource=mnemosjobs.mnemos.dev'])
  const stranger = (await cluster.kubectlRun(['-n', 'default', 'create', 'token', 'stranger'])).stdout.trim()
  const reading = createMnemosClient({ url: serverUrl, token: () => Promise.resolve(stranger) })
  await assert.rejects(reading.jobLogs('default', 'guarded'), (error: unknown) => error instanceof ApiError && error.status === 403)
  await cluster.kubectlRun(['-n', 'default', 'create', 'rolebinding', 'jobs', '--role=jobs', '--serviceaccount=default:stranger'])
  await eventually(async () => (await reading.jobLogs('default', 'guarded')) === line('hello of attempt 1'))
  assert.equal((await put(`${path}/1`, stranger)).status, 403, 'whoever may do everything with Jobs may not write their logs')
  assert.equal((await put(`${path}/2`, token)).status, 404, 'there is no second attempt')
  assert.equal((await put(`${serverUrl}/v1/logs/default/nobody/1`, token)).status, 404)
  assert.equal((await put(`${path}/1`, 'nonsense')).status, 401)
  assert.equal(await logOf('guarded'), line('hello of attempt 1'))
  assert.equal((await bench.job('guarded')).status?.logs, `artifact://logs/default/${metadata.uid ?? ''}/a1`)
})
