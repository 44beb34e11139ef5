export { cached, cacheFolder } from './cache.ts'
export { type Cluster, type ClusterOptions, type ClusterUser, startCluster } from './cluster.ts'
export { freePort } from './process.ts'
export { clusterPrograms } from './programs.ts'
