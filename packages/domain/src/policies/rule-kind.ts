/** What every type of rule has in common. */
import type { Path, PiiEntityName, PolicedKind } from '@mnemos/api'
import type { PolicySubject } from './subject.ts'

/** Personal data in a text, as far as a rule needs to know it. */
export type FindPii = (text: string, entities: readonly PiiEntityName[]) => readonly { readonly entity: PiiEntityName }[]

/** What a rule may ask beside its subject. */
export interface RuleContext {
  readonly findPii: FindPii
}

/** One thing that a rule found. Its message names no value that may be personal. */
export interface RuleFinding {
  readonly path: Path
  readonly message: string
  readonly suggestion?: string
  /** Absent: what the mode of the policy says. `Warn` never refuses; `Redact` is rewritten where that is possible. */
  readonly action?: 'Warn' | 'Redact'
  /** Only with `Redact`. */
  readonly entity?: PiiEntityName
}

/** A rule, ready to judge. */
export interface Judgement {
  /** Kinds that the rule has an opinion on. */
  readonly kinds: readonly PolicedKind[]
  /** Those of them that it judges only where `match.kinds` names them. */
  readonly whenNamed?: readonly PolicedKind[]
  judge(subject: PolicySubject, context: RuleContext): readonly RuleFinding[]
}

/** A part of a policy that cannot be judged, at a path below the rule. */
export interface CompileProblem {
  readonly path: Path
  readonly message: string
  readonly suggestion?: string
}

export type Compiled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly CompileProblem[] }

export const compiled = <T>(value: T): Compiled<T> => ({ ok: true, value })
export const broken = (...problems: readonly CompileProblem[]): Compiled<never> => ({ ok: false, problems })
