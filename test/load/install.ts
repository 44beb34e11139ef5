/**
 * Benchmark `install`: how long a first installation takes on the real node, and what it weighs.
 *
 * Images are built and imported before the clock starts; the node is warm. Then: `helm install --wait` with defaults, a
 * WorkerPool, a Model from the worker's image and a Job at once, until its first token is counted; after two quiet minutes the
 * memory of the pods, as the kubelet tells it (working set). Needs Linux and root.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Job } from '@mnemos/api'
import { auditOf, type Installation, prepareInstallation, root, systemNamespace } from '../e2e/installation.ts'

const quietMs = 120_000

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  const it = await prepareInstallation({ log, audit: true })
  try {
    await it.kubectl(['create', 'namespace', systemNamespace])
    const began = performance.now()
    await it.upgrade()
    const installed = performance.now()
    log(`installed in ${seconds(installed - began)} s`)
    await quickstart(it)
    while (!(await hasToken(it))) await sleep(100)
    const answered = performance.now()
    const podMs = await podCreationMs(it, log)
    log(`first token ${seconds(answered - installed)} s later; memory after ${quietMs / 1000} quiet seconds`)
    await sleep(quietMs)
    const memory = await memoryOf(it)
    return {
      install_s: seconds(installed - began),
      first_token_s: seconds(answered - installed),
      operator_mb: memory('mnemos-operator'),
      webhook_mb: memory('mnemos-webhook'),
      control_image_mb: await folderMb('control-plane-amd64'),
      worker_image_mb: await folderMb('worker-amd64'),
      pod_create_p50_ms: podMs,
      conditions: {
        replicas: { operator: 2, webhook: 2, server: 1 },
        stores: 'embedded',
        model_mb: 98,
        images: 'beyond the base, uncompressed',
        memory: 'the largest pod of each, working set',
      },
    }
  } finally {
    await it.close()
  }
}

async function quickstart(it: Installation): Promise<void> {
  const object = (kind: string, name: string, spec: object): object => ({
    apiVersion: 'mnemos.dev/v1alpha1',
    kind,
    metadata: { name, namespace: 'default' },
    spec,
  })
  const inference = { modelRef: { name: 'smollm2' }, prompt: 'Why is the sky blue?', parameters: { maxTokens: 8 } }
  const items = [
    object('WorkerPool', 'cpu', { resources: { requests: { cpu: '100m', memory: '512Mi' } } }),
    object('Model', 'smollm2', { source: { uri: 'file:///SmolLM2-135M-Instruct.Q4_1.gguf' } }),
    object('Job', 'hello', { inference }),
  ]
  await it.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

/** A Job shows its tokens when it ends; this one is short, so its end stands for its first token. */
async function hasToken(it: Installation): Promise<boolean> {
  const { status } = await it.get<Job>(['mnemosjobs', 'hello'])
  if (status?.phase === 'Failed') throw new Error(`the Job failed: ${status.failure?.message ?? ''}`)
  return (status?.usage?.completionTokens ?? 0) > 0
}

/**
 * The middle of 20 times between a container Job's being stored and the request that creates its pod, both on the API
 * server's clock (audit log), in milliseconds.
 */
async function podCreationMs(it: Installation, log: (line: string) => void): Promise<number> {
  const names = Array.from({ length: 20 }, (_, at) => `box-${at}`)
  for (const name of names) {
    const container = { image: it.images.control, command: ['node', '-e', '0'] }
    const job = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: 'default' }, spec: { container } }
    await it.kubectl(['create', '-f', '-'], JSON.stringify(job))
    await it.kubectl(['wait', '--for=condition=Succeeded', `mnjob/${name}`, '--timeout=60s'])
  }
  const audit = await auditOf(it.node)
  const times = names.map((name) => {
    const made = audit.find(({ verb, objectRef: of }) => verb === 'create' && of?.resource === 'mnemosjobs' && of.name === name)
    const pod = audit.find(
      ({ verb, objectRef: of }) => verb === 'create' && of?.resource === 'pods' && of.name === `${name}-a1` && of.subresource === undefined,
    )
    if (made === undefined || pod === undefined) throw new Error(`the audit log lacks ${name}`)
    return Date.parse(pod.requestReceivedTimestamp) - Date.parse(made.stageTimestamp)
  })
  log(`pods of container Jobs created after ${times.join(', ')} ms`)
  return times.sort((a, b) => a - b)[names.length / 2] ?? Number.NaN
}

/** The largest working set among the pods whose name begins so, in MB. */
async function memoryOf(it: Installation): Promise<(prefix: string) => number> {
  const path = `/api/v1/nodes/${it.node.nodeName}/proxy/stats/summary`
  const { pods } = JSON.parse(await it.kubectl(['get', '--raw', path])) as Summary // the kubelet's own format
  return (prefix) => {
    const sizes = pods.filter(({ podRef }) => podRef.name.startsWith(prefix)).map(({ memory }) => memory?.workingSetBytes ?? 0)
    return Math.round(Math.max(0, ...sizes) / 1024 ** 2)
  }
}

interface Summary {
  readonly pods: readonly { readonly podRef: { readonly name: string }; readonly memory?: { readonly workingSetBytes?: number } }[]
}

async function folderMb(name: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['--summarize', '--block-size=1M', join(root, 'dist/images', name)])
  return Number(stdout.split('\t')[0])
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10
