/** Constructs and specs of every kind. Generated from packages/api by `npm run generate`. Do not edit. */
import type { Duration, Size } from 'cdk8s'
import type { Construct } from 'constructs'
import { MnemosObject, type ObjectProps } from '../mnemos-object.ts'
import type { NamedReference, NameOf, ReferenceTo } from '../reference.ts'

/** What a Model is to be. A language model: where its bytes come from, how they are verified, who may use them. */
export interface ModelSpec {
  /** Where the bytes come from. */
  readonly source: ModelSource
  /** Model family, e.g. llama; detected when absent. */
  readonly family?: string | undefined
  /** Version of the model as its makers call it. */
  readonly version?: string | undefined
  /** File format; detected when absent. */
  readonly format?: "gguf" | "safetensors" | undefined
  /** SPDX expression; detected when absent. */
  readonly license?: string | undefined
  /** How the model is run. An alias is run as its target is. Default: {"engine":"llama-cpp"}. */
  readonly runtime?: ModelRuntime | undefined
  /** Keeps the model loaded and answering. Ready then means that a token came out; without it, that the bytes are verified. */
  readonly serving?: ModelServing | undefined
  /** Namespaces whose Jobs may use the model. Default: {"from":"Same"}. */
  readonly allowedNamespaces?: ModelAllowedNamespaces | undefined
}

/** Namespaces whose Jobs may use the model. */
export interface ModelAllowedNamespaces {
  /** Same: only its own namespace. Selector: those the selector matches. All: every namespace. Default: "Same". */
  readonly from?: "Same" | "Selector" | "All" | undefined
  /** Labels of the namespaces that may use it, with `from: Selector`. */
  readonly selector?: ModelAllowedNamespacesSelector | undefined
}

/** Labels of the namespaces that may use it, with `from: Selector`. */
export interface ModelAllowedNamespacesSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
}

/** Keeps the model loaded and answering. Ready then means that a token came out; without it, that the bytes are verified. */
export interface ModelServing {
  /** WorkerPool whose workers keep the model in memory; it must allow this namespace. */
  readonly poolRef?: ReferenceTo<'WorkerPool'> | undefined
  /** A WorkerPool of its own is made, whose workers ask this of their nodes. For placement on nodes, make a pool and use poolRef. */
  readonly resources?: ModelServingResources | undefined
  /** Fewest workers of the own pool; 1 when absent. */
  readonly minReplicas?: number | undefined
  /** Most workers of the own pool; as many as minReplicas, and at least 1, when absent. */
  readonly maxReplicas?: number | undefined
}

/** A WorkerPool of its own is made, whose workers ask this of their nodes. For placement on nodes, make a pool and use poolRef. */
export interface ModelServingResources {
  /** Least amounts, e.g. cpu, memory, nvidia.com/gpu. */
  readonly requests?: Readonly<Record<string, number | string | Size>> | undefined
  /** Most amounts. Devices such as nvidia.com/gpu are the same in both; one of the two is enough. */
  readonly limits?: Readonly<Record<string, number | string | Size>> | undefined
}

/** How the model is run. An alias is run as its target is. */
export interface ModelRuntime {
  /** Engine that loads the model. Default: "llama-cpp". */
  readonly engine?: "llama-cpp" | "vllm" | "pytorch" | undefined
  /** Settings of the engine, as it names them. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
}

/** Where the bytes come from. */
export interface ModelSource {
  /** Where the bytes are: s3://, https://, hf://, oci://, pvc://, file:// (development), job://<job>/<output> (waits for that Job), artifact://<key> of this namespace, or model://<name>: an alias of another Model of this namespace. */
  readonly uri: string
  /** SHA-256 the bytes must have, as sha256:<64 hex digits>. Absent: the import pins what it found in status.digest. */
  readonly digest?: string | undefined
  /** Secret in the same namespace with credentials for the source; mounted only where the import runs. */
  readonly secretRef?: NamedReference | undefined
}

/** A language model: where its bytes come from, how they are verified, who may use them. */
export class Model extends MnemosObject<'Model', ModelSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<ModelSpec>) {
    super(scope, id, 'Model', [], props)
  }
}

/** What a Job is to be. One piece of LLM work: queued, explained, retried and fenced. */
export interface JobSpec {
  /** Ask a model. */
  readonly inference?: JobInference | undefined
  /** Run any image, in a pod of its own for each attempt. */
  readonly container?: JobContainer | undefined
  /** What the pod asks of its node. Only with container or placement.dedicated. */
  readonly resources?: JobResources | undefined
  /** Where the pod may run. Only with container, or with dedicated: true. */
  readonly placement?: JobPlacement | undefined
  /** Labels and annotations of the pod. Only with container or placement.dedicated. */
  readonly podMetadata?: JobPodMetadata | undefined
  /** A task of the platform itself. */
  readonly maintenance?: JobMaintenance | undefined
  /** The Queue that the Job waits in. Default: "default". */
  readonly queue?: NameOf<'Queue'> | undefined
  /** Who goes first in a queue: critical, high, normal, low. Default: "normal". */
  readonly priority?: "critical" | "high" | "normal" | "low" | undefined
  /** Jobs of the same namespace that must have succeeded first. */
  readonly dependsOn?: readonly (NameOf<'Job'>)[] | undefined
  /** When to give up. */
  readonly deadlines?: JobDeadlines | undefined
  /** How failures are retried. Default: {"limit":3}. */
  readonly retry?: JobRetry | undefined
  /** Delete the Job this long after it ended; kept when absent. */
  readonly ttlSecondsAfterFinished?: number | Duration | undefined
  /** Hold the Job: it is not started while true. Default: false. */
  readonly suspend?: boolean | undefined
  /** Stop the Job for good. Once true it stays true. Default: false. */
  readonly cancel?: boolean | undefined
}

/** How failures are retried. */
export interface JobRetry {
  /** Failed attempts after which the Job is given up. Default: 3. */
  readonly limit?: number | undefined
}

/** When to give up. */
export interface JobDeadlines {
  /** Longest wait from creation to the first start. */
  readonly queueSeconds?: number | Duration | undefined
  /** Longest run of one attempt. */
  readonly runSeconds?: number | Duration | undefined
}

