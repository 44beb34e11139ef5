/**
 * A connection to MNEMOS as the user of a kubeconfig: who we are, which namespace, where the server is.
 *
 * Guarantees that the bearer token is asked for anew for each request, and is sent to nobody but the server that was found.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Job, JobInput } from '@mnemos/api'
import { createFilesClient, createMnemosClient, type FilesClient, type JobEvent, type MnemosClient } from '@mnemos/contract'
import { type Client, createClient } from '@mnemos/kube'
import { type PublishedServer, readServer, serverAddress } from './dev/install.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { type KubeAccess, loadKubeconfig } from './kubeconfig.ts'
import { type PipelinesApi, pipelinesIn } from './pipelines-api.ts'

/** What the commands ask of the server, about the Jobs of one namespace. */
export interface JobsApi {
  submit(job: JobInput, signal: AbortSignal): Promise<Job>
  /** @throws CliError when there is none of that name */
  get(name: string, signal: AbortSignal): Promise<Job>
  list(signal: AbortSignal): Promise<readonly Job[]>
  cancel(name: string, signal: AbortSignal): Promise<void>
  /** The stored result, as text. */
  result(name: string, signal: AbortSignal): Promise<string>
  /** The stored log of an attempt, the newest when absent. */
  logs(name: string, attempt: number | undefined, signal: AbortSignal): Promise<string>
  stream(name: string, lastEventId: string | undefined, signal: AbortSignal): AsyncIterable<JobEvent>
}

export interface Session {
  readonly namespace: string
  readonly server: string
  readonly jobs: JobsApi
  readonly pipelines: PipelinesApi
  /** The files of the namespace. */
  readonly files: FilesClient
  /** The same session in another namespace. */
  inNamespace(namespace: string | undefined): Session
}

/** @throws CliError when there is no kubeconfig, no token, or no server to be found */
export async function connect({ globals, config, signal }: Invocation): Promise<Session> {
  const access = await loadKubeconfig(globals)
  const server = await serverOf(access, globals.server ?? config.server, signal)
  const token = async (): Promise<string> => (await access.credentials.token?.()) ?? noToken(access)
  const client = createMnemosClient({ url: server, token })
  const sessionIn = (namespace: string): Session => ({
    namespace,
    server,
    jobs: jobsIn(namespace, client),
    pipelines: pipelinesIn(namespace, {
      client,
      withCluster: (work) => withCluster(access, work),
    }),
    files: createFilesClient({ url: server, token }, namespace),
    inNamespace: (other) => (other === undefined || other === namespace ? sessionIn(namespace) : sessionIn(other)),
  })
  return sessionIn(globals.namespace ?? access.namespace)
}

function jobsIn(namespace: string, client: MnemosClient): JobsApi {
  return {
    submit: (job, signal) => client.submitJob({ ...job, metadata: { namespace, ...job.metadata } }, { signal }),
    get: (name, signal) => client.getJob(namespace, name, signal),
    list: (signal) => listAll(namespace, client, signal),
    cancel: (name, signal) => client.cancelJob(namespace, name, { signal }),
    result: (name, signal) => client.jobResult(namespace, name, signal),
    logs: (name, attempt, signal) => client.jobLogs(namespace, name, { signal, ...(attempt === undefined ? {} : { attempt }) }),
    stream: (name, lastEventId, signal) =>
      client.streamJob(namespace, name, { signal, ...(lastEventId === undefined ? {} : { lastEventId }) }),
  }
}

async function listAll(namespace: string, client: MnemosClient, signal: AbortSignal): Promise<readonly Job[]> {
  const items: Job[] = []
  let query: Readonly<Record<string, string>> = { limit: '500' }
  for (;;) {
    const page = await client.listJobs(namespace, query, signal)
    items.push(...page.items)
    const { continue: next = '' } = page.metadata
    if (next === '') return items
    query = { limit: '500', continue: next }
  }
}

/** The URL of the server; one that speaks HTTPS is believed by the authorities that the cluster publishes, too. */
async function serverOf(access: KubeAccess, named: string | undefined, signal: AbortSignal): Promise<string> {
  if (named?.startsWith('http:') === true) return named
  // A server that was named may be elsewhere, and then this cluster has nothing to say about it.
  const published = await readPublished(access, signal).catch((error: unknown) => {
    if (named === undefined) throw error
    return undefined
  })
  const url = named ?? published?.url ?? notFound(access)
  if (published?.ca !== undefined) setDefaultCACertificates([...getCACertificates('default'), published.ca])
  return url
}

function readPublished(access: KubeAccess, signal: AbortSignal): Promise<PublishedServer | undefined> {
  return withCluster(access, (client) => readServer(client, signal))
}

async function withCluster<T>(access: KubeAccess, work: (client: Client) => Promise<T>): Promise<T> {
  const client = createClient({ credentials: access.credentials, userAgent: 'mnemos', connections: 1 })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

function notFound(access: KubeAccess): never {
  throw new CliError(
    `no MNEMOS server is known in context ${access.context}: there is no ConfigMap ${serverAddress.namespace}/${serverAddress.name}`,
    {
      code: 'MNEMOS_SERVER_NOT_FOUND',
      hint: 'name it with --server URL, or start one on this machine: mnemos dev',
      exitCode: exitCodes.unreachable,
    },
  )
}

function noToken(access: KubeAccess): never {
  throw new CliError(`context ${access.context} has no bearer token, and the server knows people only by one`, {
    code: 'MNEMOS_NO_TOKEN',
    hint: 'use a context with a token or an exec plugin, e.g.: kubectl create token NAME',
    exitCode: exitCodes.denied,
  })
}
