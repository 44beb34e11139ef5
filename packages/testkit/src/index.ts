export * from './builders.ts'
export { type EventuallyOptions, eventually } from './eventually.ts'
export {
  type Fault,
  type FaultHandle,
  type FaultProxy,
  type FaultRule,
  type LoggedRequest,
  startFaultProxy,
  type Upstream,
} from './fault-proxy.ts'
export { type MemoryClient, memoryClient } from './memory-client.ts'
export { type RedisServer, startRedisServer } from './redis-server.ts'
export { type S3Server, startS3Server } from './s3-server.ts'
export { seaweedfs } from './seaweedfs.ts'
export type { StoreProcess } from './store-process.ts'
export { startTcpBalancer, type TcpBalancer } from './tcp-balancer.ts'
export { startTcpProxy, type TcpFault, type TcpProxy } from './tcp-proxy.ts'
export { startTestCluster, type TestCluster, type TestClusterOptions } from './test-cluster.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
