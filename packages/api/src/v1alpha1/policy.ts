/** Policy and ClusterPolicy: what objects of MNEMOS must be like, beyond what their kind demands. */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf, type PrinterColumn } from '../kind.ts'
import { clusterPolicySpec, policySpec } from './policy-rules.ts'

/** Violations that are listed in a status; the rest is only counted. */
export const maxListedViolations = 20

const status = z.object({
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  matched: z.int32().min(0).optional().describe('Objects that exist and that the policy looks at.'),
  violations: z.int32().min(0).optional().describe('How many of them it would not admit today.'),
  violating: z
    .array(
      z.object({
        kind: z.string().max(63).describe('Kind of the object.'),
        namespace: z.string().max(63).optional().describe('Its namespace.'),
        name: z.string().max(253).describe('Its name.'),
        rule: z.string().max(63).describe('The rule that it breaks.'),
        field: z.string().max(256).describe('Where.'),
        message: z.string().max(256).describe('What is wrong; never the text itself.'),
      }),
    )
    .max(maxListedViolations)
    .optional()
    .describe('The first of the violations, by kind, namespace and name.'),
  conditions: conditions.default([]),
})

const columns: readonly PrinterColumn[] = [
  { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
  { name: 'Matched', type: 'integer', jsonPath: '.status.matched' },
  { name: 'Violations', type: 'integer', jsonPath: '.status.violations' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

export const policyKind = defineKind({
  kind: 'Policy',
  plural: 'mnemospolicies',
  singular: 'mnemospolicy',
  shortName: 'mnpol',
  scope: 'Namespaced',
  description: 'Rules for the objects of one namespace. It can only make things stricter.',
  spec: policySpec,
  status,
  statusDefault: {},
  rules: [],
  columns,
  selectableFields: [],
})

export const clusterPolicyKind = defineKind({
  kind: 'ClusterPolicy',
  plural: 'mnemosclusterpolicies',
  singular: 'mnemosclusterpolicy',
  shortName: 'mncpol',
  scope: 'Cluster',
  description: 'Rules for the objects of any namespaces, with exceptions that expire.',
  spec: clusterPolicySpec,
  status,
  statusDefault: {},
  rules: [],
  columns,
  selectableFields: [],
})

export type Policy = ObjectOf<typeof policyKind>
export type PolicyInput = InputOf<typeof policyKind>
export type ClusterPolicy = ObjectOf<typeof clusterPolicyKind>
export type ClusterPolicyInput = InputOf<typeof clusterPolicyKind>
export type PolicyStatus = z.output<typeof status>