/** A task of the platform itself. */
export interface JobMaintenance {
  /** The built-in task to run. */
  readonly task: "ImportModel"
  /** Parameters of the task. ImportModel: uri, digest when one is demanded, and key: the object that a job:// stands for. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
}

/** Labels and annotations of the pod. Only with container or placement.dedicated. */
export interface JobPodMetadata {
  /** Labels of the pod, e.g. kueue.x-k8s.io/queue-name; those of MNEMOS itself stay. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Annotations of the pod. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** Where the pod may run. Only with container, or with dedicated: true. */
export interface JobPlacement {
  /** true: an inference runs in a pod of its own for each attempt, not on a worker that serves many. A container always does. */
  readonly dedicated?: boolean | undefined
  /** Labels that the node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined
  /** Taints of nodes that are borne. */
  readonly tolerations?: readonly (JobPlacementTolerations)[] | undefined
  /** RuntimeClass of the pod, e.g. nvidia. */
  readonly runtimeClassName?: string | undefined
  /** PriorityClass of the pod. */
  readonly priorityClassName?: string | undefined
}

/** Part of the spec of a Job. */
export interface JobPlacementTolerations {
  /** Key of the taint; absent with Exists: every taint. */
  readonly key?: string | undefined
  /** Equal when absent. */
  readonly operator?: "Exists" | "Equal" | undefined
  /** Value of the taint, for Equal. */
  readonly value?: string | undefined
  /** Effect of the taint; absent: every effect. */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute" | undefined
  /** How long a NoExecute taint is borne; for ever when absent. */
  readonly tolerationSeconds?: number | Duration | undefined
}

/** What the pod asks of its node. Only with container or placement.dedicated. */
export interface JobResources {
  /** Least amounts, e.g. cpu, memory, nvidia.com/gpu. */
  readonly requests?: Readonly<Record<string, number | string | Size>> | undefined
  /** Most amounts. Devices such as nvidia.com/gpu are the same in both; one of the two is enough. */
  readonly limits?: Readonly<Record<string, number | string | Size>> | undefined
}

/** Run any image, in a pod of its own for each attempt. */
export interface JobContainer {
  /** Image to run. */
  readonly image: string
  /** Program and first arguments; the image's own when absent. */
  readonly command?: readonly (string)[] | undefined
  /** Arguments; the image's own when absent. */
  readonly args?: readonly (string)[] | undefined
  /** Environment variables. */
  readonly env?: readonly (JobContainerEnv)[] | undefined
  /** Folder that the program starts in; the image's own when absent. */
  readonly workingDir?: string | undefined
  /** Number of the user to run as; the image's own when absent. An image whose own user is root, or has only a name, needs it. */
  readonly runAsUser?: number | undefined
  /** Files that are there when the container starts. */
  readonly inputs?: readonly (JobContainerInputs)[] | undefined
  /** Files that are kept when the container has succeeded. */
  readonly outputs?: readonly (JobContainerOutputs)[] | undefined
}

/** Part of the spec of a Job. */
export interface JobContainerOutputs {
  /** Name by which others find it: job://<job>/<name>. */
  readonly name: string
  /** The file that the container leaves behind, e.g. /out/model.bin. Its folder is an empty volume at the start. */
  readonly path: string
  /** true: the result says what is in it, as `value`; UTF-8 of at most 1 KiB, and 3 KiB or so for all outputs of a Job. */
  readonly inline?: boolean | undefined
  /** JSON Schema 2020-12 of at most 8 KiB that the file, JSON of at most 8 MiB, must satisfy, or the attempt fails. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined
}

/** Part of the spec of a Job. */
export interface JobContainerInputs {
  /** Where the file appears in the container, e.g. /in/data.jsonl. Its folder holds nothing else of the image. */
  readonly path: string
  /** artifact://outputs/<namespace>/… or artifact://files/<namespace>/… of this namespace, or job://<job>/<output>: an output of a Job of this namespace, which is waited for; that of an inference is `result`, as JSON. */
  readonly from: string
}

/** Part of the spec of a Job. */
export interface JobContainerEnv {
  /** Name of the variable. */
  readonly name: string
  /** Its value. Secrets do not belong here. Default: "". */
  readonly value?: string | undefined
}

/** Ask a model. */
export interface JobInference {
  /** The Model that answers. */
  readonly modelRef: ReferenceTo<'Model'>
  /** The text to continue or answer (at most 16 KiB). */
  readonly prompt?: string | undefined
  /** A conversation; the model writes its next message. */
  readonly messages?: readonly (JobInferenceMessages)[] | undefined
  /** Texts by reference, UTF-8, of at most 1 MiB each: what is too large for the Job, or comes from another one. */
  readonly inputs?: readonly (JobInferenceInputs)[] | undefined
  /** How tokens are chosen. Default: {"maxTokens":256}. */
  readonly parameters?: JobInferenceParameters | undefined
}

/** How tokens are chosen. */
export interface JobInferenceParameters {
  /** Most tokens to generate. Default: 256. */
  readonly maxTokens?: number | undefined
  /** Sampling temperature; the engine decides when absent. */
  readonly temperature?: number | undefined
  /** Nucleus sampling: share of probability mass to sample from. */
  readonly topP?: number | undefined
  /** Sample only from the k likeliest tokens; 0 is no limit. */
  readonly topK?: number | undefined
  /** Seed of the sampler; the same seed, model and engine repeat the answer. */
  readonly seed?: number | undefined
  /** Texts that end the answer. */
  readonly stop?: readonly (string)[] | undefined
}

/** Part of the spec of a Job. */
export interface JobInferenceInputs {
  /** `$(inputs.<name>)` in the prompt and in messages becomes the text; `$$(` is a plain `$(`. */
  readonly name: string
  /** artifact://outputs/<namespace>/… or artifact://files/<namespace>/… of this namespace, or job://<job>/<output> of it, which is waited for; the output of an inference is `text`. */
  readonly from: string
}

/** Part of the spec of a Job. */
export interface JobInferenceMessages {
  /** Who says it. */
  readonly role: "system" | "user" | "assistant"
  /** What is said. */
  readonly content: string
}

/** One piece of LLM work: queued, explained, retried and fenced. */
export class Job extends MnemosObject<'Job', JobSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<JobSpec> = { spec: {} }) {
    super(scope, id, 'Job', ["queue","dependsOn[]"], props)
  }
}

/** What a Queue is to be. A line in which Jobs wait for their turn. */
export interface QueueSpec {
  /** Namespaces whose Jobs may wait here; all when absent. */
  readonly namespaceSelector?: QueueNamespaceSelector | undefined
  /** The highest priority that Jobs of this queue may ask for. Default: "critical". */
  readonly maxPriority?: "critical" | "high" | "normal" | "low" | undefined
}

/** Namespaces whose Jobs may wait here; all when absent. */
export interface QueueNamespaceSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
}

/** A line in which Jobs wait for their turn. */
export class Queue extends MnemosObject<'Queue', QueueSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<QueueSpec> = { spec: {} }) {
    super(scope, id, 'Queue', [], props)
  }
}

/** What a WorkerPool is to be. Workers of one shape. */
export interface WorkerPoolSpec {
  /** The pool makes no pods: its workers are started elsewhere and join with a token. Default: false. */
  readonly external?: boolean | undefined
  /** Engines that workers of this pool run. Default: ["llama-cpp"]. */
  readonly engines?: readonly ("llama-cpp" | "vllm" | "pytorch")[] | undefined
  /** Models to load ahead of the first Job (a hint). */
  readonly models?: readonly (ReferenceTo<'Model'>)[] | undefined
  /** The Queue that pays for the pods of this pool. */
  readonly queue?: NameOf<'Queue'> | undefined
  /** Namespaces whose Jobs may run here. Default: {"from":"Same"}. */
  readonly allowedNamespaces?: WorkerPoolAllowedNamespaces | undefined
  /** How many workers, within the bounds of scaling; also set by `kubectl scale` and autoscalers. Unused with external. Default: 1. */
  readonly replicas?: number | undefined
  /** Bounds for the number of workers. */
  readonly scaling?: WorkerPoolScaling | undefined
  /** Jobs that one worker runs at once. Unused with external. Default: 1. */
  readonly slots?: number | undefined
  /** What each worker asks of its node. Absent: requests of 500m cpu and 1Gi memory, no limits. */
  readonly resources?: WorkerPoolResources | undefined
  /** Devices by dynamic resource allocation (DRA); every worker uses all of them. */
  readonly resourceClaims?: readonly (WorkerPoolResourceClaims)[] | undefined
  /** What is laid over the pods. */
  readonly podTemplate?: WorkerPoolPodTemplate | undefined
  /** Where workers keep models. Absent: 20Gi on the node. */
  readonly cache?: WorkerPoolCache | undefined
  /** What the pods may reach. Closed: name resolution and MNEMOS alone. Sources: also HTTPS (port 443) outside of private address ranges, for Models imported from there. Open: no NetworkPolicy is made. Unused with external. Default: "Closed". */
  readonly network?: "Closed" | "Sources" | "Open" | undefined
  /** How long a worker that is to go may finish what it runs, in seconds. Unused with external. Default: 600. */
  readonly terminationGracePeriodSeconds?: number | Duration | undefined
}

/** Where workers keep models. Absent: 20Gi on the node. */
export interface WorkerPoolCache {
  /** Room for models and results on each worker; 90 % of it are for models. Default: "20Gi". */
  readonly sizeLimit?: number | string | Size | undefined
  /** Each worker gets a volume claim of its own that goes with its pod. Absent: room on the node (emptyDir). */
  readonly volumeClaim?: WorkerPoolCacheVolumeClaim | undefined
}

/** Each worker gets a volume claim of its own that goes with its pod. Absent: room on the node (emptyDir). */
export interface WorkerPoolCacheVolumeClaim {
  /** StorageClass of the claim; the cluster's default when absent. */
  readonly storageClassName?: string | undefined
}

