/** A real server on a real API server, with users who may do different things, and tokens as the operator would make them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { apiVersion, type Job, jobResource } from '@mnemos/api'
import { createMnemosClient, type MnemosClient } from '@mnemos/contract'
import { type Assignment, assignmentSigner, ensureAssignmentKey } from '@mnemos/identity'
import { type Client, type Credentials, createClient, resource } from '@mnemos/kube'
import { parseServerConfig, runServer, type ServerConfig } from '@mnemos/server'
import { eventually, startTestCluster, type TestCluster } from '@mnemos/testkit'
import { pino } from 'pino'

export const jobs = resource<Job>(jobResource)

export interface ServerBench {
  readonly url: string
  readonly cluster: TestCluster
  /** Of the cluster, as `admin`. */
  readonly credentials: Credentials
  /** As `admin`. */
  readonly client: Client
  as(user: string): MnemosClient
  /** A raw request with the user's token. */
  fetchAs(
    user: string,
    path: string,
    init?: { method?: string; body?: string | Buffer<ArrayBuffer>; headers?: Record<string, string> },
  ): Promise<Response>
  assignmentToken(assignment: Partial<Assignment> & { uid: string }): Promise<string>
  aStoredJob(namespace: string, name: string): Promise<Job>
  setStatus(job: Job, status: object): Promise<Job>
}

/** alice and bob may do everything with Jobs in namespaces of their own names; carol may do nothing. */
export async function startServerBench(config: Partial<ServerConfig> = {}): Promise<ServerBench> {
  const cluster = await startTestCluster({ crds: true, users: ['alice', 'bob', 'carol'].map((name) => ({ name, groups: ['people'] })) })
  const client = createClient({ credentials: cluster.credentials() })
  await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
  for (const user of ['alice', 'bob']) {
    await cluster.kubectlRun(['create', 'namespace', user])
    await cluster.kubectlRun(['-n', user, 'create', 'role', 'jobs', '--verb=*', '--resource=mnemosjobs.mnemos.dev'])
    await cluster.kubectlRun(['-n', user, 'create', 'rolebinding', 'jobs', '--role=jobs', `--user=${user}`])
  }
  const signer = assignmentSigner(await ensureAssignmentKey(client, 'mnemos-system'))
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-server-'))
  const stop = new AbortController()
  let url = ''
  const running = runServer(parseServerConfig({}, { port: 0, artifactsFolder: folder, ...config }), {
    credentials: cluster.credentials(),
    signal: stop.signal,
    logger: pino({ level: 'silent' }),
    onListening: (bound) => {
      url = bound
    },
  })
  after(async () => {
    stop.abort()
    await running
    await client.close()
    await rm(folder, { recursive: true, force: true })
  })
  await eventually(async () => url !== '' && (await fetch(`${url}/readyz`)).ok, { message: 'the server is ready' })
  return {
    url,
    cluster,
    credentials: cluster.credentials(),
    client,
    as: (user) => createMnemosClient({ url, token: () => Promise.resolve(cluster.tokenFor(user)) }),
    fetchAs: (user, path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${cluster.tokenFor(user)}`, ...init.headers } }),
    assignmentToken: (assignment) =>
      signer.sign({ attempt: 1, namespace: 'alice', job: 'hello', reads: [], writes: [], ...assignment }, 600),
    aStoredJob: (namespace, name) => {
      const spec = { inference: { modelRef: { name: 'm' }, prompt: 'hi' } }
      return client.create<Job>(jobs, { apiVersion, kind: 'Job', metadata: { namespace, name }, ...{ spec } })
    },
    setStatus: (job, status) => client.patch<Job>(jobs, job.metadata, { status }, { subresource: 'status' }),
  }
}
