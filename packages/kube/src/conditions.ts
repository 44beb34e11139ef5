/** Conditions as Kubernetes writes them: one for each type, whose time moves only when its status does. */

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration: number
  readonly lastTransitionTime: string
}

/** A condition without its bookkeeping. */
export interface Fact {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

const maxMessage = 1024

/**
 * The conditions that follow from the facts. Those of `previous` that no fact speaks of are gone, so a plan always states
 * all that hold; messages longer than 1,024 characters are cut.
 */
export function withConditions(
  previous: readonly Condition[],
  facts: readonly Fact[],
  at: { generation: number; now: number },
): Condition[] {
  return facts.map(({ type, status, reason, message }) => {
    const before = previous.find((condition) => condition.type === type)
    return {
      type,
      status,
      reason,
      message: message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message,
      observedGeneration: at.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : new Date(at.now).toISOString().replace(/\.\d+Z$/, 'Z'),
    }
  })
}
