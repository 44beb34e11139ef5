/** Which Models a Job may use, and which images may run. */
import type { Path, PolicyRule } from '@mnemos/api'
import { fieldOf, textOf } from '../../reading.ts'
import { imagePattern } from '../image-pattern.ts'
import { type Compiled, compiled, type Judgement, type RuleFinding } from '../rule-kind.ts'
import { modelReference, type PolicySubject } from '../subject.ts'
import { wildcard } from '../wildcard.ts'

type Lists = NonNullable<PolicyRule['models']>

interface Named {
  readonly path: Path
  readonly name: string
}

export function modelsRule(rule: Lists): Compiled<Judgement> {
  const judge = (subject: PolicySubject): readonly RuleFinding[] => {
    const reference = modelReference(subject.kind, subject.spec, subject.namespace ?? '')
    if (reference === undefined) return []
    const full = `${reference.namespace}/${reference.name}`
    const isOwn = reference.namespace === subject.namespace
    // A name alone allows only the namespace's own Model: anybody may call a Model of theirs like another one. It denies all of that name.
    const allows = (pattern: string): boolean =>
      pattern.includes('/') ? wildcard(pattern)(full) : (isOwn || pattern === '*') && wildcard(pattern)(reference.name)
    const denies = (pattern: string): boolean => wildcard(pattern)(pattern.includes('/') ? full : reference.name)
    const path = ['spec', 'inference', 'modelRef']
    return verdict(rule, { path, name: `the Model ${isOwn ? reference.name : full}` }, { allows, denies })
  }
  return compiled({ kinds: ['Job'], judge })
}

export function imagesRule(rule: Lists): Compiled<Judgement> {
  const judge = ({ kind, spec }: PolicySubject): readonly RuleFinding[] => {
    const within = kind === 'Job' ? 'container' : 'podTemplate'
    const image = textOf(fieldOf(fieldOf(spec, within), 'image'))
    if (image === undefined) return []
    const matches = (pattern: string): boolean => imagePattern(pattern)(image)
    return verdict(rule, { path: ['spec', within, 'image'], name: `the image ${image}` }, { allows: matches, denies: matches })
  }
  return compiled({ kinds: ['Job', 'WorkerPool'], judge })
}

function verdict(
  { allow, deny = [] }: Lists,
  { path, name }: Named,
  { allows, denies }: { allows: (pattern: string) => boolean; denies: (pattern: string) => boolean },
): readonly RuleFinding[] {
  if (deny.some(denies)) return [{ path, message: `${name} is denied` }]
  if (allow === undefined || allow.some(allows)) return []
  const suggestion = allow.length > 8 ? {} : { suggestion: `allowed are ${allow.join(', ')}` }
  return [{ path, message: `${name} is not allowed`, ...suggestion }]
}
