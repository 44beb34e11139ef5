/**
 * An engine without a model: answers at once, and the same question always gets the same answer. Hollow workers in benches
 * and tests run it.
 *
 * Here alone a prompt may hold directives, so that a test can ask for trouble: `[[delay 200]]` waits so many ms before each token,
 * `[[tokens 50]]` answers with so many tokens, `[[fail Internal]]` fails with that class, `[[crash]]` ends the engine mid-answer,
 * `[[hang]]` answers never, `[[glue]]` leaves out the white space between the words. Without a directive the answer is the prompt's own words, up to maxTokens.
 */
import { type FailureClass, failureClasses } from '@mnemos/api'
import { type Clock, systemClock } from '../clock.ts'
import { WorkFailure } from '../failure.ts'
import type { Engine, Generated, GenerateRequest } from './engine.ts'

export interface StubOptions {
  readonly clock?: Clock
  /** Wait before each token, in ms; 0 answers without leaving the turn. Default 0. */
  readonly tokenDelayMs?: number
  /** Wait of each first load, in ms. Default 0. */
  readonly loadDelayMs?: number
  /** Have the worker fetch and verify the model's file, as for a real engine. Default false. */
  readonly needsFile?: boolean
}

/** An engine that needs no file: `load` does not open the path. */
export function stubEngine(options: StubOptions = {}): Engine {
  const { clock = systemClock, tokenDelayMs = 0, loadDelayMs = 0 } = options
  const loaded = new Set<string>()
  return {
    name: 'stub',
    needsFile: options.needsFile ?? false,
    load: async (model, { onProgress, signal }) => {
      signal.throwIfAborted()
      if (loaded.has(model.digest)) return
      if (loadDelayMs > 0) await waiting(clock, loadDelayMs, signal)
      onProgress?.(1)
      loaded.add(model.digest)
    },
    generate: async (request, { onToken, signal }) => {
      signal.throwIfAborted()
      if (!loaded.has(request.model)) throw notLoaded(request.model)
      const script = scriptOf(request, tokenDelayMs)
      if (script.fails !== undefined)
        throw new WorkFailure({ class: script.fails, reason: 'Asked', message: 'The stub was asked to fail.' })
      if (script.hangs) await waiting(clock, 2 ** 31 - 1, signal)
      const startedAt = clock.monotonic()
      for (const [index, token] of script.tokens.entries()) {
        if (script.delayMs > 0) await waiting(clock, script.delayMs, signal)
        if (script.crashes && index >= Math.floor(script.tokens.length / 2)) {
          loaded.clear()
          throw new WorkFailure({ class: 'EngineCrashed', reason: 'Asked', message: 'The stub was asked to crash.' })
        }
        onToken(token)
        signal.throwIfAborted()
      }
      return { ...script.answer, usage: { ...script.answer.usage, durationMs: Math.round(clock.monotonic() - startedAt) } }
    },
    models: () => [...loaded],
    close: () => {
      loaded.clear()
      return Promise.resolve()
    },
  }
}

function notLoaded(digest: string): WorkFailure {
  return new WorkFailure({ class: 'ModelUnavailable', reason: 'ModelNotLoaded', message: `The model ${digest} is not loaded.` })
}

interface Script {
  readonly tokens: readonly string[]
  readonly answer: Generated
  readonly delayMs: number
  readonly fails?: FailureClass
  readonly crashes: boolean
  readonly hangs: boolean
}

function scriptOf(request: GenerateRequest, tokenDelayMs: number): Script {
  const input = request.prompt ?? request.messages?.at(-1)?.content ?? ''
  const directives = new Map([...input.matchAll(/\[\[(\w+)(?: (\w+))?\]\]/g)].map(([, name = '', value = '']) => [name, value]))
  const words = input.replaceAll(/\[\[[^[\]]*\]\]/g, '').match(directives.has('glue') ? /\S+/g : /\S+\s*/g) ?? []
  const wanted = Number(directives.get('tokens') ?? words.length)
  const pool = words.length === 0 ? ['word '] : words
  const all = Array.from({ length: wanted }, (_, index) => pool[index % pool.length] ?? '')
  const { tokens, stopped } = cutAtStop(all.slice(0, request.parameters.maxTokens), request.parameters.stop ?? [])
  const failure = failureClasses.find((name) => name === directives.get('fail'))
  return {
    tokens,
    answer: {
      text: tokens.join(''),
      finishReason: stopped || all.length <= request.parameters.maxTokens ? 'stop' : 'length',
      usage: { promptTokens: words.length, completionTokens: tokens.length, durationMs: 0 },
    },
    delayMs: Number(directives.get('delay') ?? tokenDelayMs),
    ...(failure === undefined ? {} : { fails: failure }),
    crashes: directives.has('crash'),
    hangs: directives.has('hang'),
  }
}

function cutAtStop(tokens: readonly string[], stops: readonly string[]): { tokens: readonly string[]; stopped: boolean } {
  const text = tokens.join('')
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
  if (found.length === 0) return { tokens, stopped: false }
  const end = Math.min(...found)
  const kept: string[] = []
  let length = 0
  for (const token of tokens) {
    if (length >= end) break
    kept.push(token.slice(0, end - length))
    length += token.length
  }
  return { tokens: kept, stopped: true }
}

/** Sleeps, and on an abort throws the signal's own reason, whatever the clock wraps it in. */
async function waiting(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(delayMs, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
}
