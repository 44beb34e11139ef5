/**
 * Charges requests to the rate limits of policies, at the store that all replicas share.
 *
 * Guarantees: an answer within the deadline; a store that does not answer decides nothing by itself, each rule says what it means for
 * it (`onStoreFailure`); while it stays away nobody waits for it again and again. A dry run takes nothing.
 */
import { createHash } from 'node:crypto'
import { type CountedRequest, chargeOf, type FullRule, type RateLimitRule, type RateVerdict } from '@mnemos/domain'
import type { Clock } from '@mnemos/kube'
import { type Charge, type ChargeOutcome, type RateLimits, RateLimitsError } from '@mnemos/stores'
import type { Logger } from 'pino'
import type { RateLimitMetrics } from './rate-limit-metrics.ts'
import type { StoredObjects } from './stored-objects.ts'

/** One object that is to be stored. */
export interface RatedRequest extends CountedRequest {
  /** That the object will have. */
  readonly uid: string
  readonly dryRun: boolean
}

export interface RateLimiter {
  /** Never throws. */
  count(request: RatedRequest, rules: readonly RateLimitRule[]): Promise<RateVerdict>
}

export interface RateLimiterOptions {
  readonly store: RateLimits
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: RateLimitMetrics
  /** Longest wait for the store, in ms. */
  readonly deadlineMs: number
  readonly expect: StoredObjects['expect']
}

/** After so many failures in a row the store is left alone for a while, so that an outage does not cost every request its deadline. */
const failuresInRow = 3
const restMs = 1000

export function createRateLimiter({ store, clock, logger, metrics, deadlineMs, expect }: RateLimiterOptions): RateLimiter {
  const outage = { failures: 0, restsUntil: -Infinity }

  const ask = async (request: RatedRequest, charges: readonly Charge[]): Promise<ChargeOutcome> => {
    if (clock.monotonic() < outage.restsUntil) throw new RateLimitsError('Unavailable', 'the store of rate limits failed a moment ago')
    const began = clock.monotonic()
    try {
      const outcome = await within(request.dryRun ? store.peek(charges) : store.charge(request.uid, charges), deadlineMs, clock)
      if (outage.failures >= failuresInRow) logger.info('the store of rate limits answers again')
      outage.failures = 0
      metrics.asked((clock.monotonic() - began) / 1000, true)
      return outcome
    } catch (error) {
      outage.failures += 1
      if (outage.failures === failuresInRow) logger.error({ err: error }, 'the store of rate limits does not answer')
      if (outage.failures >= failuresInRow) outage.restsUntil = clock.monotonic() + restMs
      metrics.asked((clock.monotonic() - began) / 1000, false)
      throw error
    }
  }

  return {
    count: async (request, rules) => {
      const charges = rules.map((rule) => {
        const { words, ...charge } = chargeOf(rule, request)
        return { ...charge, key: digestOf(words) }
      })
      const verdict = await ask(request, charges).then(
        (outcome) => verdictOf(outcome, rules, clock.now()),
        (): RateVerdict => ({ kind: 'uncounted', refusing: rules.filter(refusesUncounted) }),
      )
      if (request.dryRun) return verdict
      // A charge that was not answered may have been taken all the same.
      if (verdict.kind !== 'full') expect(request.uid)
      note(metrics, rules, verdict)
      return verdict
    },
  }
}

const refusesUncounted = ({ mode, limit }: RateLimitRule): boolean => mode === 'Enforce' && limit.onStoreFailure === 'Deny'

/** Words that may name a user, as what nobody reads a name from at a glance. */
function digestOf(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('base64url').slice(0, 22)
}

function verdictOf({ isAdmitted, full }: ChargeOutcome, rules: readonly RateLimitRule[], now: number): RateVerdict {
  const found = full.flatMap(({ index, admitsInMs }): FullRule[] => {
    const rule = rules[index]
    const inSeconds = Math.max(1, Math.ceil(admitsInMs / 1000))
    return rule === undefined ? [] : [{ rule, next: { at: timeText(now + admitsInMs), inSeconds } }]
  })
  return isAdmitted ? { kind: 'room', over: found } : { kind: 'full', rules: found.filter(({ rule }) => rule.mode === 'Enforce') }
}

/** RFC 3339 in whole seconds, not before the time. */
function timeText(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

function note(metrics: RateLimitMetrics, rules: readonly RateLimitRule[], verdict: RateVerdict): void {
  switch (verdict.kind) {
    case 'room':
      for (const rule of rules) metrics.counted(rule, verdict.over.some((each) => each.rule === rule) ? 'over' : 'admitted')
      return
    case 'full':
      for (const { rule } of verdict.rules) metrics.counted(rule, 'refused')
      return
    case 'uncounted':
      for (const rule of rules) metrics.counted(rule, refusesUncounted(rule) ? 'uncountedRefused' : 'uncountedAdmitted')
  }
}

/** @throws RateLimitsError when it takes longer */
async function within<T>(asked: Promise<T>, deadlineMs: number, clock: Clock): Promise<T> {
  let timer: { cancel(): void } | undefined
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(
      () => reject(new RateLimitsError('Unavailable', `the store of rate limits did not answer within ${deadlineMs} ms`)),
      deadlineMs,
    )
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    timer?.cancel()
  }
}
