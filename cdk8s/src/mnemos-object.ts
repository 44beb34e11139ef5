/**
 * What every construct of MNEMOS is: an API object whose spec is typed, may name other constructs, and is judged while it renders.
 *
 * The judgement is that of `mnemos lint` and of the admission webhook, on the object as it is written (JSON patches included): an
 * app that would be refused does not render.
 */
import { apiVersion, judge, kinds } from '@mnemos/api'
import { ApiObject, type ApiObjectMetadata, Lazy } from 'cdk8s'
import type { Construct } from 'constructs'
import { written } from './reference.ts'

/** What a construct is made from. */
export interface ObjectProps<Spec extends object> {
  /** Name, namespace, labels and annotations. The name follows from the construct's path when absent. */
  readonly metadata?: ApiObjectMetadata
  /** What the object is to be, as in YAML; constructs, Sizes and Durations may stand where they make sense. */
  readonly spec: Spec
}

/** An object of `mnemos.dev/v1alpha1`. */
export abstract class MnemosObject<Kind extends string, Spec extends object> extends ApiObject {
  declare readonly kind: Kind
  /** Whether objects of the kind live in a namespace. */
  readonly isNamespaced: boolean
  readonly #spec: Spec
  readonly #names: readonly string[]

  /** @param names paths in the spec that hold a bare name of an object, e.g. `dependsOn[]` */
  constructor(scope: Construct, id: string, kind: Kind, names: readonly string[], { metadata, spec }: ObjectProps<Spec>) {
    // The spec is asked for when it is rendered: until then it may still grow, e.g. by Job.dependsOn.
    const rendered: unknown = Lazy.any({ produce: () => this.renderedSpec() })
    super(scope, id, { ...(metadata === undefined ? {} : { metadata }), apiVersion, kind, spec: rendered })
    this.#spec = spec
    this.#names = names
    this.isNamespaced = kinds.some((each) => each.kind === kind && each.scope === 'Namespaced')
    this.node.addValidation({ validate: () => this.mistakes() })
  }

  /** The spec with what was added to it since the construct was made. */
  protected finishedSpec(): Spec {
    return this.#spec
  }

  /** What is wrong with the object, a sentence each: the field, the mistake and what would be right. Empty when nothing is. */
  mistakes(): string[] {
    const who = `${this.kind} "${this.name}"`
    try {
      this.renderedSpec() // Asked first: what it throws is about the spec, and cdk8s would wrap it.
      return judge(this.kind, this.toJson()).map(({ field, message, suggestion }) => {
        return `${who}: ${field}${field === '' ? '' : ': '}${message}${suggestion === undefined ? '' : `; ${suggestion}`}`
      })
    } catch (error) {
      return [`${who}: ${error instanceof Error ? error.message : String(error)}`]
    }
  }

  /** The object as Kubernetes takes it. */
  override toJson(): Record<string, unknown> {
    const object = super.toJson() as { metadata: Record<string, unknown> } & Record<string, unknown> // cdk8s says any
    if (this.isNamespaced) return object
    const { namespace: _ofTheChart, ...metadata } = object.metadata
    return { ...object, metadata }
  }

  /** The spec as YAML has it. */
  private renderedSpec(): unknown {
    return written(this.finishedSpec(), this.#names, this.metadata.namespace)
  }
}
