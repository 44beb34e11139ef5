/** When a node is ready for pods, and what its programs said last when it does not become so. */
import { readdir, readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeAddress, nodeName } from './addresses.ts'
import { type ApiAccess, apiRequest, isReady } from './api-request.ts'
import { dnsReadiness } from './cluster-dns.ts'

const deadlineMs = 60_000
const gpuResource = 'nvidia.com/gpu'

/** Waits until the API server is ready. @throws after a minute */
export async function waitForApiServer(access: ApiAccess): Promise<void> {
  await until('the API server is ready', () => isReady(access))
}

/**
 * Waits until pods can run: the Node is Ready and has its devices, Services are routed, names resolve, and the default
 * service account is there.
 * @throws after a minute, with what is missing
 */
export async function waitForNode(access: ApiAccess, gpus: number): Promise<void> {
  await Promise.all([
    until(`Node ${nodeName} is Ready with ${gpus} ${gpuResource}`, async () =>
      isNodeReady(await apiRequest(access, `/api/v1/nodes/${nodeName}`), gpus),
    ),
    until('CoreDNS is ready', () => answers(dnsReadiness)),
    until('kube-proxy is ready', () => answers({ host: nodeAddress, port: 10256, path: '/healthz' })),
    until('namespace default has its service account', async () => {
      return (await apiRequest(access, '/api/v1/namespaces/default/serviceaccounts/default')).code === 200
    }),
  ])
}

interface NodeStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  readonly allocatable?: Readonly<Record<string, string>>
}

function isNodeReady(answer: { readonly code: number; readonly body: string }, gpus: number): boolean {
  if (answer.code !== 200) return false
  const { status } = JSON.parse(answer.body) as { status?: NodeStatus }
  const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
  return ready && Number(status?.allocatable?.[gpuResource] ?? 0) === gpus
}

async function answers(options: { readonly host: string; readonly port: number; readonly path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get({ ...options, timeout: 1000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    call.on('error', () => {
      resolve(false)
    })
    call.on('timeout', () => call.destroy())
  })
}

/** Asks again and again. @throws after a minute, with what was waited for */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs / 1000} s in vain until ${what}`)
    await sleep(100)
  }
}

/** The error with the ends of all logs in a folder. */
export async function withLogs(error: unknown, folder: string): Promise<Error> {
  const files = await readdir(folder).catch(() => [])
  const ends = await Promise.all(files.map(async (file) => `--- ${file}\n${(await readFile(join(folder, file), 'utf8')).slice(-1500)}`))
  return new Error([error instanceof Error ? error.message : String(error), ...ends].join('\n'), { cause: error })
}
