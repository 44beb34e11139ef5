/** A step as others name it: its outputs are typed references. Made by the methods of Pipeline. */
import { Reference } from './pipeline-reference.ts'

/** A step of a pipeline: what it leaves behind can be named by those that come after it. */
export class Step<Outputs = object, Files extends string = string> {
  readonly name: string
  /** Only for the type checker. */
  declare protected readonly files: Files

  constructor(name: string) {
    this.name = name
  }

  /** An output, by its name; of a step with forEach the list of what its instances left. */
  output<Name extends keyof Outputs & string>(name: Name): Reference<Outputs[Name]> {
    return new Reference(['steps', this.name, 'outputs', name])
  }

  /** Where a file is that the container of the step leaves, for `from` of an input and `uri` of a publication. */
  artifact(name: Files): Reference<string> {
    return new Reference(['steps', this.name, 'artifacts', name])
  }
}
