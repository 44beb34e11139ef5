/**
 * An operator for tests of the worker: the dispatch service over real gRPC on loopback, told by the test what to say.
 *
 * It decides nothing: it welcomes (or refuses), notes what workers say, and sends what it is given.
 */
import type { AddressInfo } from 'node:net'
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'
import { type Assign, type AttemptRef, dispatchService, type OperatorMessage, operatorMessage, type WorkerMessage } from '@mnemos/contract'

type Said = WorkerMessage['message']
type OfCase<Case extends Said['case']> = Extract<Said, { case: Case }>['value']
type Telling = Parameters<typeof operatorMessage>[1]

export interface FakeOperator {
  readonly address: string
  /** Everything workers said, in order. */
  readonly said: Said[]
  /** What they said of one kind. */
  heard<Case extends NonNullable<Said['case']>>(kind: Case): OfCase<Case>[]
  /** Sends to the newest stream, under the epoch. */
  tell(message: Telling, epoch?: bigint): void
  assign(of: Pick<Assign, 'work'> & { ref: AttemptRef } & Partial<Pick<Assign, 'token' | 'serverUrl' | 'runTimeoutMs'>>): void
  /** From now on: welcomes under this epoch, or answers UNAVAILABLE. */
  epoch: bigint
  isLeading: boolean
  heartbeatMs: number
  /** Ends all streams as a dying process would. */
  drop(): void
  streams(): number
  close(): void
}

export async function startFakeOperator(port = 0): Promise<FakeOperator> {
  const server = new Server()
  const streams = new Set<ServerDuplexStream<WorkerMessage, OperatorMessage>>()
  const said: Said[] = []
  server.addService(dispatchService, {
    connect: (stream: ServerDuplexStream<WorkerMessage, OperatorMessage>) => {
      stream.on('error', () => streams.delete(stream))
      stream.on('end', () => stream.end())
      stream.on('close', () => streams.delete(stream))
      stream.on('data', ({ message }: WorkerMessage) => {
        if (message.case === 'hello' && !operator.isLeading) {
          stream.emit('error', { code: status.UNAVAILABLE, details: 'not the leader' })
          return
        }
        said.push(message)
        if (message.case !== 'hello') return
        streams.add(stream)
        stream.write(operatorMessage(operator.epoch, { case: 'welcome', value: { heartbeatMs: operator.heartbeatMs } }))
      })
    },
  })
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, found) =>
      error === null ? resolve(found) : reject(error),
    )
  })
  const operator: FakeOperator = {
    address: `127.0.0.1:${bound satisfies AddressInfo['port']}`,
    said,
    epoch: 1n,
    isLeading: true,
    heartbeatMs: 50,
    heard: (kind) => said.flatMap((message) => (message.case === kind ? [message.value as OfCase<typeof kind>] : [])), // the case says so
    tell: (message, epoch = operator.epoch) => void [...streams].at(-1)?.write(operatorMessage(epoch, message)),
    assign: ({ ref, work, token = 'assignment-token', serverUrl = 'http://127.0.0.1:9', runTimeoutMs = 0 }) =>
      operator.tell({ case: 'assign', value: { ref, work, token, serverUrl, runTimeoutMs } }),
    drop: () => {
      for (const stream of streams) stream.emit('error', { code: status.UNAVAILABLE, details: 'gone' })
      streams.clear()
    },
    streams: () => streams.size,
    close: () => server.forceShutdown(),
  }
  return operator
}
