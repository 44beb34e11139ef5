/**
 * The work of a step with every reference replaced, so that a value stands for itself wherever the text goes from there.
 *
 * A Job reads `$(inputs.x)` in the prompt of an inference with inputs, and Kubernetes reads `$(HOME)` in what a container is given. What the
 * pipeline says means that; what a parameter, an item or a model says does not, so it is written as those two write a plain `$(`.
 */
import { isMembers } from '../reading.ts'
import type { Reference } from './reference.ts'
import { type Quote, type Resolved, substitute } from './substitute.ts'

type Members = Readonly<Record<string, unknown>>

/** As a Job reads it: `$$(` is a plain `$(`, also where two values meet. */
const forInputs: Quote = (text, before) => `${before.endsWith('$') && text.startsWith('(') ? '$' : ''}${text.replaceAll('$(', () => '$$(')}`
/** As Kubernetes reads it: `$$` is a plain `$`. */
const forContainer: Quote = (text) => text.replaceAll('$', () => '$$')

/** @param work of a Job, as the pipeline says it */
export function withValues(work: Members, resolve: (reference: Reference) => Resolved): Resolved {
  const { inference, container } = work
  const isRead = isMembers(inference) && inference['inputs'] !== undefined
  const quoted = {
    ...(isRead ? { inference: quotedPart(inference, ['prompt', 'messages'], forInputs, resolve) } : {}),
    ...(isMembers(container) ? { container: quotedPart(container, ['command', 'args', 'env'], forContainer, resolve) } : {}),
  }
  const rest = substitute(Object.fromEntries(Object.entries(work).filter(([name]) => !Object.hasOwn(quoted, name))), resolve)
  if ('missing' in rest) return rest
  const made = new Map<string, unknown>(Object.entries(rest.value as Members)) // an object stays one, whatever is put into it
  for (const [name, part] of Object.entries(quoted)) {
    if ('missing' in part) return part
    made.set(name, part.value)
  }
  return { value: Object.fromEntries(Object.keys(work).map((name) => [name, made.get(name)])) }
}

function quotedPart(part: Members, fields: readonly string[], quote: Quote, resolve: (reference: Reference) => Resolved): Resolved {
  const members: [string, unknown][] = []
  for (const [name, member] of Object.entries(part)) {
    const done = fields.includes(name) ? substitute(member, resolve, quote) : substitute(member, resolve)
    if ('missing' in done) return done
    members.push([name, done.value])
  }
  return { value: Object.fromEntries(members) }
}