/** What is laid over the pods. */
export interface WorkerPoolPodTemplate {
  /** Labels of the pods, e.g. for a queue or a cost centre; those of MNEMOS itself stay. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Annotations of the pods. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
  /** Image of the worker instead of the one that the operator was given. */
  readonly image?: string | undefined
  /** Secrets of the same namespace for pulling the image, beside those of the operator. */
  readonly imagePullSecrets?: readonly (WorkerPoolPodTemplateImagePullSecrets)[] | undefined
  /** Labels that a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined
  /** Taints of nodes that are borne. */
  readonly tolerations?: readonly (WorkerPoolPodTemplateTolerations)[] | undefined
  /** Nodes and pods to be near to, or far from. */
  readonly affinity?: WorkerPoolPodTemplateAffinity | undefined
  /** How the pods spread over nodes and zones. */
  readonly topologySpreadConstraints?: readonly (WorkerPoolPodTemplateTopologySpreadConstraints)[] | undefined
  /** RuntimeClass of the pods, e.g. nvidia. */
  readonly runtimeClassName?: string | undefined
  /** PriorityClass of the pods. */
  readonly priorityClassName?: string | undefined
  /** Scheduler of the pods. */
  readonly schedulerName?: string | undefined
  /** ServiceAccount of the pods, for image pulls or admission; no token of it is mounted. One without rights is made when absent. */
  readonly serviceAccountName?: string | undefined
  /** More environment variables of the worker, e.g. MNEMOS_WORKER_ENGINE_THREADS; those that tie it to its pool stay. */
  readonly env?: readonly (WorkerPoolPodTemplateEnv)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateEnv {
  /** Name of the variable. */
  readonly name: string
  /** Its value. Secrets do not belong here. */
  readonly value: string
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateTopologySpreadConstraints {
  /** How uneven it may be, in pods. */
  readonly maxSkew: number
  /** Label of the nodes that makes two of them one place. */
  readonly topologyKey: string
  /** What to do when it would become more uneven. */
  readonly whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway"
  /** Pods that count. */
  readonly labelSelector?: WorkerPoolPodTemplateTopologySpreadConstraintsLabelSelector | undefined
  /** Labels of the pod itself that narrow the selector. */
  readonly matchLabelKeys?: readonly (string)[] | undefined
  /** Least number of places, with DoNotSchedule. */
  readonly minDomains?: number | undefined
  /** Whether node affinity narrows the places. */
  readonly nodeAffinityPolicy?: "Honor" | "Ignore" | undefined
  /** Whether taints narrow the places. */
  readonly nodeTaintsPolicy?: "Honor" | "Ignore" | undefined
}

/** Pods that count. */
export interface WorkerPoolPodTemplateTopologySpreadConstraintsLabelSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
  /** Conditions on labels that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateTopologySpreadConstraintsLabelSelectorMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateTopologySpreadConstraintsLabelSelectorMatchExpressions {
  /** Key of a label. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
  /** Values, for In and NotIn. */
  readonly values?: readonly (string)[] | undefined
}

/** Nodes and pods to be near to, or far from. */
export interface WorkerPoolPodTemplateAffinity {
  /** Nodes. */
  readonly nodeAffinity?: WorkerPoolPodTemplateAffinityNodeAffinity | undefined
  /** Near these pods. */
  readonly podAffinity?: WorkerPoolPodTemplateAffinityPodAffinity | undefined
  /** Far from these pods. */
  readonly podAntiAffinity?: WorkerPoolPodTemplateAffinityPodAntiAffinity | undefined
}

/** Far from these pods. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinity {
  /** Must hold. */
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly (WorkerPoolPodTemplateAffinityPodAntiAffinityRequiredDuringSchedulingIgnoredDuringExecution)[] | undefined
  /** Should hold. */
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly (WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecution)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecution {
  /** How much it counts, 1 to 100. */
  readonly weight: number
  /** What is preferred. */
  readonly podAffinityTerm: WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTerm
}

/** What is preferred. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTerm {
  /** Pods that count. */
  readonly labelSelector?: WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelector | undefined
  /** Namespaces of those pods; the own one when absent. */
  readonly namespaces?: readonly (string)[] | undefined
  /** Label of the nodes that makes two of them one place, e.g. kubernetes.io/hostname. */
  readonly topologyKey: string
}

/** Pods that count. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
  /** Conditions on labels that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelectorMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelectorMatchExpressions {
  /** Key of a label. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
  /** Values, for In and NotIn. */
  readonly values?: readonly (string)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityRequiredDuringSchedulingIgnoredDuringExecution {
  /** Pods that count. */
  readonly labelSelector?: WorkerPoolPodTemplateAffinityPodAntiAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelector | undefined
  /** Namespaces of those pods; the own one when absent. */
  readonly namespaces?: readonly (string)[] | undefined
  /** Label of the nodes that makes two of them one place, e.g. kubernetes.io/hostname. */
  readonly topologyKey: string
}

/** Pods that count. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
  /** Conditions on labels that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateAffinityPodAntiAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelectorMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAntiAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelectorMatchExpressions {
  /** Key of a label. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
  /** Values, for In and NotIn. */
  readonly values?: readonly (string)[] | undefined
}

/** Near these pods. */
export interface WorkerPoolPodTemplateAffinityPodAffinity {
  /** Must hold. */
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly (WorkerPoolPodTemplateAffinityPodAffinityRequiredDuringSchedulingIgnoredDuringExecution)[] | undefined
  /** Should hold. */
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly (WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecution)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecution {
  /** How much it counts, 1 to 100. */
  readonly weight: number
  /** What is preferred. */
  readonly podAffinityTerm: WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTerm
}

/** What is preferred. */
export interface WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTerm {
  /** Pods that count. */
  readonly labelSelector?: WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelector | undefined
  /** Namespaces of those pods; the own one when absent. */
  readonly namespaces?: readonly (string)[] | undefined
  /** Label of the nodes that makes two of them one place, e.g. kubernetes.io/hostname. */
  readonly topologyKey: string
}

/** Pods that count. */
export interface WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
  /** Conditions on labels that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelectorMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAffinityPreferredDuringSchedulingIgnoredDuringExecutionPodAffinityTermLabelSelectorMatchExpressions {
  /** Key of a label. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
  /** Values, for In and NotIn. */
  readonly values?: readonly (string)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAffinityRequiredDuringSchedulingIgnoredDuringExecution {
  /** Pods that count. */
  readonly labelSelector?: WorkerPoolPodTemplateAffinityPodAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelector | undefined
  /** Namespaces of those pods; the own one when absent. */
  readonly namespaces?: readonly (string)[] | undefined
  /** Label of the nodes that makes two of them one place, e.g. kubernetes.io/hostname. */
  readonly topologyKey: string
}

/** Pods that count. */
export interface WorkerPoolPodTemplateAffinityPodAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
  /** Conditions on labels that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateAffinityPodAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelectorMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityPodAffinityRequiredDuringSchedulingIgnoredDuringExecutionLabelSelectorMatchExpressions {
  /** Key of a label. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
  /** Values, for In and NotIn. */
  readonly values?: readonly (string)[] | undefined
}

