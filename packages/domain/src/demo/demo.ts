/** The quickstart as objects: a pool of one worker, a small model, a question. The same as in examples/quickstart. */
import { apiVersion } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import { managedByLabel } from '../workers/pool-names.ts'

export interface DemoSettings {
  readonly namespace: string
  /** Where the model comes from. */
  readonly modelUri: string
  /** What its bytes must be; undefined: whatever is found is pinned. */
  readonly modelDigest: string | undefined
}

export interface DemoObject extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>
}

/** In the order in which they are to be made. */
export function demoObjects({ namespace, modelUri, modelDigest }: DemoSettings): readonly DemoObject[] {
  const metadata = (name: string): KubeObject['metadata'] => ({ name, namespace, labels: managedByLabel })
  const source = { uri: modelUri, ...(modelDigest === undefined ? {} : { digest: modelDigest }) }
  const inference = {
    modelRef: { name: 'smollm2' },
    prompt: 'In two sentences, why is the sky blue?',
    parameters: { maxTokens: 96, temperature: 0, seed: 7 },
  }
  return [
    { apiVersion, kind: 'WorkerPool', metadata: metadata('demo'), spec: { replicas: 1 } },
    { apiVersion, kind: 'Model', metadata: metadata('smollm2'), spec: { source } },
    { apiVersion, kind: 'Job', metadata: metadata('hello'), spec: { inference } },
  ]
}
