/** Shapes that several kinds share: references, namespaces that may use an object, names. */
import { z } from 'zod'
import { mapOf, rule } from '../schema.ts'

export const dnsName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

/** A reference to an object of a namespaced kind; without a namespace, the referrer's own. */
export const objectReference = z.object({
  name: dnsName.describe('Name of the object.'),
  namespace: dnsName.optional().describe('Namespace of the object; the namespace of the referring object when absent.'),
})

export const labelSelector = z.object({
  matchLabels: mapOf(z.string().max(63), { maxKeyLength: 317 }).optional().describe('Labels that must all be present.'),
})

/** Who outside the object's own namespace may use it. */
export const allowedNamespaces = rule(
  z.object({
    from: z
      .enum(['Same', 'Selector', 'All'])
      .default('Same')
      .describe('Same: only its own namespace. Selector: those the selector matches. All: every namespace.'),
    selector: labelSelector.optional().describe('Labels of the namespaces that may use it, with `from: Selector`.'),
  }),
  {
    rule: "self.from != 'Selector' || has(self.selector)",
    message: 'from Selector needs a selector',
    fieldPath: '.selector',
    reason: 'FieldValueRequired',
  },
)
