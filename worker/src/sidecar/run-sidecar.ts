/**
 * The sidecar of a container Job: inputs in before the container starts, outputs out when it has ended.
 *
 * Flow: inputs → /ready (the startup probe lets the container start) → SIGTERM (the container has ended) → outputs → result →
 * report. Guarantees: the report is written last, and names only what the server has read back; after a restart in between, inputs
 * that were complete are left alone, since the container may work on them. Knows neither the cluster nor the operator.
 */
import { readFileSync } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { artifactUri } from '@mnemos/contract'
import type { Logger } from 'pino'
import { asWorkFailure, WorkFailure } from '../failure.ts'
import { putResult, type StoredResult } from '../storage/put-result.ts'
import type { RetryOptions } from '../storage/retry.ts'
import { createServers } from '../storage/server.ts'
import type { SidecarConfig } from './config.ts'
import { bring, type KeptFile, keep, type Sessions } from './files.ts'
import { checkReport } from './output-content.ts'

/** A kubelet keeps this much of a termination message. */
const maxReportBytes = 4096

export interface SidecarPorts {
  /** Aborts when the container has ended, or its pod is to go. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Told which port was bound, once listening. */
  readonly onListening?: (port: number) => void
}

/** Runs until its work is done. @throws WorkFailure when inputs or outputs cannot be moved; the report says so, too */
export async function runSidecar(config: SidecarConfig, { signal, logger, onListening }: SidecarPorts): Promise<void> {
  const { stateFolder, authority, serverUrl, tokenFile, work } = config
  const caFile = authority === undefined ? undefined : join(stateFolder, 'ca.crt')
  if (caFile !== undefined) await writeFile(caFile, authority ?? '')
  const servers = createServers({ connections: 4, caFile })
  const sessions: Sessions = () => servers.session(serverUrl, readFileSync(tokenFile, 'utf8').trim())
  let isReady = false
  const probe = await serveReady(config, () => isReady)
  onListening?.(probe.port)
  try {
    await bringInputs(config, sessions, signal)
    isReady = true
    logger.info({ inputs: work.inputs.length }, 'inputs are there')
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await report(config, await keepOutputs(config, sessions))
    logger.info({ outputs: work.outputs.length }, 'outputs are kept')
  } catch (error) {
    // Stopped before the container began: there is nothing to tell.
    if (signal.aborted && !isReady) return
    const { class: failureClass, reason, message, hint } = asWorkFailure(error)
    await report(config, { failure: { class: failureClass, reason, message: message.slice(0, 512), hint: hint.slice(0, 256) } })
    throw error
  } finally {
    await Promise.all([probe.close(), servers.close()])
  }
}

interface Result {
  readonly exitCode: number
  readonly outputs: readonly KeptFile[]
}

async function bringInputs({ work, stateFolder, storageRetryMs }: SidecarConfig, sessions: Sessions, signal: AbortSignal): Promise<void> {
  const done = join(stateFolder, 'inputs-are-there')
  const wasDone = await access(done).then(
    () => true,
    () => false,
  )
  if (wasDone) return
  const retry: RetryOptions = { signal, forMs: storageRetryMs }
  for (const input of work.inputs) {
    await mkdir(dirname(input.file), { recursive: true })
    await bring(sessions, input, retry)
  }
  await writeFile(done, '')
}

/** Returns the report. The server may be away until shortly before the kubelet would end us: then there is still time to say so. */
async function keepOutputs({ work, uploadMs, maxOutputBytes }: SidecarConfig, sessions: Sessions): Promise<object> {
  const signal = AbortSignal.timeout(uploadMs)
  const endsAt = performance.now() + uploadMs
  const retry = (): RetryOptions => ({ signal, forMs: endsAt - performance.now() })
  const outputs: KeptFile[] = []
  try {
    for (const output of work.outputs) outputs.push(await keep(sessions, { ...output, maxBytes: maxOutputBytes }, retry()))
    const result = { exitCode: 0, outputs }
    checkFits(work.resultKey, result)
    return fitting(await putResult(sessions(), work.resultKey, result, retry()), result)
  } catch (error) {
    throw signal.aborted ? outOfTime(uploadMs, error) : error
  }
}

function outOfTime(uploadMs: number, cause: unknown): WorkFailure {
  return new WorkFailure({
    class: 'StorageUnavailable',
    reason: 'UploadTimeout',
    message: `The outputs were not stored within ${Math.round(uploadMs / 1000)} s of the end of the container.`,
    hint: 'Check that the server is up and reachable from the pod, or raise MNEMOS_SIDECAR_UPLOAD_SECONDS of the operator.',
    cause,
  })
}

/** Values that a Job asks for are in its status, or it fails. @throws WorkFailure */
function checkFits(resultKey: string, result: Result): void {
  const sizeBytes = Buffer.byteLength(JSON.stringify(result))
  const whole = { result: { uri: artifactUri(resultKey), sha256: '0'.repeat(64), sizeBytes, inline: result } }
  const names = result.outputs.filter(({ value }) => value !== undefined).map(({ name }) => name)
  checkReport(names, Buffer.byteLength(JSON.stringify(whole)), maxReportBytes)
}

/**
 * A report that a kubelet would cut is none: then without the copy of the result. The copy is a value, not a text: its quotes
 * would be written twice.
 */
function fitting({ inline, ...stored }: StoredResult, result: Result): object {
  const whole = { result: { ...stored, inline: result } }
  return inline !== '' && Buffer.byteLength(JSON.stringify(whole)) <= maxReportBytes ? whole : { result: stored }
}

async function report({ reportFile }: SidecarConfig, content: object): Promise<void> {
  await writeFile(reportFile, JSON.stringify(content))
}

async function serveReady(
  { host, port }: SidecarConfig,
  isReady: () => boolean,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer((_request, response) => {
    response.writeHead(isReady() ? 200 : 503)
    response.end(isReady() ? 'ok\n' : 'inputs are on their way\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
  const address = server.address() as AddressInfo // it listens on TCP
  return {
    port: address.port,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
