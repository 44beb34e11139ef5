/**
 * What a Job is likely to cost, from a price book: an estimate before anything has run, of one attempt.
 *
 * Tokens read are estimated at four bytes of UTF-8 each, tokens written at most `maxTokens`; a container costs its GPUs for as long
 * as `deadlines.runSeconds` lets it run. Money is counted in billionths of the currency, as whole numbers, rounded up.
 */
import type { PolicyRule } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../../reading.ts'
import { nanosOf } from '../quantity.ts'
import { type Compiled, compiled, type Judgement, type RuleFinding } from '../rule-kind.ts'
import { modelReference, type PolicySubject } from '../subject.ts'
import { anyWildcard } from '../wildcard.ts'

type CostRule = NonNullable<PolicyRule['cost']>

const bytesPerToken = 4
const billion = 1_000_000_000n
const utf8 = new TextEncoder()

export function costRule(rule: CostRule): Compiled<Judgement> {
  const warnAbove = billionthsOf(rule.warnAbove)
  const denyAbove = rule.denyAbove === undefined ? undefined : billionthsOf(rule.denyAbove)
  return compiled({
    kinds: ['Job'],
    judge: (subject) => {
      const estimate = estimateOf(subject, rule)
      if (estimate === undefined) return []
      const { cost, path } = estimate
      const said = `one attempt costs up to ${shown(cost)} ${rule.currency} (an estimate)`
      if (denyAbove !== undefined && cost > denyAbove) {
        const message = `${said}, which is above ${shown(denyAbove)} ${rule.currency}`
        return [{ path, message, suggestion: 'ask for fewer tokens, a cheaper Model or a shorter deadline' }]
      }
      return cost > warnAbove ? [{ path, message: said, action: 'Warn' } satisfies RuleFinding] : []
    },
  })
}

function estimateOf(subject: PolicySubject, rule: CostRule): { cost: bigint; path: readonly string[] } | undefined {
  const reference = modelReference(subject.kind, subject.spec, subject.namespace ?? '')
  if (reference === undefined) return containerEstimate(subject, rule)
  const { namespace, name } = reference
  const price = rule.prices.find(({ models }) => {
    const matches = anyWildcard(models)
    return matches(`${namespace}/${name}`) || matches(name)
  })
  if (price === undefined) return undefined
  const inference = fieldOf(subject.spec, 'inference')
  const texts = [fieldOf(inference, 'prompt'), ...itemsOf(fieldOf(inference, 'messages')).map((message) => fieldOf(message, 'content'))]
  const bytes = texts.reduce<number>((sum, text) => sum + utf8.encode(textOf(text) ?? '').byteLength, 0)
  const written = fieldOf(fieldOf(inference, 'parameters'), 'maxTokens')
  const tokensIn = BigInt(Math.ceil(bytes / bytesPerToken))
  const tokensOut = typeof written === 'number' && Number.isSafeInteger(written) && written > 0 ? BigInt(written) : 0n
  const millionths = tokensIn * billionthsOf(price.perMillionInputTokens) + tokensOut * billionthsOf(price.perMillionOutputTokens)
  return { cost: upward(millionths, 1_000_000n), path: ['spec', 'inference'] }
}

function containerEstimate({ spec }: PolicySubject, { perGpuHour }: CostRule): { cost: bigint; path: readonly string[] } | undefined {
  const seconds = fieldOf(fieldOf(spec, 'deadlines'), 'runSeconds')
  const resources = fieldOf(spec, 'resources')
  const asked = (['limits', 'requests'] as const).map((part) => nanosOf(fieldOf(fieldOf(resources, part), 'nvidia.com/gpu')))
  const gpus = asked.find((nanos) => nanos !== undefined)
  if (perGpuHour === undefined || gpus === undefined || gpus <= 0n || typeof seconds !== 'number') return undefined
  return { cost: upward(billionthsOf(perGpuHour) * gpus * BigInt(seconds), billion * 3600n), path: ['spec', 'resources'] }
}

function upward(amount: bigint, divisor: bigint): bigint {
  return (amount + divisor - 1n) / divisor
}

function billionthsOf(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.')
  return BigInt(whole) * billion + BigInt(fraction.padEnd(9, '0'))
}

/** Two decimals at least, more as far as they say something. */
function shown(amount: bigint): string {
  const fraction = String(amount % billion)
    .padStart(9, '0')
    .replace(/0{1,7}$/, '')
  return `${amount / billion}.${fraction}`
}