/** Nodes. */
export interface WorkerPoolPodTemplateAffinityNodeAffinity {
  /** Must hold. */
  readonly requiredDuringSchedulingIgnoredDuringExecution?: WorkerPoolPodTemplateAffinityNodeAffinityRequiredDuringSchedulingIgnoredDuringExecution | undefined
  /** Should hold. */
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly (WorkerPoolPodTemplateAffinityNodeAffinityPreferredDuringSchedulingIgnoredDuringExecution)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityNodeAffinityPreferredDuringSchedulingIgnoredDuringExecution {
  /** How much it counts, 1 to 100. */
  readonly weight: number
  /** What is preferred. */
  readonly preference: WorkerPoolPodTemplateAffinityNodeAffinityPreferredDuringSchedulingIgnoredDuringExecutionPreference
}

/** What is preferred. */
export interface WorkerPoolPodTemplateAffinityNodeAffinityPreferredDuringSchedulingIgnoredDuringExecutionPreference {
  /** Conditions on labels of the node that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateAffinityNodeAffinityPreferredDuringSchedulingIgnoredDuringExecutionPreferenceMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityNodeAffinityPreferredDuringSchedulingIgnoredDuringExecutionPreferenceMatchExpressions {
  /** Key of a label of the node. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt"
  /** Values; one whole number for Gt and Lt. */
  readonly values?: readonly (string)[] | undefined
}

/** Must hold. */
export interface WorkerPoolPodTemplateAffinityNodeAffinityRequiredDuringSchedulingIgnoredDuringExecution {
  /** One of these must hold. */
  readonly nodeSelectorTerms: readonly (WorkerPoolPodTemplateAffinityNodeAffinityRequiredDuringSchedulingIgnoredDuringExecutionNodeSelectorTerms)[]
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityNodeAffinityRequiredDuringSchedulingIgnoredDuringExecutionNodeSelectorTerms {
  /** Conditions on labels of the node that must all hold. */
  readonly matchExpressions?: readonly (WorkerPoolPodTemplateAffinityNodeAffinityRequiredDuringSchedulingIgnoredDuringExecutionNodeSelectorTermsMatchExpressions)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateAffinityNodeAffinityRequiredDuringSchedulingIgnoredDuringExecutionNodeSelectorTermsMatchExpressions {
  /** Key of a label of the node. */
  readonly key: string
  /** How the label and the values relate. */
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt"
  /** Values; one whole number for Gt and Lt. */
  readonly values?: readonly (string)[] | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateTolerations {
  /** Key of the taint; absent with Exists: every taint. */
  readonly key?: string | undefined
  /** Equal when absent. */
  readonly operator?: "Exists" | "Equal" | undefined
  /** Value of the taint, for Equal. */
  readonly value?: string | undefined
  /** Effect of the taint; absent: every effect. */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute" | undefined
  /** How long a NoExecute taint is borne; for ever when absent. */
  readonly tolerationSeconds?: number | Duration | undefined
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolPodTemplateImagePullSecrets {
  /** Name of the Secret. */
  readonly name: string
}

/** Part of the spec of a WorkerPool. */
export interface WorkerPoolResourceClaims {
  /** Name of the claim in the pod. */
  readonly name: string
  /** A ResourceClaim of the same namespace, shared by all pods. */
  readonly resourceClaimName?: string | undefined
  /** A ResourceClaimTemplate of the same namespace: each pod gets a claim of its own. */
  readonly resourceClaimTemplateName?: string | undefined
}

/** What each worker asks of its node. Absent: requests of 500m cpu and 1Gi memory, no limits. */
export interface WorkerPoolResources {
  /** Least amounts, e.g. cpu, memory, nvidia.com/gpu. */
  readonly requests?: Readonly<Record<string, number | string | Size>> | undefined
  /** Most amounts. Devices such as nvidia.com/gpu are the same in both; one of the two is enough. */
  readonly limits?: Readonly<Record<string, number | string | Size>> | undefined
}

/** Bounds for the number of workers. */
export interface WorkerPoolScaling {
  /** Fewest workers. Default: 1. */
  readonly minReplicas?: number | undefined
  /** Most workers. */
  readonly maxReplicas: number
}

/** Namespaces whose Jobs may run here. */
export interface WorkerPoolAllowedNamespaces {
  /** Same: only its own namespace. Selector: those the selector matches. All: every namespace. Default: "Same". */
  readonly from?: "Same" | "Selector" | "All" | undefined
  /** Labels of the namespaces that may use it, with `from: Selector`. */
  readonly selector?: WorkerPoolAllowedNamespacesSelector | undefined
}

/** Labels of the namespaces that may use it, with `from: Selector`. */
export interface WorkerPoolAllowedNamespacesSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
}

/** Workers of one shape. */
export class WorkerPool extends MnemosObject<'WorkerPool', WorkerPoolSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<WorkerPoolSpec> = { spec: {} }) {
    super(scope, id, 'WorkerPool', ["queue"], props)
  }
}

/** What a Worker is to be. One process that runs Jobs. */
export interface WorkerSpec {
  /** The WorkerPool that this Worker belongs to. */
  readonly poolRef: ReferenceTo<'WorkerPool'>
  /** Finish what runs, take nothing new. Default: false. */
  readonly drain?: boolean | undefined
}

/** One process that runs Jobs. Made by the operator; nobody needs to write one. */
export class Worker extends MnemosObject<'Worker', WorkerSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<WorkerSpec>) {
    super(scope, id, 'Worker', [], props)
  }
}

/** What a Policy is to be. Rules for the objects of one namespace. It can only make things stricter. */
export interface PolicySpec {
  /** Enforce refuses; Warn admits with a warning; Audit admits and records. Only Enforce redacts. Default: "Enforce". */
  readonly mode?: "Enforce" | "Warn" | "Audit" | undefined
  /** Which objects of the namespace; all when absent. Default: {}. */
  readonly match?: PolicyMatch | undefined
  /** What is demanded. */
  readonly rules: readonly (PolicyRules)[]
}

/** Part of the spec of a Policy. */
export interface PolicyRules {
  /** Name of the rule, unique in the policy; messages, metrics and exceptions name it. */
  readonly name: string
  /** What to do about it, in your own words; shown after what was found. */
  readonly message?: string | undefined
  /** Personal data in any text. */
  readonly pii?: PolicyRulesPii | undefined
  /** Licence of a Model, also of the one that a Job uses. */
  readonly license?: PolicyRulesLicense | undefined
  /** Where bytes of a Model may come from, also of the one that a Job uses. */
  readonly sources?: PolicyRulesSources | undefined
  /** Models that a Job may use. */
  readonly models?: PolicyRulesModels | undefined
  /** Images that a container of a Job may run. */
  readonly images?: PolicyRulesImages | undefined
  /** Whether a Model must name the SHA-256 of its bytes; `job://`, `artifact://` and `model://` sources need none; of an alias the Model that it leads to is judged. */
  readonly requireDigest?: boolean | undefined
  /** Ceilings. */
  readonly limits?: PolicyRulesLimits | undefined
  /** Estimated cost of a Job, from a price book. */
  readonly cost?: PolicyRulesCost | undefined
  /** How many objects may be created in a time. Jobs and PipelineRuns, unless match.kinds names others. */
  readonly rateLimit?: PolicyRulesRateLimit | undefined
  /** CEL over `object`, `oldObject` (null on creation), `request` {operation, user, groups, namespace} that must be true. */
  readonly expression?: string | undefined
}

/** How many objects may be created in a time. Jobs and PipelineRuns, unless match.kinds names others. */
export interface PolicyRulesRateLimit {
  /** Objects that may be created in one window. */
  readonly requests: number
  /** Length of the window in seconds. Default: 60. */
  readonly windowSeconds?: number | Duration | undefined
  /** Who is counted: each requester, each namespace, each API key (of the requester when there is none), or all together. Default: "User". */
  readonly per?: "User" | "Namespace" | "Key" | "Policy" | undefined
  /** SlidingWindow: never more than `requests` in any window. TokenBucket: `requests` per window on average, `burst` at once. Default: "SlidingWindow". */
  readonly algorithm?: "SlidingWindow" | "TokenBucket" | undefined
  /** Size of the bucket of a TokenBucket; `requests` when absent. */
  readonly burst?: number | undefined
  /** What to do while the counters cannot be reached. Default: "Deny". */
  readonly onStoreFailure?: "Deny" | "Allow" | undefined
}

/** Estimated cost of a Job, from a price book. */
export interface PolicyRulesCost {
  /** ISO 4217 code of the prices. Default: "USD". */
  readonly currency?: string | undefined
  /** Price book of Models; the first entry that names the Model counts. Default: []. */
  readonly prices?: readonly (PolicyRulesCostPrices)[] | undefined
  /** Price of one `nvidia.com/gpu` for an hour, for containers; needs `deadlines.runSeconds`. */
  readonly perGpuHour?: string | undefined
  /** Estimates above this are told to the user. Default: "0". */
  readonly warnAbove?: string | undefined
  /** Estimates above this are refused (in mode Enforce). */
  readonly denyAbove?: string | undefined
}

/** Part of the spec of a Policy. */
export interface PolicyRulesCostPrices {
  /** Names of Models, as `name` or `namespace/name`; `*` stands for any run of characters. */
  readonly models: readonly (string)[]
  /** Price of a million tokens read. Default: "0". */
  readonly perMillionInputTokens?: string | undefined
  /** Price of a million tokens written. Default: "0". */
  readonly perMillionOutputTokens?: string | undefined
}

