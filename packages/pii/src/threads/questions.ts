/** What goes to a thread and what comes back. */
import type { PiiEntity, PiiMatch } from '../entities.ts'

export interface PiiQuestion {
  readonly id: number
  readonly text: string
  readonly entities: readonly PiiEntity[] | undefined
}

/** Id 0 says that the thread is ready. */
export interface PiiAnswer {
  readonly id: number
  readonly matches: readonly PiiMatch[]
}
