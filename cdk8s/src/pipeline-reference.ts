/**
 * References of a pipeline as values: what is written `$(params.topic)` in YAML, with the type of what will stand there.
 *
 * A reference alone in a field keeps its type; within a text it is put in by `text`, within a condition by `cel`. Nobody has to write `$(…)`.
 */

/** Only for the type checker: a reference to a number is no reference to a text. */
declare const typeOfValue: unique symbol

/** A value that there will be when the pipeline runs. */
export class Reference<out Type = unknown> {
  declare readonly [typeOfValue]: Type
  readonly #path: readonly string[]

  constructor(path: readonly string[]) {
    this.#path = path
  }

  /** A member of the value, of an object by its name, of a list by its place. What it is shows when it is there. */
  field(...names: readonly (string | number)[]): Reference<never> {
    return new Reference([...this.#path, ...names.map(String)])
  }

  /** The reference as YAML has it. */
  toString(): string {
    return `$(${this.#path.join('.')})`
  }

  /** The reference as conditions have it. */
  toCel(): string {
    const [root = '', ...names] = this.#path
    return root + names.map(celMember).join('')
  }
}

const reservedInCel =
  /^(as|break|const|continue|else|false|for|function|if|import|in|let|loop|namespace|null|package|return|true|var|void|while)$/

function celMember(name: string): string {
  if (/^[0-9]+$/.test(name)) return `[${name}]`
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !reservedInCel.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

/** The item of an instance, in a step with forEach. */
export const item: Reference<never> = new Reference(['item'])

/** The run itself. */
export const run = {
  id: new Reference<string>(['run', 'id']),
  name: new Reference<string>(['run', 'name']),
  namespace: new Reference<string>(['run', 'namespace']),
  pipeline: new Reference<string>(['run', 'pipeline']),
  revision: new Reference<number>(['run', 'revision']),
} as const

/**
 * A text with references in it: `` text`Write of ${p.param('topic')}` ``. Everything else stands in it to the letter: a plain `$(` is written `$$(`.
 * @throws TypeError for a `$` right before a reference, which cannot be written
 */
export function text(strings: TemplateStringsArray, ...values: readonly (Reference | string | number | boolean)[]): string {
  let written = ''
  let plain = ''
  for (const [at, string] of strings.entries()) {
    plain += string
    const value = values[at]
    if (!(value instanceof Reference)) plain += value === undefined ? '' : String(value)
    else {
      if (plain.endsWith('$'))
        throw new TypeError(`a $ right before ${value.toString()} would make a plain text of it; put something between the two`)
      written += escaped(plain) + value.toString()
      plain = ''
    }
  }
  return written + escaped(plain)
}

function escaped(plain: string): string {
  return plain.replaceAll(/\$(?=[({])/g, '$$$$')
}

/** A condition with references in it: `` cel`size(${p.param('topics')}) > 1` ``. Other values are put in as constants. */
export function cel(strings: TemplateStringsArray, ...values: readonly unknown[]): string {
  return strings
    .map((string, at) => {
      const value = values[at]
      if (at >= values.length) return string
      return string + (value instanceof Reference ? value.toCel() : JSON.stringify(value))
    })
    .join('')
}
