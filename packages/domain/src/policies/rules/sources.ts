/** Where the bytes of a Model may come from. */
import { type PolicyRule, shownUri } from '@mnemos/api'
import { fieldOf, textOf } from '../../reading.ts'
import { broken, type Compiled, type CompileProblem, compiled, type Judgement, type RuleFinding } from '../rule-kind.ts'
import { parseSource, type SourceUri, sourcePattern } from '../source-pattern.ts'
import type { PolicySubject } from '../subject.ts'

type SourcesRule = NonNullable<PolicyRule['sources']>
type Matches = (uri: SourceUri) => boolean

/** What MNEMOS itself made: the policy has judged where it came from. */
const ownSchemes = new Set(['job', 'artifact', 'model'])

export function sourcesRule(rule: SourcesRule): Compiled<Judgement> {
  const problems: CompileProblem[] = []
  const listOf = (list: 'allow' | 'deny'): readonly Matches[] | undefined =>
    rule[list]?.flatMap((text, index) => {
      const pattern = sourcePattern(text)
      if (pattern !== undefined) return [pattern]
      problems.push({
        path: ['sources', list, index],
        message: `"${text}" is no pattern of a source`,
        suggestion: 'write scheme://host/path, e.g. s3://models/* or hf://meta-llama/*',
      })
      return []
    })
  const allow = listOf('allow')
  const deny = listOf('deny') ?? []
  if (problems.length > 0) return broken(...problems)
  return compiled({
    kinds: ['Model', 'Job'],
    judge: (subject) =>
      sourcesOf(subject).flatMap(({ uri, path }) => {
        const fault = faultOf(uri, allow, deny)
        return fault === undefined ? [] : [{ path, message: `${shownUri(uri)} ${fault}`, ...allowedOf(rule) } satisfies RuleFinding]
      }),
  })
}

function faultOf(uri: string, allow: readonly Matches[] | undefined, deny: readonly Matches[]): string | undefined {
  const source = parseSource(uri)
  if (source === undefined) return 'can be read in more than one way (a user name, "..", or escaped or invisible characters)'
  if (deny.some((matches) => matches(source))) return 'is a source that is denied'
  if (allow === undefined || ownSchemes.has(source.scheme)) return undefined
  return allow.some((matches) => matches(source)) ? undefined : 'is no source that is allowed'
}

function allowedOf({ allow }: SourcesRule): { suggestion?: string } {
  return allow === undefined || allow.length > 8 ? {} : { suggestion: `allowed are ${allow.join(', ')}` }
}

function sourcesOf({ kind, spec, model }: PolicySubject): readonly { uri: string; path: readonly string[] }[] {
  const imported = textOf(fieldOf(fieldOf(fieldOf(spec, 'maintenance'), 'parameters'), 'uri'))
  const path = kind === 'Model' ? ['spec', 'source', 'uri'] : ['spec', 'inference', 'modelRef']
  // An alias is judged by itself, too: somebody may deny aliases.
  return [
    ...[model?.alias, model?.uri].flatMap((uri) => (uri === undefined ? [] : [{ uri, path }])),
    ...(imported === undefined ? [] : [{ uri: imported, path: ['spec', 'maintenance', 'parameters', 'uri'] }]),
  ]
}
