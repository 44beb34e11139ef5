/** Looks at the clock for those who say nothing: workers that fall silent, and workers that this leader never heard. */
import { type Clock, sleptThrough } from '@mnemos/kube'
import type { Session, SessionLink, Sessions } from './sessions.ts'

export interface SilenceOptions {
  readonly sessions: Sessions
  readonly everyMs: number
  readonly clock: Clock
  /** A worker became suspect or offline, or is heard again. */
  readonly onChange: (session: Session) => void
  /** From now on, workers without a session are gone. Told once. */
  readonly onGone: () => void
}

/** Runs until the signal. */
export async function watchSilence({ sessions, everyMs, clock, onChange, onGone }: SilenceOptions, signal: AbortSignal): Promise<void> {
  const links = new Map<string, SessionLink>()
  let areGone = false
  while (await sleptThrough(clock, everyMs, signal)) {
    for (const session of sessions.all()) {
      const link = sessions.linkOf(session)
      const before = links.get(session.worker) ?? 'fresh'
      links.set(session.worker, link)
      if (link !== before) onChange(session)
    }
    if (areGone || !sessions.areStrangersGone()) continue
    areGone = true
    onGone()
  }
}
