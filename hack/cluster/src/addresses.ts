/** Where things are inside the node's network. Nothing of it is reachable from outside the machine. */

export const nodeName = 'mnemos-node'
/** The pair of addresses between this machine and the node, with nothing but their connected route on either side. */
export const hostAddress = '10.199.0.1'
export const nodeAddress = '10.199.0.2'
export const linkPrefix = 30
export const hostLink = 'mnemos-node0'
export const nodeLink = 'host0'
/** Pods are on this bridge. */
export const bridge = 'mnemos0'
export const bridgeAddress = '10.244.0.1'
export const podRange = '10.244.0.0/24'
export const serviceRange = '10.96.0.0/16'
/** The first address of the Service range is the API server's own Service. */
export const apiServiceAddress = '10.96.0.1'
export const apiPort = 6443
export const clusterDomain = 'cluster.local'
