/**
 * What MNEMOS calls a kind: its names, its scope, the zod schemas of its spec and status, and how kubectl shows it.
 *
 * `defineKind` is the single place where a kind comes into being; the CRD, the TypeScript types, the editor schema and
 * the reference page are all derived from the value it returns.
 */
import type { z } from 'zod'
import type { Rule } from './schema.ts'

export const group = 'mnemos.dev'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}` as const

export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly jsonPath: string
  readonly description?: string
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority?: 0 | 1
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface KindDefinition<Spec extends z.ZodType, Status extends z.ZodType, Kind extends string = string> {
  readonly kind: Kind
  readonly plural: string
  readonly singular: string
  readonly shortName: string
  readonly scope: 'Namespaced' | 'Cluster'
  readonly description: string
  readonly spec: Spec
  readonly status: Status
  /** What a new object shows before any controller has written: applied by the API server on read. */
  readonly statusDefault: z.input<Status>
  /** Rules over the whole object (`self.spec`, `self.status`, `oldSelf`). */
  readonly rules: readonly Rule[]
  readonly columns: readonly PrinterColumn[]
  readonly selectableFields: readonly string[]
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string }
}

/** Declares a kind. Returns its argument: the function exists so that the types are inferred and checked in one place. */
export function defineKind<Spec extends z.ZodType, Status extends z.ZodType, const Kind extends string>(
  definition: KindDefinition<Spec, Status, Kind>,
): KindDefinition<Spec, Status, Kind> {
  return definition
}

/** An object of a kind as the API server returns it: defaults applied. */
export interface ObjectOf<K extends KindDefinition<z.ZodType, z.ZodType>> {
  readonly apiVersion: typeof apiVersion
  readonly kind: K['kind']
  readonly metadata: ObjectMeta
  readonly spec: z.output<K['spec']>
  readonly status?: z.output<K['status']>
}

/** An object of a kind as a user writes it: whatever has a default may be left out. */
export interface InputOf<K extends KindDefinition<z.ZodType, z.ZodType>> {
  readonly apiVersion: typeof apiVersion
  readonly kind: K['kind']
  readonly metadata: ObjectMeta
  readonly spec: z.input<K['spec']>
}
