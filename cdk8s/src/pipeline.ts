/**
 * Pipeline, with a method for each sort of step, whose results are typed: a parameter or output that there is not is a type error.
 *
 * Steps may still be given as in YAML, in `spec`. What only a whole pipeline can have wrong (cycles, conditions) is told by `mnemos lint` and the
 * webhook.
 */
import type { Construct } from 'constructs'
import {
  Pipeline as GeneratedPipeline,
  type JobContainerOutputs,
  type PipelineParameters,
  type PipelineSpec,
  type PipelineSteps,
  type PipelineStepsApproval,
  type PipelineStepsGate,
  type PipelineStepsPublish,
} from './gen/constructs.ts'
import { Reference } from './pipeline-reference.ts'
import { Step } from './pipeline-step.ts'
import type {
  ApprovalOutputs,
  CallOptions,
  ContainerOptions,
  ContainerOutputs,
  FilesOf,
  ForEach,
  InferenceArtifacts,
  InferenceOptions,
  InferenceOutputs,
  JobOptions,
  OrderOptions,
  OutputsOf,
  Parameters,
  PipelineProps,
  PublicationOutputs,
  Referable,
  ValueOf,
} from './pipeline-types.ts'

// eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- no parameters: there is no name to ask for
type NoParameters = Readonly<Record<never, never>>

/** Steps of LLM work that wait for one another; each run uses one revision of them. */
export class Pipeline<const Declared extends Parameters = NoParameters> extends GeneratedPipeline {
  readonly #declared: Declared
  readonly #steps: PipelineSteps[] = []
  readonly #last: PipelineSteps[] = []
  readonly #outputs: { readonly name: string; readonly value: string }[] = []

  constructor(scope: Construct, id: string, { metadata, parameters, spec }: PipelineProps<Declared> = {}) {
    super(scope, id, { ...(metadata === undefined ? {} : { metadata }), spec: { ...spec, steps: spec?.steps ?? [] } })
    // Without parameters there is no name that `param` would take.
    this.#declared = parameters ?? ({} as Declared)
  }

  /** A parameter, of its type. */
  param<Name extends keyof Declared & string>(name: Name): Reference<ValueOf<Declared[Name]>> {
    if (!Object.hasOwn(this.#declared, name)) throw new TypeError(`Pipeline "${this.name}" declares no parameter "${name}"`)
    return new Reference(['params', name])
  }

  /** Asks a model. */
  inference<const Each extends ForEach | undefined = undefined>(
    name: string,
    options: InferenceOptions & { readonly forEach?: Each },
  ): Step<OutputsOf<InferenceOutputs, Each>, InferenceArtifacts> {
    const { model, prompt, messages, inputs, parameters, ...job } = options
    return this.#add(name, job, { ...jobFields(job), inference: { modelRef: model, ...defined({ prompt, messages, inputs, parameters }) } })
  }

  /** Runs an image. Its files can be named by their names, as `artifact` and as `output`. */
  container<const Each extends ForEach | undefined = undefined, const Files extends readonly JobContainerOutputs[] = []>(
    name: string,
    options: ContainerOptions & { readonly forEach?: Each; readonly outputs?: Files },
  ): Step<OutputsOf<ContainerOutputs<Files>, Each>, FilesOf<Files>> {
    const { image, command, args, env, workingDir, runAsUser, inputs, outputs, ...job } = options
    const container = { image, ...defined({ command, args, env, workingDir, runAsUser, inputs, outputs }) }
    return this.#add(name, job, { ...jobFields(job), container })
  }

  /** Goes on or stops, by what is known. */
  gate(name: string, { expression, message, ...order }: OrderOptions & PipelineStepsGate): Step<{ readonly passed: boolean }, never> {
    return this.#add(name, order, { gate: { expression, ...defined({ message }) } })
  }

  /** Waits for a person. */
  approval(
    name: string,
    options: OrderOptions & Omit<PipelineStepsApproval, 'message'> & { readonly message?: string | Reference<string> } = {},
  ): Step<ApprovalOutputs, never> {
    const { message, users, groups, byOther, ...order } = options
    return this.#add(name, order, { approval: defined({ message: message?.toString(), users, groups, byOther }) })
  }

  /** Makes an immutable Model of an artifact, and moves an alias to it. */
  publish(name: string, options: OrderOptions & Referable<PipelineStepsPublish>): Step<PublicationOutputs, never> {
    const { alias, uri, digest, model, ...order } = options
    return this.#add(name, order, {
      publish: { alias: alias.toString(), uri: uri.toString(), ...defined({ digest: digest?.toString(), model }) },
    })
  }

