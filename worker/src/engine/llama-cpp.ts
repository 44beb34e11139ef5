/**
 * The llama.cpp engine, seen from the agent: forks the child that holds the models, and forks another when that one ends.
 *
 * Guarantees: whatever kills the child (SIGSEGV, the OOM killer, a stray kill) rejects exactly what ran in it, with class
 * EngineCrashed; a child that does not stop on an abort is killed after `abortGraceMs`. No prompt leaves this module but to
 * the child; what the child prints is thrown away.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism, tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Clock, systemClock } from '../clock.ts'
import { WorkFailure } from '../failure.ts'
import type { Engine, EngineModel } from './engine.ts'
import { type FromChild, fromChild, type LoadSettings, type ToChild } from './llama-cpp-protocol.ts'

export interface LlamaCppOptions {
  readonly clock?: Clock
  /** Answers made at the same time. Default 1. */
  readonly parallel?: number
  /** Models kept in memory. Default 1. */
  readonly maxLoaded?: number
  /** Tokens a model sees at once unless its `contextSize` says otherwise. Default 4096, at most what it was trained on. */
  readonly contextSize?: number
  /**
   * Threads that compute. Default: one less than there are cores, at least one. llama.cpp's threads wait for each other by
   * spinning, so more threads than free cores cost a hundredfold: the library's own default of four made 0.2 tokens/s on two busy
   * cores where two threads made 69 and one made 67.
   */
  readonly threads?: number
  /** How long a child may take to obey an abort, in ms. Default 5000. */
  readonly abortGraceMs?: number
  /** The module that is forked. */
  readonly child?: URL
}

export interface LlamaCppEngine extends Engine {
  /** The child's process id, while there is one. */
  pid(): number | undefined
}

interface Call {
  onMessage(message: FromChild): void
  reject(error: Error): void
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

export function llamaCppEngine(options: LlamaCppOptions = {}): LlamaCppEngine {
  const { clock = systemClock, abortGraceMs = 5000 } = options
  const calls = new Map<number, Call>()
  let child: ChildProcess | undefined
  let models: readonly string[] = []
  let lastId = 0

  function start(): ChildProcess {
    if (child !== undefined) return child
    // Nothing of our environment, so that the child holds no secret of the agent. Without HOME Node looks the user up, and a
    // number that no passwd file knows, as images run by, is an error.
    const forked = fork(options.child ?? childModule(), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env: { HOME: tmpdir() } })
    forked.on('message', (message) => {
      const { data, success } = fromChild.safeParse(message)
      if (success) calls.get(data.id)?.onMessage(data)
      else forked.kill('SIGKILL')
    })
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (child !== forked) return
      child = undefined
      models = []
      const ended = [...calls.values()]
      calls.clear()
      for (const call of ended) call.reject(crashed(code, signal))
    }
    // One that could not even be started says only this.
    forked.on('error', () => {
      forked.kill('SIGKILL')
      gone(null, null)
    })
    forked.on('exit', gone)
    child = forked
    return forked
  }

  /** Sends one request to the child and settles with its last answer; `onMessage` gets the ones between. */
  function call(request: WithoutId<ToChild>, signal: AbortSignal, onMessage: (message: FromChild) => void): Promise<FromChild> {
    const id = ++lastId
    const process = start()
    let overdue: { cancel(): void } | undefined
    const abort = (): void => {
      process.send({ type: 'abort', id } satisfies ToChild, () => undefined)
      overdue = clock.setTimeout(() => process.kill('SIGKILL'), abortGraceMs)
    }
    const settled = new Promise<FromChild>((resolve, reject) => {
      calls.set(id, {
        reject: (error) => reject(signal.aborted ? abortReason(signal) : error),
        onMessage: (message) => {
          if (message.type === 'token' || message.type === 'progress') onMessage(message)
          else if (signal.aborted || message.type === 'aborted') reject(abortReason(signal))
          else if (message.type === 'failed') reject(failureOf(message))
          else resolve(message)
        },
      })
      process.send({ ...request, id }, (error) => {
        if (error !== null) reject(crashed(process.exitCode, process.signalCode))
      })
    })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    return settled.finally(() => {
      calls.delete(id)
      overdue?.cancel()
      signal.removeEventListener('abort', abort)
    })
  }

  return {
    name: 'llama-cpp',
    needsFile: true,
    load: async (model, { onProgress, signal }) => {
      signal.throwIfAborted()
      const settings = settingsOf(model, options)
      const message = await call({ type: 'load', digest: model.digest, path: model.path, settings }, signal, (progress) => {
        if (progress.type === 'progress') onProgress?.(progress.share)
      })
      if (message.type === 'loaded') models = message.models
    },
    generate: async ({ model, prompt, messages, parameters }, { onToken, signal }) => {
      signal.throwIfAborted()
      const done = await call({ type: 'generate', digest: model, prompt, messages, parameters }, signal, (token) => {
        if (token.type === 'token' && !signal.aborted) onToken(token.text)
      })
      if (done.type !== 'done') throw new TypeError(`the engine's child answered generate with ${done.type}`)
      return { text: done.text, finishReason: done.finishReason, usage: done.usage }
    },
    models: () => models,
    pid: () => child?.pid,
    close: async () => {
      const ending = child
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
      await new Promise<void>((resolve) => {
        ending.once('exit', () => resolve())
        ending.kill('SIGKILL')
      })
    },
  }
}

/** Beside this module in a checkout; in a bundle beside the program, above the chunks. */
function childModule(): string {
  const own = import.meta.url
  const bundled = own.includes('/chunks/') ? '../llama-cpp-child.mjs' : './llama-cpp-child.mjs'
  return fileURLToPath(new URL(own.endsWith('.ts') ? './llama-cpp-child.ts' : bundled, own))
}

function settingsOf(model: EngineModel, options: LlamaCppOptions): LoadSettings {
  const { contextSize, ...unknown } = model.parameters ?? {}
  const surplus = Object.keys(unknown)[0]
  if (surplus !== undefined) throw badParameter(`llama-cpp knows no parameter ${surplus}`)
  const size = contextSize === undefined ? (options.contextSize ?? 4096) : Number(contextSize)
  if (!Number.isInteger(size) || size < 64 || size > 1_048_576) throw badParameter('contextSize must be a whole number from 64 to 1048576')
  return {
    contextSize: size,
    sequences: options.parallel ?? 1,
    maxLoaded: options.maxLoaded ?? 1,
    threads: options.threads ?? Math.max(1, availableParallelism() - 1),
  }
}

function failureOf({ class: failureClass, reason, message, hint = '' }: Extract<FromChild, { type: 'failed' }>): WorkFailure {
  return new WorkFailure({ class: failureClass, reason, message, hint })
}

function badParameter(message: string): WorkFailure {
  return new WorkFailure({
    class: 'BadInput',
    reason: 'BadEngineParameter',
    message: `${message} (spec.runtime.parameters of the Model).`,
    hint: 'llama-cpp knows the parameter contextSize.',
  })
}

function crashed(code: number | null, signal: NodeJS.Signals | null): WorkFailure {
  return new WorkFailure({
    class: 'EngineCrashed',
    reason: 'EngineCrashed',
    message: `The engine llama-cpp ended during the attempt (${signal ?? `exit code ${code ?? 'unknown'}`}).`,
    hint: 'It is started again for the next attempt.',
  })
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted')
}
