/** Where the served certificate comes from, and whom callers must trust because of it. */
import { type AuthorityStore, bundleOf, type RotationTiming, renewedLeaf, type SignedLeaf } from '@mnemos/identity'

export interface Issued {
  /** PEM of every authority that callers must trust. */
  readonly bundle: string
  /** What is to be served once the bundle is registered: the same value while it need not be renewed. */
  readonly next: (served: SignedLeaf | undefined) => SignedLeaf
}

export interface CertificateSource {
  /** @throws while there is nothing to serve */
  look(now: number, signal: AbortSignal): Promise<Issued>
}

export interface OwnAuthorityOptions {
  readonly store: AuthorityStore
  readonly timing: RotationTiming
  /** What callers dial, for the certificate. */
  readonly hosts: readonly string[]
  readonly name: string
}

/** Certificates signed by an authority of ours, which the replicas share. */
export function ownAuthority({ store, timing, hosts, name }: OwnAuthorityOptions): CertificateSource {
  return {
    look: async (now, signal) => {
      const authorities = await store.refresh(now, signal)
      return {
        bundle: bundleOf(authorities),
        next: (served) => renewedLeaf(served, authorities, { now, lifeMs: timing.leafLifeMs, subject: { name, hosts } }),
      }
    },
  }
}