  /** Runs another pipeline; the outputs of that are those of the step. */
  call<Theirs extends Parameters = Parameters, const Each extends ForEach | undefined = undefined>(
    name: string,
    options: CallOptions<Theirs> & { readonly forEach?: Each },
  ): Step<OutputsOf<Readonly<Record<string, never>>, Each>, never> {
    const { pipeline, parameters, forEach, breaker, ...order }: OrderOptions & Called<Theirs> = options
    const called = typeof pipeline === 'string' ? pipeline : pipeline.name
    return this.#add(name, order, { ...jobFields({ forEach, breaker }), pipeline: { name: called, ...defined({ parameters }) } })
  }

  /** What a run leaves behind in its status. @returns this Pipeline */
  output(name: string, value: Reference | string): this {
    this.#outputs.push({ name, value: value.toString() })
    return this
  }

  #add<Outputs, Files extends string>(name: string, order: OrderOptions, work: Omit<PipelineSteps, 'name'>): Step<Outputs, Files> {
    const before = [...super.finishedSpec().steps, ...this.#steps, ...this.#last]
    if (before.some((step) => step.name === name)) throw new TypeError(`Pipeline "${this.name}" has a step "${name}" already`)
    const dependsOn = order.dependsOn?.map((step) => (typeof step === 'string' ? step : step.name))
    const list = order.finally === true ? this.#last : this.#steps
    list.push({ name, ...defined({ dependsOn, when: order.when }), ...work })
    return new Step(name)
  }

  protected override finishedSpec(): PipelineSpec {
    const spec = super.finishedSpec()
    const lists = {
      parameters: [
        ...(spec.parameters ?? []),
        ...Object.entries(this.#declared).map(([name, declared]): PipelineParameters => ({ name, ...declared })),
      ],
      finally: [...(spec.finally ?? []), ...this.#last],
      outputs: [...(spec.outputs ?? []), ...this.#outputs],
    }
    const filled = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
    return { ...spec, ...filled, steps: [...spec.steps, ...this.#steps] }
  }
}

function jobFields(options: JobOptions & { readonly forEach?: ForEach | undefined }): Omit<PipelineSteps, 'name'> {
  const { forEach, queue, priority, produces, retry, timeoutSeconds, queueSeconds, memoize, breaker, resources, placement, podMetadata } =
    options
  return defined({
    forEach: forEach === undefined || isBounded(forEach) ? forEach : { items: forEach },
    queue: queue instanceof Reference ? queue.toString() : queue,
    priority: priority?.toString(),
    outputs: produces,
    ...{ retry, timeoutSeconds, queueSeconds, memoize, breaker, resources, placement, podMetadata },
  })
}

function isBounded(forEach: ForEach): forEach is Exclude<ForEach, Reference | readonly unknown[]> {
  return !(forEach instanceof Reference) && !Array.isArray(forEach)
}

interface Called<Declared extends Parameters> {
  readonly pipeline: Pipeline<Declared> | string
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly forEach?: ForEach | undefined
  readonly breaker?: PipelineSteps['breaker']
}

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

/** Fields that nobody gave are not written. */
function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields> // the same fields
}