/** Ceilings. */
export interface PolicyRulesLimits {
  /** The highest priority that a Job may ask for. */
  readonly maxPriority?: "critical" | "high" | "normal" | "low" | undefined
  /** Most tokens that a Job may generate (`inference.parameters.maxTokens`). */
  readonly maxTokens?: number | undefined
  /** Longest `deadlines.runSeconds`; a Job without one is refused. */
  readonly maxRunSeconds?: number | Duration | undefined
  /** Highest `retry.limit`. */
  readonly maxRetries?: number | undefined
  /** Most of each resource that a container of a Job, or a pod of a WorkerPool, may ask for, e.g. `nvidia.com/gpu: 2`. */
  readonly resources?: Readonly<Record<string, number | string | Size>> | undefined
}

/** Images that a container of a Job may run. */
export interface PolicyRulesImages {
  /** Only these images are allowed: `registry/path:tag`, where `*` stands for any run of characters. */
  readonly allow?: readonly (string)[] | undefined
  /** These images are refused, whatever allow says: `registry/path:tag`, where `*` stands for any run of characters. */
  readonly deny?: readonly (string)[] | undefined
}

/** Models that a Job may use. */
export interface PolicyRulesModels {
  /** Only these Models are allowed: `name` or `namespace/name`, where `*` stands for any run of characters. */
  readonly allow?: readonly (string)[] | undefined
  /** These Models are refused, whatever allow says: `name` or `namespace/name`, where `*` stands for any run of characters. */
  readonly deny?: readonly (string)[] | undefined
}

/** Where bytes of a Model may come from, also of the one that a Job uses. */
export interface PolicyRulesSources {
  /** Only these sources are allowed: `scheme://host/path`, where `*` stands for any run of characters within host or path. */
  readonly allow?: readonly (string)[] | undefined
  /** These sources are refused, whatever allow says: `scheme://host/path`, where `*` stands for any run of characters within host or path. */
  readonly deny?: readonly (string)[] | undefined
}

/** Licence of a Model, also of the one that a Job uses. */
export interface PolicyRulesLicense {
  /** SPDX licences of which the expression must be satisfiable, e.g. Apache-2.0, `GPL-2.0-only WITH Classpath-exception-2.0`, LicenseRef-acme. */
  readonly allow?: readonly (string)[] | undefined
  /** SPDX licences that no way of satisfying the expression may need. */
  readonly deny?: readonly (string)[] | undefined
  /** Classes of licences that are refused, e.g. NonCommercial, Copyleft. */
  readonly denyClasses?: readonly ("NonCommercial" | "NoDerivatives" | "Copyleft" | "Attribution" | "UseRestricted" | "Permissive" | "PublicDomain")[] | undefined
  /** What to do with a licence that is no SPDX expression or of no known class. A licence that is still to be detected is judged once it is. Default: "Deny". */
  readonly unknown?: "Deny" | "Allow" | undefined
}

/** Personal data in any text. */
export interface PolicyRulesPii {
  /** What happens to entities that are not named below. Default: "Block". */
  readonly default?: "Allow" | "Warn" | "Redact" | "Block" | undefined
  /** Action for single entities (Email, Phone, SSN, Card, Passport, IP, IBAN, PostalAddress): Allow, Warn, Redact (only the input of a Job, when it is created; blocked elsewhere) or Block. */
  readonly entities?: Readonly<Record<string, "Allow" | "Warn" | "Redact" | "Block">> | undefined
}

/** Which objects of the namespace; all when absent. */
export interface PolicyMatch {
  /** Kinds of objects; all that a rule can judge when absent. */
  readonly kinds?: readonly ("Job" | "Model" | "WorkerPool" | "Queue" | "Pipeline" | "PipelineRun")[] | undefined
  /** Labels that the object must have. */
  readonly labels?: PolicyMatchLabels | undefined
  /** Requesters, e.g. `alice` or `system:serviceaccount:team-a:*`; `*` stands for any run of characters. */
  readonly users?: readonly (string)[] | undefined
  /** Groups of which the requester must be in one. */
  readonly groups?: readonly (string)[] | undefined
  /** CEL, as in the rule `expression`, that must be true for the policy to apply. */
  readonly expression?: string | undefined
}

/** Labels that the object must have. */
export interface PolicyMatchLabels {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
}

/** Rules for the objects of one namespace. It can only make things stricter. */
export class Policy extends MnemosObject<'Policy', PolicySpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<PolicySpec>) {
    super(scope, id, 'Policy', [], props)
  }
}

/** What a ClusterPolicy is to be. Rules for the objects of any namespaces, with exceptions that expire. */
export interface ClusterPolicySpec {
  /** Enforce refuses; Warn admits with a warning; Audit admits and records. Only Enforce redacts. Default: "Enforce". */
  readonly mode?: "Enforce" | "Warn" | "Audit" | undefined
  /** Which namespaces; all but that of MNEMOS itself when absent. */
  readonly namespaces?: ClusterPolicyNamespaces | undefined
  /** Which objects; all when absent. Default: {}. */
  readonly match?: ClusterPolicyMatch | undefined
  /** What is demanded. */
  readonly rules: readonly (ClusterPolicyRules)[]
  /** Who is let off for a while. */
  readonly exceptions?: readonly (ClusterPolicyExceptions)[] | undefined
}

/** Part of the spec of a ClusterPolicy. */
export interface ClusterPolicyExceptions {
  /** Name of the exception, unique in the policy. */
  readonly name: string
  /** Why it was granted, for those who review it. */
  readonly reason: string
  /** When it ends (RFC 3339, UTC). */
  readonly expiresAt: string
  /** Rules that it lifts; all when absent. */
  readonly rules?: readonly (string)[] | undefined
  /** Namespaces that it is for; all when absent. */
  readonly namespaces?: readonly (string)[] | undefined
  /** Requesters that it is for; all when absent. */
  readonly users?: readonly (string)[] | undefined
  /** Names of objects that it is for; all when absent. */
  readonly objects?: readonly (string)[] | undefined
}

/** Part of the spec of a ClusterPolicy. */
export interface ClusterPolicyRules {
  /** Name of the rule, unique in the policy; messages, metrics and exceptions name it. */
  readonly name: string
  /** What to do about it, in your own words; shown after what was found. */
  readonly message?: string | undefined
  /** Personal data in any text. */
  readonly pii?: ClusterPolicyRulesPii | undefined
  /** Licence of a Model, also of the one that a Job uses. */
  readonly license?: ClusterPolicyRulesLicense | undefined
  /** Where bytes of a Model may come from, also of the one that a Job uses. */
  readonly sources?: ClusterPolicyRulesSources | undefined
  /** Models that a Job may use. */
  readonly models?: ClusterPolicyRulesModels | undefined
  /** Images that a container of a Job may run. */
  readonly images?: ClusterPolicyRulesImages | undefined
  /** Whether a Model must name the SHA-256 of its bytes; `job://`, `artifact://` and `model://` sources need none; of an alias the Model that it leads to is judged. */
  readonly requireDigest?: boolean | undefined
  /** Ceilings. */
  readonly limits?: ClusterPolicyRulesLimits | undefined
  /** Estimated cost of a Job, from a price book. */
  readonly cost?: ClusterPolicyRulesCost | undefined
  /** How many objects may be created in a time. Jobs and PipelineRuns, unless match.kinds names others. */
  readonly rateLimit?: ClusterPolicyRulesRateLimit | undefined
  /** CEL over `object`, `oldObject` (null on creation), `request` {operation, user, groups, namespace} that must be true. */
  readonly expression?: string | undefined
}

/** How many objects may be created in a time. Jobs and PipelineRuns, unless match.kinds names others. */
export interface ClusterPolicyRulesRateLimit {
  /** Objects that may be created in one window. */
  readonly requests: number
  /** Length of the window in seconds. Default: 60. */
  readonly windowSeconds?: number | Duration | undefined
  /** Who is counted: each requester, each namespace, each API key (of the requester when there is none), or all together. Default: "User". */
  readonly per?: "User" | "Namespace" | "Key" | "Policy" | undefined
  /** SlidingWindow: never more than `requests` in any window. TokenBucket: `requests` per window on average, `burst` at once. Default: "SlidingWindow". */
  readonly algorithm?: "SlidingWindow" | "TokenBucket" | undefined
  /** Size of the bucket of a TokenBucket; `requests` when absent. */
  readonly burst?: number | undefined
  /** What to do while the counters cannot be reached. Default: "Deny". */
  readonly onStoreFailure?: "Deny" | "Allow" | undefined
}

