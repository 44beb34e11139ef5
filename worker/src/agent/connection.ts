/**
 * The stream to the operator that leads: opened, lost and opened again for as long as the worker lives.
 *
 * ```
 *   ┌► dial the next address ─ Hello ─► wait for Welcome ─► connected ─┐
 *   └──────── pause (longer each round without a Welcome) ◄── stream ends, refused, silent, or of an older epoch
 * ```
 * Guarantees: at most one stream; messages of an epoch below the highest ever seen are dropped, and a Welcome of such an epoch
 * ends its stream; an error of the stream is never thrown, only logged by code. What the messages mean is the agent's business.
 */
import { type ChannelOptions, Client, type ClientDuplexStream, connectivityState, status } from '@grpc/grpc-js'
import { dispatchService, maxDispatchMessageBytes, type OperatorMessage, type WorkerMessage } from '@mnemos/contract'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { faultFields } from '../failure.ts'
import { backoffMs } from '../storage/retry.ts'
import { isDistrust, operatorCredentials, TrustError } from '../trust.ts'

export interface ConnectionOptions {
  /** host:port of every operator, tried in turn. */
  readonly addresses: readonly string[]
  /** File with the authorities that vouch for operators, read for each dial; without it the line is in the clear. */
  readonly caFile?: string | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** Makes the first message of each stream. */
  readonly hello: () => WorkerMessage
  /** Gets every message of the highest epoch, Welcome first. */
  readonly onMessage: (message: OperatorMessage) => void
  readonly onDisconnected: () => void
  /** How long a connection may take to stand, in ms: an address of a pod that is gone answers nothing. Default 1500. */
  readonly connectMs?: number
  /** How long an operator may take to answer Hello, in ms. Default 5000. */
  readonly welcomeMs?: number
  /** First and longest pause between rounds over all addresses, in ms. Default 100 and 2000. */
  readonly pause?: { readonly firstMs: number; readonly longestMs: number }
}

export interface Connection {
  /** Writes to the stream. @returns false when there is none; the message is then lost */
  send(message: WorkerMessage): boolean
  isConnected(): boolean
  /** Keeps a stream open until the signal aborts; then half-closes it. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

type Stream = ClientDuplexStream<WorkerMessage, OperatorMessage>

const channelOptions: ChannelOptions = {
  // Finds a half-open connection in 15 s; an idle stream carries no other bytes towards us.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.keepalive_permit_without_calls': 1,
  // Each dial stands for itself: no shared back-off of earlier ones.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': maxDispatchMessageBytes,
  'grpc.max_send_message_length': maxDispatchMessageBytes,
}

export function createConnection(options: ConnectionOptions): Connection {
  const { addresses, caFile, clock, logger, connectMs = 1500, welcomeMs = 5000, pause = { firstMs: 100, longestMs: 2000 } } = options
  let highestEpoch = 0n
  let current: Stream | undefined

  /** One stream from Hello to its end. @returns whether it was welcomed */
  async function stay(address: string, signal: AbortSignal): Promise<boolean> {
    // A channel of its own for each dial: names are resolved anew, so a new leader is found as soon as it has the address.
    const client = new Client(address, operatorCredentials(caFile), channelOptions)
    const { path, requestSerialize, responseDeserialize } = dispatchService.connect
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    const ended = Promise.withResolvers<undefined>()
    let isWelcome = false
    const silent = clock.setTimeout(() => stream.cancel(), welcomeMs)
    const unreachable = clock.setTimeout(() => {
      if (client.getChannel().getConnectivityState(false) !== connectivityState.READY) stream.cancel()
    }, connectMs)
    let halfClosed: { cancel(): void } | undefined
    const stop = (): void => {
      stream.end()
      // A peer that does not answer the half-close must not hold the worker.
      halfClosed = clock.setTimeout(() => stream.cancel(), 1000)
    }
    stream.on('error', (error) => {
      if (!signal.aborted) logStreamError(logger, address, error)
      ended.resolve(undefined)
    })
    stream.on('end', () => ended.resolve(undefined))
    stream.on('close', () => ended.resolve(undefined))
    stream.on('data', (message: OperatorMessage) => {
      if (message.epoch < highestEpoch) {
        if (!isWelcome) stream.cancel()
        return
      }
      highestEpoch = message.epoch
      if (!isWelcome) {
        if (message.message.case !== 'welcome') return
        isWelcome = true
        silent.cancel()
        current = stream
        logger.info({ address, epoch: String(message.epoch) }, 'connected to the operator')
      }
      options.onMessage(message)
    })
    signal.addEventListener('abort', stop, { once: true })
    try {
      stream.write(options.hello())
      await ended.promise
    } finally {
      silent.cancel()
      unreachable.cancel()
      halfClosed?.cancel()
      signal.removeEventListener('abort', stop)
      if (current === stream) {
        current = undefined
        options.onDisconnected()
        if (!signal.aborted) logger.warn({ address }, 'lost the operator')
      }
      client.close()
    }
    return isWelcome
  }

  return {
    send: (message) => current?.write(message) !== undefined,
    isConnected: () => current !== undefined,
    run: async (signal) => {
      let round = 0
      for (let turn = 0; !signal.aborted; turn++) {
        const address = addresses[turn % addresses.length] ?? ''
        const isWelcome = await stay(address, signal).catch((error: unknown) => {
          const why = error instanceof TrustError ? { reason: error.message } : faultFields(error)
          logger.warn({ address, ...why }, 'the operator could not be dialled')
          return false
        })
        if (isWelcome) {
          // The same operator may be back at once; the next one leads if it is not.
          round = 0
          turn = -1
        } else if ((turn + 1) % addresses.length !== 0) continue
        else if (Number.isInteger(Math.log2(round + 1)))
          logger.warn({ addresses, rounds: round + 1 }, 'no operator welcomes this worker yet')
        await clock.sleep(backoffMs(round++, pause, options.random), signal).catch(() => undefined)
      }
    },
  }
}

/** UNAVAILABLE is what an operator that does not lead says; anything else, like a refused join token, is for a person. */
function logStreamError(logger: Logger, address: string, error: Error): void {
  const code: number = 'code' in error && typeof error.code === 'number' ? error.code : status.UNKNOWN
  const details = 'details' in error ? String(error.details) : ''
  if (isDistrust(details)) {
    logger.warn({ address, details }, 'the operator is not vouched for by an authority of this worker (MNEMOS_WORKER_CA_FILE)')
    return
  }
  const level = [status.UNAVAILABLE, status.CANCELLED].map(Number).includes(code) ? 'debug' : 'warn'
  logger[level]({ address, code: status[code], details }, 'the stream to the operator failed')
}
