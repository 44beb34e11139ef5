/**
 * Puts values into the work of a step where others read texts once more: Kubernetes replaces `$(NAME)` in the command, the arguments and
 * the variables of a container, and a Job `$(inputs.name)` in a prompt that is given texts.
 *
 * Guarantees: a value that was put in arrives as it is, whoever wrote it; what the pipeline itself says there is read by them as ever.
 */
import { fieldOf } from '../reading.ts'
import type { Reference } from './reference.ts'
import { type Resolved, substitute } from './substitute.ts'

type Resolve = (reference: Reference) => Resolved
type Quote = (text: string) => string

/** To Kubernetes two dollars are one, wherever they stand. */
const forContainer: Quote = (text) => text.replaceAll('$', '$$$$')
/** To a Job `$$(` is a plain `$(`, and any other dollar is itself. */
const forPrompt: Quote = (text) => text.replaceAll('$(', '$$$$(')

/** Fields whose texts are read again, by the field that holds them. */
function readAgain(spec: Readonly<Record<string, unknown>>): Readonly<Record<string, { fields: readonly string[]; quote: Quote }>> {
  return {
    container: { fields: ['command', 'args', 'env'], quote: forContainer },
    ...(fieldOf(spec['inference'], 'inputs') === undefined ? {} : { inference: { fields: ['prompt', 'messages'], quote: forPrompt } }),
  }
}

/** The spec of a Job with every reference replaced, or the first one that has no value. */
export function substituteWork(spec: Readonly<Record<string, unknown>>, resolve: Resolve): Resolved {
  const again = readAgain(spec)
  const members: [string, unknown][] = []
  for (const [name, value] of Object.entries(spec)) {
    const rule = Object.hasOwn(again, name) ? again[name] : undefined
    const done = rule === undefined ? substitute(value, resolve) : substituteMembers(value, resolve, rule)
    if ('missing' in done) return done
    members.push([name, done.value])
  }
  return { value: Object.fromEntries(members) }
}

function substituteMembers(value: unknown, resolve: Resolve, rule: { fields: readonly string[]; quote: Quote }): Resolved {
  if (typeof value !== 'object' || value === null) return substitute(value, resolve)
  const members: [string, unknown][] = []
  for (const [name, member] of Object.entries(value)) {
    const done = substitute(member, rule.fields.includes(name) ? quoting(resolve, rule.quote) : resolve)
    if ('missing' in done) return done
    members.push([name, done.value])
  }
  return { value: Object.fromEntries(members) }
}

function quoting(resolve: Resolve, quote: Quote): Resolve {
  return (reference) => {
    const found = resolve(reference)
    return 'missing' in found ? found : { value: quoted(found.value, quote) }
  }
}

/** Every text of a value, names of members included: a list or an object becomes JSON. */
function quoted(value: unknown, quote: Quote): unknown {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return value.map((each) => quoted(each, quote))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [quote(name), quoted(member, quote)]))
}
