/**
 * The gRPC end of dispatch: listens all the time, serves streams only while there is a leader here; everybody else is told
 * UNAVAILABLE and tries another address.
 */

import { type handleBidiStreamingCall, Server, type ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'
import { dispatchService, type Hello, maxDispatchMessageBytes, type OperatorMessage, type WorkerMessage } from '@mnemos/contract'
import type { Logger } from '@mnemos/kube'
import { listening } from '@mnemos/kube'
import type { Admission, Refusal } from './admittance.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Session } from './sessions.ts'

/** What serves streams while this process leads. */
export interface Leading {
  readonly dispatcher: Dispatcher
  /** Lets a worker in, or says why not. */
  readonly admit: (hello: Hello) => Promise<Admission | Refusal>
  readonly signal: AbortSignal
}

type Stream = ServerDuplexStream<WorkerMessage, OperatorMessage>

export interface DispatchServer {
  readonly port: number
  close(): Promise<void>
}

/** @param leading the present leadership, asked for each stream */
export async function startDispatchServer(options: {
  host: string
  port: number
  credentials: ServerCredentials
  leading: () => Leading | undefined
  logger: Logger
}): Promise<DispatchServer> {
  const server = new Server({
    'grpc.max_receive_message_length': maxDispatchMessageBytes,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
  })
  const connect: handleBidiStreamingCall<WorkerMessage, OperatorMessage> = (stream) => serve(stream, options.leading(), options.logger)
  // The contract names no gRPC library, so its definition is of this shape without being of this type.
  server.addService(dispatchService, { connect })
  const listener = { what: 'workers', setting: 'MNEMOS_DISPATCH_PORT', hostSetting: 'MNEMOS_DISPATCH_HOST' }
  const port = await listening(
    { ...listener, host: options.host, port: options.port },
    () =>
      new Promise<number>((resolve, reject) => {
        const host = options.host.includes(':') ? `[${options.host}]` : options.host
        server.bindAsync(`${host}:${options.port}`, options.credentials, (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        )
      }),
  )
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.forceShutdown()
        resolve()
      }),
  }
}

function serve(stream: Stream, leading: Leading | undefined, logger: Logger): void {
  let session: Session | undefined
  let isGreeted = false
  let isOver = false
  const finish = (code: status, details: string): void => {
    if (isOver) return
    isOver = true
    stream.emit('error', { code, details })
  }
  const isClosed = (): boolean => isOver
  const gone = (): void => {
    isOver = true
    if (session !== undefined) leading?.dispatcher.disconnected(session)
  }
  stream.on('error', gone)
  stream.on('cancelled', gone)
  stream.on('end', () => {
    gone()
    stream.end()
  })
  if (leading === undefined) {
    finish(status.UNAVAILABLE, 'this operator does not lead')
    return
  }
  const onLost = (): void => finish(status.UNAVAILABLE, 'this operator leads no more')
  leading.signal.addEventListener('abort', onLost, { once: true })
  stream.on('close', () => leading.signal.removeEventListener('abort', onLost))
  const greet = async (hello: Hello): Promise<void> => {
    const admission = await leading.admit(hello)
    if (isOver || leading.signal.aborted) return
    if ('refusal' in admission) {
      const { refusal } = admission
      logger.warn({ pool: `${hello.poolNamespace}/${hello.pool}`, worker: hello.worker, refusal }, 'worker refused')
      finish(status.PERMISSION_DENIED, refusal)
      return
    }
    const joined = await leading.dispatcher.join(hello, admission, {
      send: (message) => void stream.write(message),
      hangUp: (why) => finish(status.UNAVAILABLE, why),
    })
    if ('refusal' in joined) {
      logger.warn({ worker: hello.worker, refusal: joined.refusal }, 'worker refused')
      finish(status.ALREADY_EXISTS, joined.refusal)
      return
    }
    session = joined
    // The line may have gone while another process of this name was asked.
    if (isClosed()) gone()
  }
  stream.on('data', (message: WorkerMessage) => {
    if (session !== undefined) leading.dispatcher.received(session, message)
    // Until Welcome nothing counts; whatever it is, a worker says it again.
    else if (isGreeted) return
    else if (message.message.case === 'hello') {
      isGreeted = true
      greet(message.message.value).catch((error: unknown) => {
        logger.warn({ error: String(error) }, 'a worker could not be let in')
        finish(status.UNAVAILABLE, 'the cluster could not be asked; try again')
      })
    } else finish(status.FAILED_PRECONDITION, 'the first message must be Hello')
  })
}
