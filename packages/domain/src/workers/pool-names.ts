/** Names of what a WorkerPool owns, and the labels by which it is found: functions of the pool, so making one twice is making one. */
import { childName } from '../child-name.ts'

/** On everything that MNEMOS makes: caches of pods and the like hold only what carries it. */
export const managedByLabel = { 'app.kubernetes.io/managed-by': 'mnemos' } as const
/** On the pods of a pool: its name, or what `labelOf` makes of a long one. */
export const poolLabel = 'mnemos.dev/pool'

const maxLabel = 63
/** A ReplicaSet adds 11 characters, a pod 6 more; what is longer is cut by Kubernetes, and names could meet. */
const maxDeployment = 46

/** A name as the value of a label: itself, or cut with a hash that keeps cut names apart. */
export function labelOf(name: string): string {
  return name.length <= maxLabel ? name : childName(name, 'pool', name)
}

/** Name of the Deployment, ServiceAccount and NetworkPolicy of a pool. */
export function poolChildName(pool: string): string {
  const plain = `mnemos-${pool}`
  if (plain.length <= maxDeployment && !plain.includes('.')) return plain
  const hashed = childName(pool.replaceAll('.', '-'), 'pool', pool)
  const tail = hashed.slice(hashed.lastIndexOf('-'))
  return `${plain
    .replaceAll('.', '-')
    .slice(0, maxDeployment - tail.length)
    .replace(/-+$/, '')}${tail}`
}

export function poolLabels(pool: string): Readonly<Record<string, string>> {
  return { ...managedByLabel, 'app.kubernetes.io/component': 'neuron', [poolLabel]: labelOf(pool) }
}

/** The pods of a pool, as the selector of its Deployment; it can never change. */
export function poolSelector(pool: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/component': 'neuron', [poolLabel]: labelOf(pool) }
}

/**
 * The Secret of the system namespace with the token by which workers of an external pool join. There and not beside the pool, so
 * that the operator reads no Secret of anybody else; no namespace has a dot in its name, so no two pools share one.
 */
export function joinTokenSecret({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string {
  return `mnemos-join-${namespace}.${name}`
}
