export { type Access, applied, type PolicyRule, policyRules, type Verb, watched } from './access.ts'
export type { Cache, Indexers } from './cache.ts'
export { type CarryOutContext, carryOut, statusDiffers } from './carry-out.ts'
export {
  type Client,
  type ClientOptions,
  createClient,
  type Fence,
  type ListOptions,
  type PatchOptions,
  pathOf,
} from './client.ts'
export { type Clock, sleptThrough, systemClock, type Timer } from './clock.ts'
export { type Condition, type Fact, withConditions } from './conditions.ts'
export { type Controller, type ControllerSpec, controller, onChange, type Pass, type Reader, type Wake } from './controller.ts'
export { type Credentials, inClusterCredentials } from './credentials.ts'
export {
  hasStatus,
  isAlreadyExists,
  isConflict,
  isExpired,
  isFenceClosed,
  isNotFound,
  KubeError,
  type StatusCause,
  type StatusDetails,
} from './errors.ts'
export { createEventRecorder, type EventRecorder, events } from './events.ts'
export { type HealthOptions, type HealthServer, serveHealth } from './health-server.ts'
export { createInformer, type Informer, type InformerOptions } from './informer.ts'
export {
  createElector,
  defaultLeaseTiming,
  type Elector,
  type Leadership,
  type Lease,
  type LeaseTiming,
  leases,
  microTime,
} from './lease.ts'
export { ListenError, type Listener, listening } from './listening.ts'
export { type Logger, silentLogger } from './logger.ts'
export { type KubeMetrics, kubeMetrics } from './metrics.ts'
export { controllerOf, controllerReference, isControlledBy, withFinalizer, withoutFinalizer } from './owners.ts'
export type { EventNote, Next, ObjectPatch, Plan, Removal } from './plan.ts'
export { createQueue, type QueueOptions, type WorkQueue } from './queue.ts'
export { type Change, defaultTiming, type ReflectorState, type ReflectorTiming } from './reflector.ts'
export { createRuntime, type Runtime, type RuntimeOptions } from './runtime.ts'
export type { RequestOptions } from './send.ts'
export { openStream } from './stream.ts'
export {
  apiVersionOf,
  compareResourceVersions,
  type KubeObject,
  keyOf,
  nameOfKey,
  type ObjectMeta,
  type ObjectName,
  type OwnerReference,
  type Resource,
  resource,
  type UntypedObject,
} from './types.ts'
export { type WatchEvent, type WatchOptions, watch } from './watch.ts'
