/** The whole server on loopback with its real stores, over a stand-in for the API server: for one test file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Assignment, type AssignmentSigner, assignmentSigner, ensureAssignmentKey } from '@mnemos/identity'
import { createClient } from '@mnemos/kube'
import { pino } from 'pino'
import { type ApiServerStandIn, startApiServer } from './api-server.test-kit.ts'
import { parseServerConfig, type ServerConfig } from './config.ts'
import { runServer } from './run-server.ts'

export interface RunningServer {
  readonly url: string
  readonly api: ApiServerStandIn
  /** Where the artifacts are. */
  readonly folder: string
  /** What was logged, line by line. */
  readonly logged: readonly string[]
  /** A request of alice. */
  asAlice(path: string, init?: RequestInit): Promise<Response>
  /** A token as the operator makes it, for attempt 1 of Job `u`, unless said otherwise. */
  assignmentToken(assignment?: Partial<Assignment>, options?: { now?: () => number }): Promise<string>
  /** Of another operator, which this cluster does not know. */
  foreignToken(): Promise<string>
}

const systemNamespace = 'mnemos-system'

export async function startServer(config: Partial<ServerConfig> = {}): Promise<RunningServer> {
  const [api, elsewhere] = [await startApiServer(), await startApiServer()]
  api.users.set('alice-token', { username: 'alice' })
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-server-'))
  const stop = new AbortController()
  const logged: string[] = []
  const key = await keyAt(api)
  const foreignKey = await keyAt(elsewhere)
  const listening = Promise.withResolvers<string>()
  const running = runServer(parseServerConfig({}, { port: 0, artifactsFolder: folder, bodyBytes: 64 * 1024, ...config }), {
    credentials: api.credentials,
    signal: stop.signal,
    logger: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    onListening: listening.resolve,
  })
  const url = await Promise.race([listening.promise, running.then(() => Promise.reject(new Error('the server ended')))])
  after(async () => {
    stop.abort()
    await running
    await Promise.all([api.close(), elsewhere.close(), rm(folder, { recursive: true, force: true })])
  })
  const sign = (signer: AssignmentSigner, assignment: Partial<Assignment> = {}): Promise<string> =>
    signer.sign({ uid: 'u', attempt: 1, namespace: 'team-a', job: 'j', reads: [], writes: [], ...assignment }, 600)
  return {
    url,
    api,
    folder,
    logged,
    asAlice: (path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: 'Bearer alice-token', ...(init.headers as Record<string, string>) } }),
    assignmentToken: (assignment, { now } = {}) => sign(assignmentSigner(key, now), assignment),
    foreignToken: () => sign(assignmentSigner(foreignKey)),
  }
}

async function keyAt(api: ApiServerStandIn) {
  const client = createClient({ credentials: api.credentials })
  try {
    return await ensureAssignmentKey(client, systemNamespace)
  } finally {
    await client.close()
  }
}
