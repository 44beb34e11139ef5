/**
 * The dispatch protocol for both ends: the service definition that gRPC libraries take, and one-line constructors of its
 * messages.
 *
 * Knows no gRPC library: `dispatchService` has the shape of a grpc-js ServiceDefinition, and the libraries are the processes'
 * business. What the messages mean stands in proto/mnemos/dispatch/v1/dispatch.proto.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttemptRef,
  AttemptRefSchema,
  type OperatorMessage,
  OperatorMessageSchema,
  type WorkerMessage,
  WorkerMessageSchema,
} from './gen/mnemos/dispatch/v1/dispatch_pb.ts'

export {
  type Ack,
  type Assign,
  type AttemptRef,
  AttemptRefSchema,
  type Cancel,
  type Capabilities,
  type Failure as AttemptFailure,
  type Heartbeat,
  type Hello,
  HelloSchema,
  type ModelState,
  type OperatorMessage,
  OperatorMessageSchema,
  type Preload,
  type Progress as AttemptProgress,
  type Released,
  type Result as AttemptResult,
  ResultSchema as AttemptResultSchema,
  type Started,
  type Success as AttemptSuccess,
  type Usage as AttemptUsage,
  Verdict,
  type WorkerMessage,
  WorkerMessageSchema,
} from './gen/mnemos/dispatch/v1/dispatch_pb.ts'

type WorkerInit = Exclude<NonNullable<MessageInitShape<typeof WorkerMessageSchema>['message']>, { case: undefined }>
type OperatorInit = Exclude<NonNullable<MessageInitShape<typeof OperatorMessageSchema>['message']>, { case: undefined }>

/** Largest message either side accepts, in bytes: an inline prompt, its JSON escapes and the envelope fit several times. */
export const maxDispatchMessageBytes = 1_048_576

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The service in the shape of a grpc-js ServiceDefinition: one method, `connect`, streaming both ways. */
export const dispatchService = {
  connect: {
    path: '/mnemos.dispatch.v1.Dispatch/Connect',
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: WorkerMessage): Buffer => asBuffer(toBinary(WorkerMessageSchema, message)),
    requestDeserialize: (bytes: Uint8Array): WorkerMessage => fromBinary(WorkerMessageSchema, bytes),
    responseSerialize: (message: OperatorMessage): Buffer => asBuffer(toBinary(OperatorMessageSchema, message)),
    responseDeserialize: (bytes: Uint8Array): OperatorMessage => fromBinary(OperatorMessageSchema, bytes),
  },
} as const

/** A message of a worker, e.g. `workerMessage({ case: 'started', value: { ref } })`. */
export const workerMessage = (message: WorkerInit): WorkerMessage => create(WorkerMessageSchema, { message })

/** A message of the operator under the leader's epoch, e.g. `operatorMessage(7n, { case: 'drain', value: {} })`. */
export const operatorMessage = (epoch: bigint, message: OperatorInit): OperatorMessage => create(OperatorMessageSchema, { epoch, message })

/** Names an attempt. */
export const attemptRef = (of: MessageInitShape<typeof AttemptRefSchema>): AttemptRef => create(AttemptRefSchema, of)

/** The key under which both sides know an attempt: `<job uid>/<attempt>`. */
export const attemptKey = (ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): string => `${ref.jobUid}/${ref.attempt}`
