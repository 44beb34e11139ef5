/** The parts of a Job that runs an image in a pod of its own: what runs, what it asks of its node, where, and under which labels. */
import { z } from 'zod'
import { keyedBy, opaque } from '../schema.ts'
import { annotations, environmentName, labels, toleration, workerResources } from './pod-template.ts'
import { dnsName } from './references.ts'

/** Largest output that the result repeats, in bytes of UTF-8: what a kubelet keeps of our report is 4 KiB in all. */
export const maxInlineOutputBytes = 1024
/** Largest schema of an output, in bytes as JSON, and of all outputs of a Job together: they travel in the environment of a container. */
export const maxOutputSchemaBytes = 8 * 1024
export const maxOutputSchemasBytes = 64 * 1024
/** Largest output that is judged by a schema, in bytes. */
export const maxJudgedOutputBytes = 8 * 1024 * 1024

const argument = z.string().max(4096)

/** The folder of a file is a volume of its own, so it can be neither the root nor a folder that the system needs. */
const filePath = z
  .string()
  .max(512)
  .regex(/^(\/[A-Za-z0-9][A-Za-z0-9._-]*){2,16}$/)

/** Name of what a Job leaves behind or is given. */
const fileName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)

/** Where bytes of this namespace are. */
const inputSource = z
  .string()
  .max(1024)
  .regex(/^(artifact:\/\/[A-Za-z0-9][A-Za-z0-9._/-]*|job:\/\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/)

/** Where a prompt names one of its texts: its name, or nothing for the `$$(` that stands for a plain `$(`. */
export const inputReference = /\$(\$\()|\$\(inputs\.([a-z0-9-]{1,63})\)/g

/** Texts that an inference is given beside what stands in the Job. */
export const inferenceInputs = keyedBy(
  z
    .array(
      z.object({
        name: fileName.describe('`$(inputs.<name>)` in the prompt and in messages becomes the text; `$$(` is a plain `$(`.'),
        from: inputSource.describe(
          'artifact://outputs/<namespace>/… or artifact://files/<namespace>/… of this namespace, or job://<job>/<output> of it, which is waited for; the output of an inference is `text`.',
        ),
      }),
    )
    .max(16),
  'name',
)

const input = z.object({
  path: filePath.describe('Where the file appears in the container, e.g. /in/data.jsonl. Its folder holds nothing else of the image.'),
  from: inputSource.describe(
    'artifact://outputs/<namespace>/… or artifact://files/<namespace>/… of this namespace, or job://<job>/<output>: an output of a Job of this namespace, which is waited for; that of an inference is `result`, as JSON.',
  ),
})

const output = z.object({
  name: fileName.describe('Name by which others find it: job://<job>/<name>.'),
  path: filePath.describe('The file that the container leaves behind, e.g. /out/model.bin. Its folder is an empty volume at the start.'),
  inline: z
    .boolean()
    .optional()
    .describe('true: the result says what is in it, as `value`; UTF-8 of at most 1 KiB, and 3 KiB or so for all outputs of a Job.'),
  schema: opaque(
    'JSON Schema 2020-12 of at most 8 KiB that the file, JSON of at most 8 MiB, must satisfy, or the attempt fails.',
  ).optional(),
})

/** What is run. */
export const containerWork = z.object({
  image: z.string().min(1).max(512).describe('Image to run.'),
  command: z.array(argument).max(32).optional().describe("Program and first arguments; the image's own when absent."),
  args: z.array(argument).max(64).optional().describe("Arguments; the image's own when absent."),
  env: keyedBy(
    z
      .array(
        z.object({
          name: z.string().min(1).max(128).regex(environmentName).describe('Name of the variable.'),
          value: z.string().max(4096).default('').describe('Its value. Secrets do not belong here.'),
        }),
      )
      .max(64),
    'name',
  )
    .optional()
    .describe('Environment variables.'),
  workingDir: z.string().min(1).max(1024).optional().describe("Folder that the program starts in; the image's own when absent."),
  runAsUser: z
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .describe("Number of the user to run as; the image's own when absent. An image whose own user is root, or has only a name, needs it."),
  inputs: keyedBy(z.array(input).max(16), 'path').optional().describe('Files that are there when the container starts.'),
  outputs: keyedBy(z.array(output).max(16), 'name').optional().describe('Files that are kept when the container has succeeded.'),
})

/** What the pod asks of its node. */
export const jobResources = workerResources

/** Where the pod may run. */
export const jobPlacement = z.object({
  dedicated: z
    .boolean()
    .optional()
    .describe('true: an inference runs in a pod of its own for each attempt, not on a worker that serves many. A container always does.'),
  nodeSelector: labels.optional().describe('Labels that the node must have.'),
  tolerations: z.array(toleration).max(16).optional().describe('Taints of nodes that are borne.'),
  runtimeClassName: dnsName.optional().describe('RuntimeClass of the pod, e.g. nvidia.'),
  priorityClassName: dnsName.optional().describe('PriorityClass of the pod.'),
})

/** What the pod carries for others to see. */
export const jobPodMetadata = z.object({
  labels: labels.optional().describe('Labels of the pod, e.g. kueue.x-k8s.io/queue-name; those of MNEMOS itself stay.'),
  annotations: annotations.optional().describe('Annotations of the pod.'),
})

export type ContainerWork = z.output<typeof containerWork>
