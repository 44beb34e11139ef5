/**
 * Which authority signs now, which ones clients must trust, and when the next one has to be made.
 *
 * ```
 *  made ── overlap ──► signs ── ⅔ of its life: the next is made ── overlap ──► next signs ── overlap ──► dropped
 *  └── trusted by clients all the way ────────────────────────────────────────────────────────────────┘
 * ```
 * Guarantees: an authority is trusted for a whole overlap before its first leaf is served, and for a whole overlap after its
 * last one was; as long as every replica looks at least once per overlap, no call ever meets a certificate that it does not trust.
 * Pure: time comes in. Knows nothing of where authorities are kept.
 */
import type { AuthorityCertificate, KeyedCertificate } from './certificates.ts'

export interface Authority extends AuthorityCertificate {
  /** Epoch ms from which leaves are signed with it. */
  readonly signsFrom: number
}

export interface RotationTiming {
  readonly authorityLifeMs: number
  readonly leafLifeMs: number
  /** Longest time until every replica and every API server knows a new authority. */
  readonly overlapMs: number
}

export interface AuthorityPlan {
  /** Oldest first. */
  readonly keep: readonly Authority[]
  /** A new authority is to be made, signing from then on (epoch ms). */
  readonly make?: { readonly signsFrom: number }
}

/** What should become of the authorities. An empty list asks for the first one, which signs at once. */
export function planAuthorities(authorities: readonly Authority[], now: number, timing: RotationTiming): AuthorityPlan {
  const alive = authorities.filter((authority) => authority.notAfter > now)
  const signer = signerOf(alive, now)
  if (signer === undefined) return { keep: [], make: { signsFrom: now } }
  const isSettled = signer.signsFrom + timing.overlapMs <= now
  const keep = isSettled ? alive.slice(alive.indexOf(signer)) : alive
  const newest = alive.at(-1) ?? signer
  return isAging(newest, now) ? { keep, make: { signsFrom: Math.min(now + timing.overlapMs, newest.notAfter) } } : { keep }
}

/** The newest authority whose time to sign has come; before that, the oldest there is. */
export function signerOf(authorities: readonly Authority[], now: number): Authority | undefined {
  return authorities.findLast((authority) => authority.signsFrom <= now) ?? authorities[0]
}

/** Whether two thirds of a certificate's life are over: time to replace it. */
export function isAging(certificate: KeyedCertificate, now: number): boolean {
  return now >= certificate.issuedAt + ((certificate.notAfter - certificate.issuedAt) * 2) / 3
}

/** All certificates that clients must trust, as one PEM text. */
export function bundleOf(authorities: readonly Authority[]): string {
  return authorities.map((authority) => authority.certificate).join('')
}
