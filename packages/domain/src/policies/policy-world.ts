/** What policies may know of the world at admission: plain questions with immediate answers. */
import type { PiiEntityName } from '@mnemos/api'
import type { CompiledPolicy } from './compile.ts'
import type { FindPii } from './rule-kind.ts'
import type { ModelFacts } from './subject.ts'

export interface PolicyWorld {
  /** Policies that may look at objects of a namespace (undefined: of none): its own, and all ClusterPolicies. */
  policiesOf(namespace: string | undefined): readonly CompiledPolicy[]
  namespaceLabels(namespace: string): Readonly<Record<string, string>>
  /** Facts of a Model, if Jobs of the namespace `from` may use it. */
  modelFacts(namespace: string, name: string, from: string): ModelFacts | undefined
  readonly findPii: FindPii
  /** The text with placeholders for the named kinds of personal data; of a text without any, the text itself. */
  redactPii(text: string, entities: readonly PiiEntityName[]): string
  /** Milliseconds since the epoch. */
  now(): number
}

/** A world without policies. */
export const noPolicies: PolicyWorld = {
  policiesOf: () => [],
  namespaceLabels: () => ({}),
  modelFacts: () => undefined,
  findPii: () => [],
  redactPii: (text) => text,
  now: () => 0,
}
