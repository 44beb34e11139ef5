/** Types of what the steps and runs of a pipeline are made from: the specs of YAML, with references where values may stand. */
import type { ApiObjectMetadata, Duration, Size } from 'cdk8s'
import type { Construct } from 'constructs'
import type {
  JobContainer,
  JobContainerOutputs,
  JobInference,
  JobPlacement,
  JobPodMetadata,
  JobResources,
  JobSpec,
  PipelineParameters,
  PipelineRunSpec,
  PipelineSpec,
  PipelineSteps,
  PipelineStepsForEach,
} from './gen/constructs.ts'
import type { Pipeline } from './pipeline.ts'
import type { Reference } from './pipeline-reference.ts'
import type { Step } from './pipeline-step.ts'
import type { NameOf, ReferenceTo } from './reference.ts'

/** A value in which references may stand, whole or in any of its parts. */
export type Referable<Value> = Value extends Construct | Duration | Size | Reference
  ? Value
  : Value extends string
    ? Value | Reference<string>
    : Value extends number
      ? Value | Reference<number>
      : Value extends boolean
        ? Value | Reference<boolean>
        : Value extends readonly (infer Item)[]
          ? readonly Referable<Item>[] | Reference<readonly unknown[]>
          : Value extends object
            ? { readonly [Key in keyof Value]: Referable<Value[Key]> }
            : Value

/** The value of each type of parameter. */
interface ValueOfType {
  readonly string: string
  readonly number: number
  readonly integer: number
  readonly boolean: boolean
  readonly list: readonly unknown[]
  readonly object: Readonly<Record<string, unknown>>
}
type ParameterType = keyof ValueOfType

type ParameterOf<Type extends ParameterType> = Omit<PipelineParameters, 'name' | 'type' | 'default' | 'enum'> & {
  readonly default?: ValueOfType[Type]
  readonly enum?: readonly ValueOfType[Type][]
} & (Type extends 'string' ? { readonly type?: 'string' } : { readonly type: Type })

/** A parameter: a text where no type is given. One without default must be given by every run. */
export type Parameter = { [Type in ParameterType]: ParameterOf<Type> }[ParameterType]

/** Parameters by name. */
export type Parameters = Readonly<Record<string, Parameter>>

/** The values that a parameter has. */
export type ValueOf<Declared extends Parameter> = Declared extends { readonly type: infer Type extends ParameterType }
  ? ValueOfType[Type]
  : string

type Preset<Declared extends Parameters> = {
  [Name in keyof Declared]: Declared[Name] extends { readonly default: unknown } ? Name : never
}[keyof Declared]

/** What a run gives: every parameter without default, and of the others those that are to be different. */
export type Given<Declared extends Parameters> = {
  readonly [Name in Exclude<keyof Declared, Preset<Declared>>]: Referable<ValueOf<Declared[Name]>>
} & { readonly [Name in Preset<Declared>]?: Referable<ValueOf<Declared[Name]>> }

/** Where nothing has to be given, `parameters` may be left out. */
type WithParameters<Values> = object extends Values ? { readonly parameters?: Values } : { readonly parameters: Values }

/** A list, a reference to one, or either with bounds. */
export type ForEach =
  | Reference<readonly unknown[]>
  | readonly unknown[]
  | (Omit<PipelineStepsForEach, 'items'> & { readonly items: Reference<readonly unknown[]> | readonly unknown[] })

/** Outputs of a step: of one with forEach each is a list. */
export type OutputsOf<Outputs, Each> = Each extends ForEach ? { readonly [Name in keyof Outputs]: readonly Outputs[Name][] } : Outputs

/** When a step is done. */
export interface OrderOptions {
  /** Steps that must have succeeded first, beside those whose outputs this one names. */
  readonly dependsOn?: readonly (Step | string)[]
  /** CEL, see `cel`; the step is skipped when it is false. */
  readonly when?: string
  /** true: done when all other steps have ended, however they did. */
  readonly finally?: boolean
}

/** How the Jobs of a step are run. */
export interface JobOptions extends OrderOptions, Pick<PipelineSteps, 'retry' | 'timeoutSeconds' | 'queueSeconds' | 'memoize' | 'breaker'> {
  /** Queue of its Jobs. */
  readonly queue?: NameOf<'Queue'> | Reference<string>
  /** Priority of its Jobs. */
  readonly priority?: NonNullable<JobSpec['priority']> | Reference<string>
  /** What the pod asks of its node. */
  readonly resources?: Referable<JobResources>
  /** Where the pod may run. */
  readonly placement?: Referable<JobPlacement>
  /** Labels and annotations of the pod. */
  readonly podMetadata?: Referable<JobPodMetadata>
  /** What is known of the outputs, and checked. */
  readonly produces?: PipelineSteps['outputs']
}

export type InferenceOptions = JobOptions &
  Omit<Referable<JobInference>, 'modelRef'> & {
    /** The Model that answers. */
    readonly model: Referable<ReferenceTo<'Model'>>
  }

export type ContainerOptions = JobOptions & Omit<Referable<JobContainer>, 'outputs'>

/** Names of the files that a container leaves. */
export type FilesOf<Files extends readonly JobContainerOutputs[]> = Files[number]['name']

/** What is in a file is known when it is there: it may stand anywhere. */
export type ContainerOutputs<Files extends readonly JobContainerOutputs[]> = { readonly exitCode: number } & Readonly<
  Record<FilesOf<Files>, never>
>

export interface ApprovalOutputs {
  readonly by: string
  readonly at: string
  readonly comment: string
}

export interface PublicationOutputs {
  /** Name of the Model that was made. */
  readonly model: string
  readonly alias: string
  /** What the alias named before. */
  readonly previous: string
  readonly digest: string
}

/** What an inference leaves as objects of the artifact store: the text, and all of the result as JSON. */
export type InferenceArtifacts = 'text' | 'result'

export interface InferenceOutputs {
  readonly text: string
  readonly finishReason: string
  readonly promptTokens: number
  readonly completionTokens: number
}

export type CallOptions<Declared extends Parameters> = OrderOptions &
  Pick<PipelineSteps, 'breaker'> & {
    /** The pipeline that is run, of the same namespace. */
    readonly pipeline: Pipeline<Declared> | string
  } & WithParameters<Given<Declared>>

/** What a Pipeline is made from. */
export interface PipelineProps<Declared extends Parameters> {
  readonly metadata?: ApiObjectMetadata
  /** Parameters by name. */
  readonly parameters?: Declared
  /** More of the spec; steps in it come before those that are added. */
  readonly spec?: Partial<PipelineSpec>
}

/** What a PipelineRun is made from. */
export type RunProps<Declared extends Parameters> = {
  readonly metadata?: ApiObjectMetadata
  /** The pipeline that is run, of the same namespace. */
  readonly pipeline: Pipeline<Declared>
  /** The rest of the spec. */
  readonly spec?: Omit<PipelineRunSpec, 'pipelineRef' | 'parameters'>
} & WithParameters<Given<Declared>>
