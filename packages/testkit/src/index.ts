export * from './builders.ts'
export { type EventuallyOptions, eventually } from './eventually.ts'
export { startTestCluster, type TestCluster, type TestClusterOptions } from './test-cluster.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
