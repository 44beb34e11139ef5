/**
 * One attempt of an inference in a pod of its own, from the question to the report.
 *
 * Flow: the work, from the server by the token of the pod → the model → the answer, told while it appears → the stored result → the
 * report, as the termination message. Guarantees: the report is written last and names only what the server has read back; its
 * process then ends, and the pod with it. Knows no operator.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { attemptRef, decodeWork, encodeWork } from '@mnemos/contract'
import type { Logger } from 'pino'
import { type Ending, runAttempt, type Workshop } from '../agent/attempt.ts'
import { Cancelled } from '../agent/interruption.ts'
import { openModelCache } from '../cache/model-cache.ts'
import { systemClock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import { llamaCppEngine } from '../engine/llama-cpp.ts'
import { stubEngine } from '../engine/stub.ts'
import { asWorkFailure, WorkFailure } from '../failure.ts'
import { enginesByName } from '../run-worker.ts'
import { retrying, Transient } from '../storage/retry.ts'
import { createServers, type ServerSession, type Servers } from '../storage/server.ts'
import type { DedicatedConfig } from './config.ts'

/** A kubelet keeps this much of a termination message. */
const maxReportBytes = 4096

export interface DedicatedPorts {
  /** Aborts when the pod is to go. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Runs until the attempt has ended. @throws WorkFailure when it failed; the report says so, too */
export async function runDedicated(config: DedicatedConfig, { signal, logger }: DedicatedPorts): Promise<void> {
  const { folder, authority, serverUrl, tokenFile, attempt } = config
  await mkdir(folder, { recursive: true })
  const caFile = authority === undefined ? undefined : join(folder, 'ca.crt')
  if (caFile !== undefined) await writeFile(caFile, authority ?? '')
  const servers = createServers({ connections: 8, caFile })
  const engine = engineOf(config)
  try {
    const token = readFileSync(tokenFile, 'utf8').trim()
    const work = withPersonalData(await workOf(servers.session(serverUrl, token), config, signal), config)
    const workshop = await furnish(config, { engine, servers, logger })
    const { uid: jobUid, namespace, job: name } = config
    const ref = attemptRef({ jobUid, namespace, name, attempt })
    // The operator ends a pod that runs for too long.
    const order = { ref, work, runTimeoutMs: 0, serverUrl, token, signal: cancelledBy(signal), report: () => undefined }
    const ending = await runAttempt(order, workshop)
    if (ending.kind === 'failed') throw ending.failure
    if (ending.kind === 'succeeded') await writeFile(config.reportFile, reportOf(ending))
    logger.info({ attempt, ending: ending.kind }, 'the attempt has ended')
  } catch (error) {
    const failure = asWorkFailure(error)
    const { class: failureClass, reason, message, hint } = failure
    const said = { class: failureClass, reason, message: message.slice(0, 512), hint: hint.slice(0, 256) }
    await writeFile(config.reportFile, JSON.stringify({ failure: said }))
    throw failure
  } finally {
    await Promise.all([engine.close(), servers.close()])
  }
}

/** What is to be done, as the server reads it from the Job. @throws WorkFailure when it stays away or refuses */
async function workOf(session: ServerSession, { uid, attempt, storageRetryMs }: DedicatedConfig, signal: AbortSignal): Promise<Uint8Array> {
  const path = `/v1/attempts/${encodeURIComponent(uid)}/${attempt}/work`
  const once = async (): Promise<Uint8Array> => {
    const answer = await session.request('GET', path, { signal })
    if (answer.statusCode === 200) return new Uint8Array(await answer.body.arrayBuffer())
    await answer.body.dump()
    if (answer.statusCode >= 500 || answer.statusCode === 429) throw new Transient(`GET work was answered with ${answer.statusCode}`)
    throw workRefused(`the server refused it with status ${answer.statusCode}`)
  }
  return retrying(once, { signal, forMs: storageRetryMs }).catch((error: unknown) => {
    throw error instanceof Transient ? workRefused(error.message, error) : error
  })
}

/** What policies say came with the pod, and is not the server's to change. */
function withPersonalData(work: Uint8Array, { personalData }: DedicatedConfig): Uint8Array {
  const decoded = decodeWork(work)
  return personalData === undefined || decoded.type !== 'inference' ? work : encodeWork({ ...decoded, personalData })
}

function workRefused(why: string, cause?: unknown): WorkFailure {
  return new WorkFailure({
    class: 'StorageUnavailable',
    reason: 'WorkUnavailable',
    message: `What the attempt is to do could not be read: ${why}.`,
    hint: 'The attempt is repeated; check that the server is up and reachable from the pod.',
    cause,
  })
}

async function furnish(
  { folder, storageRetryMs }: DedicatedConfig,
  { engine, servers, logger }: { engine: Engine; servers: Servers; logger: Logger },
): Promise<Workshop> {
  const shared = { clock: systemClock, random: Math.random, logger }
  const retry = { forMs: storageRetryMs }
  const cache = await openModelCache({
    folder,
    // One model, and the volume of the pod bounds it.
    limitBytes: Number.MAX_SAFE_INTEGER,
    ...{ clock: shared.clock, random: shared.random, retry },
    onCorrupt: ({ path, digest, found }) => logger.warn({ path, wanted: digest, found }, 'a damaged model file was removed'),
  })
  const sources = { fileRoot: undefined, allowPrivate: false }
  return { ...shared, cache, engines: enginesByName(engine), servers, retry, sources, scratch: join(folder, 'scratch') }
}

function engineOf({ engine }: DedicatedConfig): Engine {
  return engine === 'stub' ? stubEngine({ clock: systemClock }) : llamaCppEngine({ clock: systemClock, parallel: 1, maxLoaded: 1 })
}

function cancelledBy(signal: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const cancel = (): void => controller.abort(new Cancelled())
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  return controller.signal
}

/** A report that a kubelet would cut is none: then without the copy of the result. */
function reportOf({ result: { inline, ...stored }, usage }: Ending & { readonly kind: 'succeeded' }): string {
  const counted = usage === undefined ? {} : { usage: { ...usage, durationMs: Math.round(usage.durationMs) } }
  const whole = JSON.stringify({ result: { ...stored, inline }, ...counted })
  return Buffer.byteLength(whole) <= maxReportBytes ? whole : JSON.stringify({ result: stored, ...counted })
}
