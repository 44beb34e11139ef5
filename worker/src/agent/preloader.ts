/**
 * Makes models ready before anybody asks for them: the bytes into the cache, then into the engine.
 *
 * A hint and no more: the newest list takes the place of any before, one model after the other, and what fails is logged and
 * left to the first Job, or to the next list. Jobs do not wait for it: the cache shares downloads, and the engine loads.
 */
import { type AssignedModel, decodeModel, type Preload } from '@mnemos/contract'
import { faultFields } from '../failure.ts'
import type { Workshop } from './attempt.ts'

export interface Preloader {
  /** Begins with this list; never throws. */
  obey(preload: Pick<Preload, 'token' | 'serverUrl' | 'models'>): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** @param maxLoaded models that the engine holds at once: those after the first so many are only cached */
export function createPreloader(workshop: Workshop, maxLoaded: number): Preloader {
  let current = new AbortController()
  let done: Promise<unknown> = Promise.resolve()
  let isStopped = false
  const { logger } = workshop

  async function prepare(preload: Pick<Preload, 'token' | 'serverUrl' | 'models'>, signal: AbortSignal): Promise<void> {
    for (const [index, bytes] of preload.models.entries()) {
      if (isAborted(signal)) return
      try {
        await prepareOne(decodeModel(bytes), { preload, mayLoad: index < maxLoaded, signal })
      } catch (error) {
        if (!isAborted(signal)) logger.warn(faultFields(error), 'a model could not be made ready ahead of its first Job')
      }
    }
  }

  async function prepareOne(
    model: AssignedModel,
    { preload, mayLoad, signal }: { preload: Pick<Preload, 'token' | 'serverUrl'>; mayLoad: boolean; signal: AbortSignal },
  ): Promise<void> {
    const engine = workshop.engines.get(model.engine)
    if (engine === undefined) return
    const session = workshop.servers.session(preload.serverUrl, preload.token)
    const file = engine.needsFile
      ? await workshop.cache.acquire(model, (options) => session.get(model.artifact, options), { signal })
      : undefined
    try {
      const { digest, parameters } = model
      if (mayLoad && !engine.models().includes(digest)) await engine.load({ digest, path: file?.path ?? '', parameters }, { signal })
      logger.info({ model: model.name, loaded: engine.models().includes(digest) }, 'a model was made ready ahead of its first Job')
    } finally {
      file?.release()
    }
  }

  return {
    obey: (preload) => {
      if (isStopped) return
      current.abort(new Error('a newer list came'))
      current = new AbortController()
      const { signal } = current
      done = done.then(() => prepare(preload, signal))
    },
    stop: async () => {
      isStopped = true
      current.abort(new Error('the worker stops'))
      await done
    },
  }
}

/** The signal may have aborted since it was last looked at, which the type checker does not know. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
