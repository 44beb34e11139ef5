/**
 * One piece of work that several callers wait for: started by the first, ended early only when the last has left.
 *
 * A caller that aborts leaves at once and costs the others nothing.
 */
export interface SharedTask<Progress, Result> {
  /** @throws the task's error, or the caller's abort reason */
  join(options: { signal: AbortSignal; onProgress?: ((progress: Progress) => void) | undefined }): Promise<Result>
  /** All callers left, so the work is being ended: join another. */
  abandoned(): boolean
  /** Resolves once nothing runs any more, whatever the outcome. */
  settled(): Promise<void>
}

export function sharedTask<Progress, Result>(
  run: (options: { signal: AbortSignal; onProgress: (progress: Progress) => void }) => Promise<Result>,
): SharedTask<Progress, Result> {
  const controller = new AbortController()
  const listeners = new Set<(progress: Progress) => void>()
  let waiting = 0
  const running = run({
    signal: controller.signal,
    onProgress: (progress) => {
      for (const listener of listeners) listener(progress)
    },
  })
  // Whoever waits gets the error; when all have left, nobody does, and that is no unhandled rejection.
  const settled = running.then(
    () => undefined,
    () => undefined,
  )
  return {
    abandoned: () => controller.signal.aborted,
    settled: () => settled,
    join: async ({ signal, onProgress }) => {
      signal.throwIfAborted()
      waiting += 1
      const listener = onProgress ?? (() => undefined)
      const listen = (progress: Progress): void => listener(progress)
      listeners.add(listen)
      const left = Promise.withResolvers<never>()
      const leave = (): void => left.reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      signal.addEventListener('abort', leave, { once: true })
      try {
        return await Promise.race([running, left.promise])
      } finally {
        signal.removeEventListener('abort', leave)
        listeners.delete(listen)
        waiting -= 1
        if (waiting === 0) controller.abort(new Error('nobody waits any more'))
      }
    },
  }
}