/** Estimated cost of a Job, from a price book. */
export interface ClusterPolicyRulesCost {
  /** ISO 4217 code of the prices. Default: "USD". */
  readonly currency?: string | undefined
  /** Price book of Models; the first entry that names the Model counts. Default: []. */
  readonly prices?: readonly (ClusterPolicyRulesCostPrices)[] | undefined
  /** Price of one `nvidia.com/gpu` for an hour, for containers; needs `deadlines.runSeconds`. */
  readonly perGpuHour?: string | undefined
  /** Estimates above this are told to the user. Default: "0". */
  readonly warnAbove?: string | undefined
  /** Estimates above this are refused (in mode Enforce). */
  readonly denyAbove?: string | undefined
}

/** Part of the spec of a ClusterPolicy. */
export interface ClusterPolicyRulesCostPrices {
  /** Names of Models, as `name` or `namespace/name`; `*` stands for any run of characters. */
  readonly models: readonly (string)[]
  /** Price of a million tokens read. Default: "0". */
  readonly perMillionInputTokens?: string | undefined
  /** Price of a million tokens written. Default: "0". */
  readonly perMillionOutputTokens?: string | undefined
}

/** Ceilings. */
export interface ClusterPolicyRulesLimits {
  /** The highest priority that a Job may ask for. */
  readonly maxPriority?: "critical" | "high" | "normal" | "low" | undefined
  /** Most tokens that a Job may generate (`inference.parameters.maxTokens`). */
  readonly maxTokens?: number | undefined
  /** Longest `deadlines.runSeconds`; a Job without one is refused. */
  readonly maxRunSeconds?: number | Duration | undefined
  /** Highest `retry.limit`. */
  readonly maxRetries?: number | undefined
  /** Most of each resource that a container of a Job, or a pod of a WorkerPool, may ask for, e.g. `nvidia.com/gpu: 2`. */
  readonly resources?: Readonly<Record<string, number | string | Size>> | undefined
}

/** Images that a container of a Job may run. */
export interface ClusterPolicyRulesImages {
  /** Only these images are allowed: `registry/path:tag`, where `*` stands for any run of characters. */
  readonly allow?: readonly (string)[] | undefined
  /** These images are refused, whatever allow says: `registry/path:tag`, where `*` stands for any run of characters. */
  readonly deny?: readonly (string)[] | undefined
}

/** Models that a Job may use. */
export interface ClusterPolicyRulesModels {
  /** Only these Models are allowed: `name` or `namespace/name`, where `*` stands for any run of characters. */
  readonly allow?: readonly (string)[] | undefined
  /** These Models are refused, whatever allow says: `name` or `namespace/name`, where `*` stands for any run of characters. */
  readonly deny?: readonly (string)[] | undefined
}

/** Where bytes of a Model may come from, also of the one that a Job uses. */
export interface ClusterPolicyRulesSources {
  /** Only these sources are allowed: `scheme://host/path`, where `*` stands for any run of characters within host or path. */
  readonly allow?: readonly (string)[] | undefined
  /** These sources are refused, whatever allow says: `scheme://host/path`, where `*` stands for any run of characters within host or path. */
  readonly deny?: readonly (string)[] | undefined
}

/** Licence of a Model, also of the one that a Job uses. */
export interface ClusterPolicyRulesLicense {
  /** SPDX licences of which the expression must be satisfiable, e.g. Apache-2.0, `GPL-2.0-only WITH Classpath-exception-2.0`, LicenseRef-acme. */
  readonly allow?: readonly (string)[] | undefined
  /** SPDX licences that no way of satisfying the expression may need. */
  readonly deny?: readonly (string)[] | undefined
  /** Classes of licences that are refused, e.g. NonCommercial, Copyleft. */
  readonly denyClasses?: readonly ("NonCommercial" | "NoDerivatives" | "Copyleft" | "Attribution" | "UseRestricted" | "Permissive" | "PublicDomain")[] | undefined
  /** What to do with a licence that is no SPDX expression or of no known class. A licence that is still to be detected is judged once it is. Default: "Deny". */
  readonly unknown?: "Deny" | "Allow" | undefined
}

/** Personal data in any text. */
export interface ClusterPolicyRulesPii {
  /** What happens to entities that are not named below. Default: "Block". */
  readonly default?: "Allow" | "Warn" | "Redact" | "Block" | undefined
  /** Action for single entities (Email, Phone, SSN, Card, Passport, IP, IBAN, PostalAddress): Allow, Warn, Redact (only the input of a Job, when it is created; blocked elsewhere) or Block. */
  readonly entities?: Readonly<Record<string, "Allow" | "Warn" | "Redact" | "Block">> | undefined
}

/** Which objects; all when absent. */
export interface ClusterPolicyMatch {
  /** Kinds of objects; all that a rule can judge when absent. */
  readonly kinds?: readonly ("Job" | "Model" | "WorkerPool" | "Queue" | "Pipeline" | "PipelineRun")[] | undefined
  /** Labels that the object must have. */
  readonly labels?: ClusterPolicyMatchLabels | undefined
  /** Requesters, e.g. `alice` or `system:serviceaccount:team-a:*`; `*` stands for any run of characters. */
  readonly users?: readonly (string)[] | undefined
  /** Groups of which the requester must be in one. */
  readonly groups?: readonly (string)[] | undefined
  /** CEL, as in the rule `expression`, that must be true for the policy to apply. */
  readonly expression?: string | undefined
}

/** Labels that the object must have. */
export interface ClusterPolicyMatchLabels {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
}

/** Which namespaces; all but that of MNEMOS itself when absent. */
export interface ClusterPolicyNamespaces {
  /** Only these namespaces; `*` stands for any run of characters. */
  readonly include?: readonly (string)[] | undefined
  /** Not these namespaces. */
  readonly exclude?: readonly (string)[] | undefined
  /** Labels that the namespace must have. */
  readonly selector?: ClusterPolicyNamespacesSelector | undefined
}

/** Labels that the namespace must have. */
export interface ClusterPolicyNamespacesSelector {
  /** Labels that must all be present. */
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
}

/** Rules for the objects of any namespaces, with exceptions that expire. */
export class ClusterPolicy extends MnemosObject<'ClusterPolicy', ClusterPolicySpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<ClusterPolicySpec>) {
    super(scope, id, 'ClusterPolicy', [], props)
  }
}

/** What a Schema is to be. A JSON Schema that objects of MNEMOS are held to, with its accepted versions. */
export interface SchemaSpec {
  /** A JSON Schema 2020-12 document of at most 64 KiB; formats are checked. It may refer only into itself: nothing is fetched. */
  readonly document: Readonly<Record<string, unknown>>
  /** What is judged by it at admission; nothing when empty. Default: []. */
  readonly appliesTo?: readonly (SchemaAppliesTo)[] | undefined
  /** Whether objects that do not fit are refused, admitted with a Warning, or not looked at. Default: "Enforce". */
  readonly mode?: "Enforce" | "Warn" | "Off" | undefined
  /** What a changed document must keep: BACKWARD, that what fitted still fits; FORWARD, that what will fit would have fitted; FULL, both. Default: "BACKWARD". */
  readonly compatibility?: "NONE" | "BACKWARD" | "FORWARD" | "FULL" | "BACKWARD_TRANSITIVE" | "FORWARD_TRANSITIVE" | "FULL_TRANSITIVE" | undefined
  /** The accepted version that is in force; the newest when absent. Set it to roll back. */
  readonly version?: number | undefined
}

/** Objects that are judged. */
export interface SchemaAppliesTo {
  /** The kind whose objects are judged, of the group mnemos.dev. */
  readonly kind: string
  /** JSON Pointer of the part that is judged. An object without that part is not judged. Default: "/spec". */
  readonly at?: string | undefined
  /** Only objects whose `spec.family` is one of these; all when absent. */
  readonly families?: readonly (string)[] | undefined
}

/** A JSON Schema that objects of MNEMOS are held to, with its accepted versions. */
export class Schema extends MnemosObject<'Schema', SchemaSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<SchemaSpec>) {
    super(scope, id, 'Schema', [], props)
  }
}

