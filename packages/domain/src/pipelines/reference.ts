/**
 * References in the texts of a pipeline: `$(params.x)`, `$(steps.prepare.outputs.train)`, `$(item)`, `$(run.id)`; and
 * `$(steps.draft.artifacts.text)`, where the bytes of an output are (`job://…`), for what takes them by reference.
 *
 * `${params.x}`, `${prepare.train}` and `${RUN_ID}` are aliases, for manifests that were written so; some GitOps tools replace `${…}`
 * themselves, so nothing is shown in that form. `$$(` and `$${` stand for a plain `$(` and `${`. What begins with another word is left as
 * it is: a shell's `$(date)` and a container's `$(HOME)` mean something to others, and `$(inputs.x)` to the Job.
 *
 * Guarantees: total, in one pass; what a reference brings in is never read again (see substitute.ts).
 */

export type Reference =
  | { readonly from: 'params'; readonly name: string; readonly field: readonly string[] }
  | {
      readonly from: 'steps'
      readonly step: string
      readonly part: 'outputs' | 'artifacts'
      readonly output: string
      readonly field: readonly string[]
    }
  | { readonly from: 'item'; readonly field: readonly string[] }
  | { readonly from: 'run'; readonly name: string }

/** A piece of a text: as it stands, a reference, or what looks like one and is none. */
export type Piece =
  | { readonly text: string }
  | { readonly reference: Reference; readonly written: string }
  | { readonly mistake: string; readonly written: string }

/** What `$(run.…)` can name. */
export const runNames = ['id', 'name', 'namespace', 'pipeline', 'revision'] as const

/** Up to its closing bracket, and short: a bracket without end is not looked for to the end of the text. */
const written = /\$(\$[({])|\$\(([^()\s]{1,256})\)|\$\{([^{}\s]{1,256})\}/g
const names = /^[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?$/
const roots = ['params', 'steps', 'item', 'run']

/** The pieces of a text, in order; one for a text without references. */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let plain = ''
  let from = 0
  for (const match of text.matchAll(written)) {
    const [all, escaped, dollar, brace] = match
    plain += text.slice(from, match.index)
    from = match.index + all.length
    const read = escaped === undefined ? readReference(dollar ?? '', brace) : undefined
    if (escaped !== undefined) plain += escaped
    else if (read === undefined) plain += all
    else {
      if (plain !== '') pieces.push({ text: plain })
      plain = ''
      pieces.push('mistake' in read ? { mistake: read.mistake, written: all } : { reference: read, written: all })
    }
  }
  plain += text.slice(from)
  if (plain !== '' || pieces.length === 0) pieces.push({ text: plain })
  return pieces
}

/** Undefined for what is nobody's here. */
function readReference(dollar: string, brace: string | undefined): Reference | { readonly mistake: string } | undefined {
  const path = brace === undefined ? dollar : aliasOf(brace)
  if (path === undefined) return undefined
  const [root = '', ...parts] = path.split('.')
  if (!roots.includes(root)) return undefined
  const wrong = parts.find((part) => !names.test(part))
  if (wrong !== undefined)
    return { mistake: wrong === '' ? 'has an empty name between its dots' : `has a name that none can have: "${wrong}"` }
  return referenceOf(root, parts)
}

function referenceOf(root: string, parts: readonly string[]): Reference | { readonly mistake: string } {
  const [first, second, third, ...others] = parts
  if (root === 'item') return { from: 'item', field: parts }
  if (root === 'params') {
    if (first === undefined) return { mistake: 'names no parameter; write $(params.<name>)' }
    return { from: 'params', name: first, field: parts.slice(1) }
  }
  if (root === 'run') {
    const isKnown = runNames.some((name) => name === first) && second === undefined
    return isKnown && first !== undefined ? { from: 'run', name: first } : { mistake: `of a run there are ${runNames.join(', ')}` }
  }
  if (first === undefined || (second !== 'outputs' && second !== 'artifacts') || third === undefined)
    return { mistake: 'is no output of a step; write $(steps.<step>.outputs.<output>)' }
  return { from: 'steps', step: first, part: second, output: third, field: others }
}

/** What an alias stands for, as the path of a reference; undefined for what is none, such as a shell's `${HOME}`. */
function aliasOf(brace: string): string | undefined {
  if (brace === 'RUN_ID') return 'run.id'
  const [root = '', ...others] = brace.split('.')
  if (roots.includes(root)) return brace
  const [output, ...field] = others
  return output === undefined ? undefined : ['steps', root, 'outputs', output, ...field].join('.')
}
