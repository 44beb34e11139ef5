/**
 * The real node: kubelet, containerd, kube-proxy and CoreDNS carry pods of an image built here, Services are reached by
 * name, devices are counted, nothing gets out, and at the end nothing is left.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cleanNode, clusterPrograms, freePort, type NodeCluster, nodePrograms, startNode } from '@mnemos/cluster'
import { eventually } from '@mnemos/testkit'
import {
  apply,
  buildBusyboxImage,
  busyboxImage,
  kubectl,
  machineState,
  namespacesOf,
  nodeIsImpossible,
  restrictedPod,
  tracesOf,
} from './node.fixture.ts'

const namespace = 'walled'
const serve = 'echo ready to serve; echo "served by $HOSTNAME" > /tmp/index.html; exec httpd -f -p 8080 -h /tmp'
let node: NodeCluster
let machineBefore: readonly string[]
let upMs: number

describe('a real node', { skip: nodeIsImpossible }, () => {
  before(async () => {
    await clusterPrograms()
    await nodePrograms()
    await buildBusyboxImage()
    machineBefore = await machineState()
    const began = performance.now()
    node = await startNode({ gpus: 2, audit: true })
    upMs = performance.now() - began
    await node.importImage(busyboxImage)
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await apply(node, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } })
    const service = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }
    await apply(
      node,
      restrictedPod({ name: 'web', namespace, command: serve, labels: { app: 'web' } }),
      restrictedPod({ name: 'user', namespace, command: 'sleep 600', labels: { app: 'user' } }),
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace }, spec: service },
    )
    await kubectl(node, '--namespace', namespace, 'wait', '--for=condition=Ready', '--timeout=30s', 'pod/web', 'pod/user')
  })

  after(async () => {
    await node.stop()
  })

  const inPod = (command: string): Promise<string> => kubectl(node, '--namespace', namespace, 'exec', 'user', '--', 'sh', '-c', command)

  test('is up within a minute once its programs are built', (t) => {
    t.diagnostic(`up in ${(upMs / 1000).toFixed(1)} s`)
    assert.ok(upMs < 60_000, `it took ${upMs} ms`)
  })

  test('resolves names of Services, and no others', async () => {
    assert.match(await inPod('nslookup kubernetes.default.svc.cluster.local'), /Address: 10\.96\.0\.1\n/)
    assert.match(await inPod('wget -q -O - http://web'), /served by web/)
    assert.match(await inPod('wget -q -O - http://web.walled.svc'), /served by web/)
    assert.match(await inPod('nslookup example.com || true'), /NXDOMAIN/)
  })

  test('lets the API server reach a Service by its address, as it calls webhooks', async () => {
    const address = await kubectl(node, '--namespace', namespace, 'get', 'service', 'web', '--output=jsonpath={.spec.clusterIP}')
    const script = `process.stdout.write(await (await fetch('http://${address}')).text())`
    assert.deepEqual(await node.run(process.execPath, ['--input-type=module', '--eval', script]), ['served by web'])
  })

  test('serves logs, and forwards ports to this machine', async () => {
    assert.match(await kubectl(node, '--namespace', namespace, 'logs', 'web'), /ready to serve/)
    const port = await freePort()
    const args = ['--kubeconfig', node.kubeconfig, '--namespace', namespace, 'port-forward', 'service/web', `${port}:80`]
    const forward = spawn(node.kubectl, args, { stdio: 'ignore' })
    try {
      await eventually(async () => (await textFrom(`http://127.0.0.1:${port}/`)).includes('served by web'), {
        message: 'the forwarded port answers',
      })
    } finally {
      forward.kill()
    }
  })

  test('lets nothing out: neither to this machine nor beyond', async () => {
    await assert.rejects(inPod('wget -q -O - http://10.199.0.1:80'), /refused/)
    await assert.rejects(inPod('wget -q -O - http://192.0.2.77'), /unreachable/)
    const routes = await node.run('ip', ['route'])
    assert.deepEqual(
      routes.filter((route) => route.startsWith('default')),
      [],
    )
  })

  test('refuses a pod that breaks the restricted rules', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'loose', namespace },
      spec: { containers: [{ name: 'main', image: busyboxImage }] },
    }
    await assert.rejects(apply(node, pod), /violates PodSecurity "restricted/)
  })

  test("knows whose pod a token for audience mnemos is, and refuses it for the API server's", async () => {
    const token = await inPod('cat /var/run/test/token')
    const uid = await kubectl(node, '--namespace', namespace, 'get', 'pod', 'user', '--output=jsonpath={.metadata.uid}')
    const review = await reviewToken(token, ['mnemos'])
    assert.equal(review.status.authenticated, true)
    assert.deepEqual(review.status.user?.extra?.['authentication.kubernetes.io/pod-uid'], [uid])
    assert.equal((await reviewToken(token)).status.authenticated ?? false, false)
  })

  test('places pods by the devices that a plugin advertises; the third waits and the scheduler says for what', async () => {
    const names = ['gpu-0', 'gpu-1', 'gpu-2']
    await apply(node, ...names.slice(0, 2).map((name) => gpuPod(name)))
    await kubectl(node, '--namespace', namespace, 'wait', '--for=condition=Ready', '--timeout=30s', 'pod/gpu-0', 'pod/gpu-1')
    await apply(node, gpuPod('gpu-2'))
    const message = '{.status.conditions[?(@.type=="PodScheduled")].message}'
    await eventually(
      async () =>
        (await kubectl(node, '--namespace', namespace, 'get', 'pod', 'gpu-2', `--output=jsonpath=${message}`)).includes(
          'Insufficient nvidia.com/gpu',
        ),
      { message: 'the scheduler says what gpu-2 waits for' },
    )
    const given = await Promise.all(names.slice(0, 2).map((name) => kubectl(node, '--namespace', namespace, 'logs', name)))
    assert.deepEqual(given.map((text) => text.trim()).sort(), ['GPU-test-0', 'GPU-test-1'])
    await kubectl(node, '--namespace', namespace, 'delete', 'pod', 'gpu-0')
    await kubectl(node, '--namespace', namespace, 'wait', '--for=condition=Ready', '--timeout=30s', 'pod/gpu-2')
  })

  test('enforces NetworkPolicies: refuses what none allows, in both directions, and lets through what one does', async () => {
    // A lookup that meets the rules of a moment ago takes ten seconds to say so: the wait must hold more than one.
    const patienceMs = 60_000
    const target = 'wget -q -O - http://web.walled.svc'
    await apply(node, networkPolicy('deny-all', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }))
    const isRefused = (): Promise<boolean> =>
      inPod(target).then(
        () => false,
        () => true,
      )
    await eventually(isRefused, { timeoutMs: patienceMs, message: 'nothing is let through any more' })
    const toDns = {
      to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
      ports: [{ protocol: 'UDP', port: 53 }],
    }
    const toWeb = { to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 8080 }] }
    const user = { matchLabels: { app: 'user' } }
    await apply(node, networkPolicy('user', { podSelector: user, policyTypes: ['Egress'], egress: [toDns, toWeb] }))
    await eventually(async () => /Address: 10\.96\./.test(await inPod('nslookup web.walled.svc.cluster.local')), {
      timeoutMs: patienceMs,
      message: 'names resolve',
    })
    await assert.rejects(inPod(target), 'web takes nothing yet')
    await apply(node, networkPolicy('web', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ podSelector: user }] }] }))
    await eventually(async () => /served by web/.test(await inPod(target)), {
      timeoutMs: patienceMs,
      message: 'what is allowed gets through',
    })
    await assert.rejects(
      inPod('wget -q -O - --no-check-certificate https://kubernetes.default.svc.cluster.local'),
      /can't connect to remote host/,
    )
    await kubectl(node, '--namespace', namespace, 'delete', 'networkpolicy', '--all')
  })

  test('writes who did what into the audit log', async () => {
    const entries = (await readFile(node.auditLog, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry)
    const scheduler = entries.filter(({ user }) => user.username === 'system:kube-scheduler')
    assert.ok(
      scheduler.some(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'pods' && objectRef.subresource === 'binding'),
    )
    assert.deepEqual(
      entries.filter(({ stage }) => stage === 'RequestReceived'),
      [],
    )
  })

  test('says to a second start whose node is running', async () => {
    await assert.rejects(startNode(), new RegExp(`process ${process.pid} already runs a node on this machine, in ${node.folder}`))
    assert.match(await inPod('echo still here'), /still here/)
  })

  test('leaves the settings of this machine alone while it runs, and nothing when it is stopped', async () => {
    const settings = (await machineState()).filter((line) => line.includes('='))
    assert.deepEqual(
      settings,
      machineBefore.filter((line) => line.includes('=')),
    )
    const namespaces = await namespacesOf(node)
    assert.ok((await tracesOf(node.folder, namespaces)).length > 0, 'a running node has traces; the search finds none')
    await node.stop()
    await goneWithoutTrace(node.folder, namespaces)
  })

  test('does not take a folder that has something in it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mnemos-taken-'))
    try {
      await writeFile(join(folder, 'precious'), 'kept')
      await assert.rejects(startNode({ folder }), /is not empty \(precious\); name a folder of its own/)
      assert.equal(await readFile(join(folder, 'precious'), 'utf8'), 'kept')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('is cleaned when its driver was killed', async () => {
    const main = join(import.meta.dirname, '../../hack/cluster/src/main.ts')
    const driver = spawn(process.execPath, [main, 'node'], { stdio: ['ignore', 'pipe', 'ignore'] })
    let said = ''
    driver.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const folder = await eventually(() => /KUBECONFIG=(.*)\/kubeconfig\n/.exec(said)?.[1], {
      timeoutMs: 60_000,
      message: 'the second node is up',
    })
    driver.kill('SIGKILL')
    await eventually(() => driver.signalCode !== null)
    assert.ok((await tracesOf(folder, [])).length > 0, 'a killed driver leaves something to clean')
    assert.equal(await cleanNode(), true)
    await goneWithoutTrace(folder, [])
    assert.equal(await cleanNode(), false)
  })
})

interface AuditEntry {
  readonly stage: string
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string }
}

interface TokenReview {
  readonly status: { readonly authenticated?: boolean; readonly user?: { readonly extra?: Readonly<Record<string, readonly string[]>> } }
}

function gpuPod(name: string): object {
  return restrictedPod({ name, namespace, command: 'echo $NVIDIA_VISIBLE_DEVICES; exec sleep 600', gpus: 1 })
}

function networkPolicy(name: string, spec: object): object {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace }, spec }
}

async function reviewToken(token: string, audiences?: readonly string[]): Promise<TokenReview> {
  const file = join(node.folder, 'review.json')
  await writeFile(file, JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } }))
  return JSON.parse(await kubectl(node, 'create', '--filename', file, '--output=json')) as TokenReview
}

async function goneWithoutTrace(folder: string, namespaces: readonly string[]): Promise<void> {
  // A process that was killed stays as an exit code until its parent asks for it.
  await eventually(async () => (await tracesOf(folder, namespaces)).length === 0).catch(async () => {
    assert.deepEqual(await tracesOf(folder, namespaces), [])
  })
  assert.deepEqual(await machineState(), machineBefore)
}

async function textFrom(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => {
        resolve(text)
      })
    }).on('error', reject)
  })
}