/** What a Pipeline is to be. Steps of LLM work that wait for one another; each run uses one revision of them. */
export interface PipelineSpec {
  /** What the pipeline is for. */
  readonly description?: string | undefined
  /** What a run is given. */
  readonly parameters?: readonly (PipelineParameters)[] | undefined
  /** What is done. The order is that of dependencies, not of the list. */
  readonly steps: readonly (PipelineSteps)[]
  /** What is done when all steps have ended, however they did; also after a cancel. */
  readonly finally?: readonly (PipelineFinally)[] | undefined
  /** What a run leaves behind, in its status. */
  readonly outputs?: readonly (PipelineOutputs)[] | undefined
  /** Most Jobs of a run at once; no limit when absent. */
  readonly concurrency?: number | undefined
  /** Longest run; then its Jobs are cancelled and it fails. */
  readonly timeoutSeconds?: number | Duration | undefined
  /** Revisions that are kept beside those in use. Default: 10. */
  readonly revisionHistoryLimit?: number | undefined
}

/** Part of the spec of a Pipeline. */
export interface PipelineOutputs {
  /** Name. */
  readonly name: string
  /** A text with references, or one reference. */
  readonly value: string
}

/** Part of the spec of a Pipeline. */
export interface PipelineFinally {
  /** Name: `$(steps.<name>.outputs.<output>)`. */
  readonly name: string
  /** Steps that must have succeeded first, beside those that the step refers to. */
  readonly dependsOn?: readonly (string)[] | undefined
  /** CEL over params, steps, item and run; the step is skipped when it is false. */
  readonly when?: string | undefined
  /** One instance for each item of a list; each output is then the list of what the instances left. */
  readonly forEach?: PipelineFinallyForEach | undefined
  /** Ask a model: as spec.inference of a Job. */
  readonly inference?: Readonly<Record<string, unknown>> | undefined
  /** Run any image: as spec.container of a Job. */
  readonly container?: Readonly<Record<string, unknown>> | undefined
  /** Tune a model. There is no engine for it yet; such a step is refused. */
  readonly training?: Readonly<Record<string, unknown>> | undefined
  /** Embed texts. There is no engine for it yet; such a step is refused. */
  readonly embedding?: Readonly<Record<string, unknown>> | undefined
  /** Go on or stop, by what is known. */
  readonly gate?: PipelineFinallyGate | undefined
  /** Go on when a person says so, in spec.approvals of the run. */
  readonly approval?: PipelineFinallyApproval | undefined
  /** Run another pipeline. */
  readonly pipeline?: PipelineFinallyPipeline | undefined
  /** Make an immutable Model of an artifact, and move an alias to it. */
  readonly publish?: PipelineFinallyPublish | undefined
  /** Queue of its Jobs; that of the run when absent. */
  readonly queue?: NameOf<'Queue'> | undefined
  /** Priority of its Jobs; that of the run when absent. */
  readonly priority?: string | undefined
  /** As spec.resources of a Job. */
  readonly resources?: Readonly<Record<string, unknown>> | undefined
  /** As spec.placement of a Job. */
  readonly placement?: Readonly<Record<string, unknown>> | undefined
  /** As spec.podMetadata of a Job. */
  readonly podMetadata?: Readonly<Record<string, unknown>> | undefined
  /** How failures are retried; as spec.retry of a Job. */
  readonly retry?: PipelineFinallyRetry | undefined
  /** Longest run of one attempt. */
  readonly timeoutSeconds?: number | Duration | undefined
  /** Longest wait for a start. */
  readonly queueSeconds?: number | Duration | undefined
  /** Take the result of an earlier Job of this namespace that had the same inputs. */
  readonly memoize?: PipelineFinallyMemoize | undefined
  /** Pause before this step when it failed in the last runs of the same revision; an approval of the step lets it through. */
  readonly breaker?: PipelineFinallyBreaker | undefined
  /** What is known of outputs, and checked. */
  readonly outputs?: readonly (PipelineFinallyOutputs)[] | undefined
}

