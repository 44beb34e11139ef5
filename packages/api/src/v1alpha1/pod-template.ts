/**
 * What a platform may lay over the pods that MNEMOS makes: where they run, under which names, with which image. The parts of a
 * PodSpec that make a pod a worker (its program, its security, its volumes) are not the user's.
 */
import { z } from 'zod'
import { keyedBy, mapOf, quantity, rule } from '../schema.ts'
import { dnsName } from './references.ts'

const labelKey = z.string().min(1).max(317)
const labelValue = z.string().max(63)
/** Labels of an object, or of a node to choose by. */
export const labels = mapOf(labelValue, { maxKeyLength: 317, maxKeys: 32 })
/** Annotations of an object. */
export const annotations = mapOf(z.string().max(4096), { maxKeyLength: 317, maxKeys: 32 })

const expression = z.object({
  key: labelKey.describe('Key of a label.'),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the label and the values relate.'),
  values: z.array(labelValue).max(32).optional().describe('Values, for In and NotIn.'),
})

const podLabelSelector = z.object({
  matchLabels: labels.optional().describe('Labels that must all be present.'),
  matchExpressions: z.array(expression).max(16).optional().describe('Conditions on labels that must all hold.'),
})

const nodeRequirement = z.object({
  key: labelKey.describe('Key of a label of the node.'),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']).describe('How the label and the values relate.'),
  values: z.array(labelValue).max(32).optional().describe('Values; one whole number for Gt and Lt.'),
})

const nodeTerm = z.object({
  matchExpressions: z.array(nodeRequirement).max(16).optional().describe('Conditions on labels of the node that must all hold.'),
})

const podTerm = z.object({
  labelSelector: podLabelSelector.optional().describe('Pods that count.'),
  namespaces: z.array(dnsName).max(32).optional().describe('Namespaces of those pods; the own one when absent.'),
  topologyKey: labelKey.describe('Label of the nodes that makes two of them one place, e.g. kubernetes.io/hostname.'),
})

const weight = z.int32().min(1).max(100).describe('How much it counts, 1 to 100.')
const podTerms = z.object({
  requiredDuringSchedulingIgnoredDuringExecution: z.array(podTerm).max(8).optional().describe('Must hold.'),
  preferredDuringSchedulingIgnoredDuringExecution: z
    .array(z.object({ weight, podAffinityTerm: podTerm.describe('What is preferred.') }))
    .max(8)
    .optional()
    .describe('Should hold.'),
})

const affinity = z.object({
  nodeAffinity: z
    .object({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .object({ nodeSelectorTerms: z.array(nodeTerm).min(1).max(8).describe('One of these must hold.') })
        .optional()
        .describe('Must hold.'),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(z.object({ weight, preference: nodeTerm.describe('What is preferred.') }))
        .max(8)
        .optional()
        .describe('Should hold.'),
    })
    .optional()
    .describe('Nodes.'),
  podAffinity: podTerms.optional().describe('Near these pods.'),
  podAntiAffinity: podTerms.optional().describe('Far from these pods.'),
})

/** A taint that a pod bears. */
export const toleration = z.object({
  key: z.string().max(317).optional().describe('Key of the taint; absent with Exists: every taint.'),
  operator: z.enum(['Exists', 'Equal']).optional().describe('Equal when absent.'),
  value: labelValue.optional().describe('Value of the taint, for Equal.'),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional().describe('Effect of the taint; absent: every effect.'),
  tolerationSeconds: z.int().min(0).optional().describe('How long a NoExecute taint is borne; for ever when absent.'),
})

const spread = z.object({
  maxSkew: z.int32().min(1).describe('How uneven it may be, in pods.'),
  topologyKey: labelKey.describe('Label of the nodes that makes two of them one place.'),
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']).describe('What to do when it would become more uneven.'),
  labelSelector: podLabelSelector.optional().describe('Pods that count.'),
  matchLabelKeys: z.array(labelKey).max(8).optional().describe('Labels of the pod itself that narrow the selector.'),
  minDomains: z.int32().min(1).optional().describe('Least number of places, with DoNotSchedule.'),
  nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).optional().describe('Whether node affinity narrows the places.'),
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional().describe('Whether taints narrow the places.'),
})

/** Form of the name of an environment variable. */
export const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The overlay on pods that MNEMOS makes. */
export const podTemplate = z.object({
  labels: labels.optional().describe('Labels of the pods, e.g. for a queue or a cost centre; those of MNEMOS itself stay.'),
  annotations: annotations.optional().describe('Annotations of the pods.'),
  image: z.string().min(1).max(512).optional().describe('Image of the worker instead of the one that the operator was given.'),
  imagePullSecrets: keyedBy(z.array(z.object({ name: dnsName.describe('Name of the Secret.') })).max(8), 'name')
    .optional()
    .describe('Secrets of the same namespace for pulling the image, beside those of the operator.'),
  nodeSelector: labels.optional().describe('Labels that a node must have.'),
  tolerations: z.array(toleration).max(16).optional().describe('Taints of nodes that are borne.'),
  affinity: affinity.optional().describe('Nodes and pods to be near to, or far from.'),
  topologySpreadConstraints: z.array(spread).max(8).optional().describe('How the pods spread over nodes and zones.'),
  runtimeClassName: dnsName.optional().describe('RuntimeClass of the pods, e.g. nvidia.'),
  priorityClassName: dnsName.optional().describe('PriorityClass of the pods.'),
  schedulerName: dnsName.optional().describe('Scheduler of the pods.'),
  serviceAccountName: dnsName
    .optional()
    .describe(
      'ServiceAccount of the pods, for image pulls or admission; no token of it is mounted. One without rights is made when absent.',
    ),
  env: keyedBy(
    z
      .array(
        z.object({
          name: z.string().min(1).max(128).regex(environmentName).describe('Name of the variable.'),
          value: z.string().max(1024).describe('Its value. Secrets do not belong here.'),
        }),
      )
      .max(32),
    'name',
  )
    .optional()
    .describe('More environment variables of the worker, e.g. MNEMOS_WORKER_ENGINE_THREADS; those that tie it to its pool stay.'),
})

const amounts = mapOf(quantity(), { maxKeys: 16, maxKeyLength: 317 })

/** What a worker, or the container of a Job, asks of its node. */
export const workerResources = z.object({
  requests: amounts.optional().describe('Least amounts, e.g. cpu, memory, nvidia.com/gpu.'),
  limits: amounts.optional().describe('Most amounts. Devices such as nvidia.com/gpu are the same in both; one of the two is enough.'),
})

/** A device that a driver of dynamic resource allocation hands to the pod. */
export const resourceClaim = rule(
  z.object({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe('Name of the claim in the pod.'),
    resourceClaimName: dnsName.optional().describe('A ResourceClaim of the same namespace, shared by all pods.'),
    resourceClaimTemplateName: dnsName
      .optional()
      .describe('A ResourceClaimTemplate of the same namespace: each pod gets a claim of its own.'),
  }),
  {
    rule: 'has(self.resourceClaimName) != has(self.resourceClaimTemplateName)',
    message: 'exactly one of resourceClaimName and resourceClaimTemplateName must be given',
    reason: 'FieldValueInvalid',
  },
)

export type ContainerResources = z.output<typeof workerResources>
export type PodTemplate = z.output<typeof podTemplate>
export type ResourceClaim = z.output<typeof resourceClaim>