/** Part of the spec of a Pipeline. */
export interface PipelineFinallyOutputs {
  /** An output of the step. */
  readonly name: string
  /** What it is, e.g. application/json. */
  readonly mediaType?: string | undefined
  /** JSON Schema 2020-12 that its value must satisfy, or the step fails. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined
}

/** Pause before this step when it failed in the last runs of the same revision; an approval of the step lets it through. */
export interface PipelineFinallyBreaker {
  /** Runs in a row. Default: 3. */
  readonly failures?: number | undefined
}

/** Take the result of an earlier Job of this namespace that had the same inputs. */
export interface PipelineFinallyMemoize {
  /** Older results are made anew. Default: 604800. */
  readonly maxAgeSeconds?: number | Duration | undefined
}

/** How failures are retried; as spec.retry of a Job. */
export interface PipelineFinallyRetry {
  /** Failed attempts after which the step fails. Default: 3. */
  readonly limit?: number | undefined
}

/** Make an immutable Model of an artifact, and move an alias to it. */
export interface PipelineFinallyPublish {
  /** Model that people name. It becomes an alias (model://…) of the Model that the step makes. */
  readonly alias: string
  /** Where the bytes are: an output of a step ($(steps.train.artifacts.model)), or any source of a Model. */
  readonly uri: string
  /** SHA-256 that the bytes must have, as sha256:<64 hex digits>. */
  readonly digest?: string | undefined
  /** More of the spec of the Model: license, family, runtime, allowedNamespaces … */
  readonly model?: Readonly<Record<string, unknown>> | undefined
}

/** Run another pipeline. */
export interface PipelineFinallyPipeline {
  /** Pipeline of the same namespace to run; its outputs are the outputs of the step. */
  readonly name: string
  /** Parameters of that run. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
}

/** Go on when a person says so, in spec.approvals of the run. */
export interface PipelineFinallyApproval {
  /** What is to be approved. */
  readonly message?: string | undefined
  /** Users who may decide; with groups: one of either. Anybody who may change the run when both are absent. */
  readonly users?: readonly (string)[] | undefined
  /** Groups whose members may decide. */
  readonly groups?: readonly (string)[] | undefined
  /** true: whoever asked for the run cannot decide. Default: false. */
  readonly byOther?: boolean | undefined
}

/** Go on or stop, by what is known. */
export interface PipelineFinallyGate {
  /** CEL over params, steps and run; the step succeeds when it is true and fails when it is false. */
  readonly expression: string
  /** What a closed gate means. */
  readonly message?: string | undefined
}

/** One instance for each item of a list; each output is then the list of what the instances left. */
export interface PipelineFinallyForEach {
  /** A list, or one reference to a list (at most 10,000 items); `$(item)` is the item of an instance. */
  readonly items: unknown
  /** Most instances at once; all of them when absent. */
  readonly concurrency?: number | undefined
  /** Instances that may fail before the step fails. Default: 0. */
  readonly maxFailed?: number | undefined
}

/** Part of the spec of a Pipeline. */
export interface PipelineSteps {
  /** Name: `$(steps.<name>.outputs.<output>)`. */
  readonly name: string
  /** Steps that must have succeeded first, beside those that the step refers to. */
  readonly dependsOn?: readonly (string)[] | undefined
  /** CEL over params, steps, item and run; the step is skipped when it is false. */
  readonly when?: string | undefined
  /** One instance for each item of a list; each output is then the list of what the instances left. */
  readonly forEach?: PipelineStepsForEach | undefined
  /** Ask a model: as spec.inference of a Job. */
  readonly inference?: Readonly<Record<string, unknown>> | undefined
  /** Run any image: as spec.container of a Job. */
  readonly container?: Readonly<Record<string, unknown>> | undefined
  /** Tune a model. There is no engine for it yet; such a step is refused. */
  readonly training?: Readonly<Record<string, unknown>> | undefined
  /** Embed texts. There is no engine for it yet; such a step is refused. */
  readonly embedding?: Readonly<Record<string, unknown>> | undefined
  /** Go on or stop, by what is known. */
  readonly gate?: PipelineStepsGate | undefined
  /** Go on when a person says so, in spec.approvals of the run. */
  readonly approval?: PipelineStepsApproval | undefined
  /** Run another pipeline. */
  readonly pipeline?: PipelineStepsPipeline | undefined
  /** Make an immutable Model of an artifact, and move an alias to it. */
  readonly publish?: PipelineStepsPublish | undefined
  /** Queue of its Jobs; that of the run when absent. */
  readonly queue?: NameOf<'Queue'> | undefined
  /** Priority of its Jobs; that of the run when absent. */
  readonly priority?: string | undefined
  /** As spec.resources of a Job. */
  readonly resources?: Readonly<Record<string, unknown>> | undefined
  /** As spec.placement of a Job. */
  readonly placement?: Readonly<Record<string, unknown>> | undefined
  /** As spec.podMetadata of a Job. */
  readonly podMetadata?: Readonly<Record<string, unknown>> | undefined
  /** How failures are retried; as spec.retry of a Job. */
  readonly retry?: PipelineStepsRetry | undefined
  /** Longest run of one attempt. */
  readonly timeoutSeconds?: number | Duration | undefined
  /** Longest wait for a start. */
  readonly queueSeconds?: number | Duration | undefined
  /** Take the result of an earlier Job of this namespace that had the same inputs. */
  readonly memoize?: PipelineStepsMemoize | undefined
  /** Pause before this step when it failed in the last runs of the same revision; an approval of the step lets it through. */
  readonly breaker?: PipelineStepsBreaker | undefined
  /** What is known of outputs, and checked. */
  readonly outputs?: readonly (PipelineStepsOutputs)[] | undefined
}

/** Part of the spec of a Pipeline. */
export interface PipelineStepsOutputs {
  /** An output of the step. */
  readonly name: string
  /** What it is, e.g. application/json. */
  readonly mediaType?: string | undefined
  /** JSON Schema 2020-12 that its value must satisfy, or the step fails. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined
}

/** Pause before this step when it failed in the last runs of the same revision; an approval of the step lets it through. */
export interface PipelineStepsBreaker {
  /** Runs in a row. Default: 3. */
  readonly failures?: number | undefined
}

/** Take the result of an earlier Job of this namespace that had the same inputs. */
export interface PipelineStepsMemoize {
  /** Older results are made anew. Default: 604800. */
  readonly maxAgeSeconds?: number | Duration | undefined
}

/** How failures are retried; as spec.retry of a Job. */
export interface PipelineStepsRetry {
  /** Failed attempts after which the step fails. Default: 3. */
  readonly limit?: number | undefined
}

/** Make an immutable Model of an artifact, and move an alias to it. */
export interface PipelineStepsPublish {
  /** Model that people name. It becomes an alias (model://…) of the Model that the step makes. */
  readonly alias: string
  /** Where the bytes are: an output of a step ($(steps.train.artifacts.model)), or any source of a Model. */
  readonly uri: string
  /** SHA-256 that the bytes must have, as sha256:<64 hex digits>. */
  readonly digest?: string | undefined
  /** More of the spec of the Model: license, family, runtime, allowedNamespaces … */
  readonly model?: Readonly<Record<string, unknown>> | undefined
}

/** Run another pipeline. */
export interface PipelineStepsPipeline {
  /** Pipeline of the same namespace to run; its outputs are the outputs of the step. */
  readonly name: string
  /** Parameters of that run. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
}

/** Go on when a person says so, in spec.approvals of the run. */
export interface PipelineStepsApproval {
  /** What is to be approved. */
  readonly message?: string | undefined
  /** Users who may decide; with groups: one of either. Anybody who may change the run when both are absent. */
  readonly users?: readonly (string)[] | undefined
  /** Groups whose members may decide. */
  readonly groups?: readonly (string)[] | undefined
  /** true: whoever asked for the run cannot decide. Default: false. */
  readonly byOther?: boolean | undefined
}

/** Go on or stop, by what is known. */
export interface PipelineStepsGate {
  /** CEL over params, steps and run; the step succeeds when it is true and fails when it is false. */
  readonly expression: string
  /** What a closed gate means. */
  readonly message?: string | undefined
}

/** One instance for each item of a list; each output is then the list of what the instances left. */
export interface PipelineStepsForEach {
  /** A list, or one reference to a list (at most 10,000 items); `$(item)` is the item of an instance. */
  readonly items: unknown
  /** Most instances at once; all of them when absent. */
  readonly concurrency?: number | undefined
  /** Instances that may fail before the step fails. Default: 0. */
  readonly maxFailed?: number | undefined
}

/** Part of the spec of a Pipeline. */
export interface PipelineParameters {
  /** Name: `$(params.<name>)`. */
  readonly name: string
  /** What its values are. Default: "string". */
  readonly type?: "string" | "number" | "integer" | "boolean" | "list" | "object" | undefined
  /** What it is for. */
  readonly description?: string | undefined
  /** Its value when a run gives none; without it a run must give one. */
  readonly default?: unknown | undefined
  /** The values there are to choose from. */
  readonly enum?: readonly (unknown)[] | undefined
  /** Least value of a number. */
  readonly minimum?: number | undefined
  /** Greatest value of a number. */
  readonly maximum?: number | undefined
  /** Least length of a string in characters, of a list in items. */
  readonly minLength?: number | undefined
  /** Greatest length of a string in characters, of a list in items. */
  readonly maxLength?: number | undefined
  /** Of strings: ECMA-262 without look-around; found anywhere unless anchored. */
  readonly pattern?: string | undefined
}

/** Steps of LLM work that wait for one another; each run uses one revision of them. */
export class Pipeline extends MnemosObject<'Pipeline', PipelineSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<PipelineSpec>) {
    super(scope, id, 'Pipeline', ["steps[].queue","finally[].queue"], props)
  }
}

/** What a PipelineRun is to be. One execution of one revision of a Pipeline. */
export interface PipelineRunSpec {
  /** What is run. */
  readonly pipelineRef: NamedReference
  /** Revision to run; the newest (of a retry: that of the earlier run) when absent. */
  readonly revision?: number | undefined
  /** Values by the names of parameters. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
  /** Keep what an earlier run has finished. */
  readonly retryFrom?: PipelineRunRetryFrom | undefined
  /** Changes of steps for this run alone. */
  readonly overrides?: readonly (PipelineRunOverrides)[] | undefined
  /** What people decided about steps that wait for that; the first who may decides. Add to the end. */
  readonly approvals?: readonly (PipelineRunApprovals)[] | undefined
  /** Queue of its Jobs, where a step names none. */
  readonly queue?: NameOf<'Queue'> | undefined
  /** Priority of its Jobs, where a step names none. Default: "normal". */
  readonly priority?: "critical" | "high" | "normal" | "low" | undefined
  /** Delete the run, and its Jobs with it, this long after it ended; kept when absent. */
  readonly ttlSecondsAfterFinished?: number | Duration | undefined
  /** Start nothing new while true; what runs goes on. Default: false. */
  readonly suspend?: boolean | undefined
  /** Stop the run for good. Once true it stays true. Default: false. */
  readonly cancel?: boolean | undefined
}

/** Part of the spec of a PipelineRun. */
export interface PipelineRunApprovals {
  /** The step that is decided about. */
  readonly step: string
  /** What was decided. Default: "Approved". */
  readonly decision?: "Approved" | "Rejected" | undefined
  /** Why, in their words. */
  readonly comment?: string | undefined
  /** Who decided. Set by MNEMOS. */
  readonly by?: string | undefined
  /** Groups of whoever decided. Set by MNEMOS. */
  readonly groups?: readonly (string)[] | undefined
  /** When. Set by MNEMOS. */
  readonly at?: string | undefined
}

/** Part of the spec of a PipelineRun. */
export interface PipelineRunOverrides {
  /** The step. */
  readonly step: string
  /** Instead of the image of its container. */
  readonly image?: string | undefined
  /** Instead of the Model of its inference. */
  readonly modelRef?: ReferenceTo<'Model'> | undefined
}

/** Keep what an earlier run has finished. */
export interface PipelineRunRetryFrom {
  /** An earlier run of the same Pipeline, which has ended. */
  readonly run: NameOf<'PipelineRun'>
  /** Steps to do again, with all that comes after them; those that did not succeed when absent. What was finished before is kept. */
  readonly steps?: readonly (string)[] | undefined
}

/** One execution of one revision of a Pipeline. */
export class PipelineRun extends MnemosObject<'PipelineRun', PipelineRunSpec> {
  constructor(scope: Construct, id: string, props: ObjectProps<PipelineRunSpec>) {
    super(scope, id, 'PipelineRun', ["retryFrom.run","queue"], props)
  }
}
