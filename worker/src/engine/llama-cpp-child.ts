/**
 * The child process in which llama.cpp lives: a crash of native code ends this process and not the agent.
 *
 * Speaks llama-cpp-protocol.ts over IPC, prints nothing, and ends when its parent is gone. Signals to the process group
 * are the parent's business. Errors of native code are told by name only: their text may quote what was asked.
 */
import { getLlama, InsufficientMemoryError, type Llama, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp'
import { type Answering, answer, TooLong } from './llama-cpp-answer.ts'
import type { FromChild, LoadSettings, ToChild } from './llama-cpp-protocol.ts'

interface Loaded extends Answering {
  readonly model: LlamaModel
  usedAt: number
  busy: number
}

const loaded = new Map<string, Loaded>()
const running = new Map<number, AbortController>()
let llama: Promise<Llama> | undefined

process.on('disconnect', () => process.exit(0))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('message', (message) => {
  // The parent is this package's llama-cpp.ts; both ends are one version.
  void receive(message as ToChild)
})

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message)
}

async function receive(message: ToChild): Promise<void> {
  const { id } = message
  if (message.type === 'abort') return running.get(id)?.abort()
  const controller = new AbortController()
  running.set(id, controller)
  try {
    if (message.type === 'load') {
      await load(message, controller.signal)
      tell({ type: 'loaded', id, models: [...loaded.keys()] })
    } else {
      tell({ type: 'done', id, ...(await generate(message, controller.signal)) })
    }
  } catch (error) {
    tell(controller.signal.aborted ? { type: 'aborted', id } : failureOf(id, error, message.type))
  } finally {
    running.delete(id)
  }
}

/** One after the other: two attempts may want the same model at once, and each load makes room for itself. */
let loading: Promise<void> = Promise.resolve()

function load(message: Extract<ToChild, { type: 'load' }>, signal: AbortSignal): Promise<void> {
  const turn = loading.then(() => loadNow(message, signal))
  loading = turn.catch(() => undefined)
  return turn
}

async function loadNow(message: Extract<ToChild, { type: 'load' }>, signal: AbortSignal): Promise<void> {
  const { id, digest, path, settings } = message
  signal.throwIfAborted()
  if (loaded.has(digest)) return
  await unloadIdle(settings.maxLoaded - 1)
  llama ??= getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.disabled, maxThreads: settings.threads })
  let told = 0
  const model = await (await llama).loadModel({
    modelPath: path,
    loadSignal: signal,
    onLoadProgress: (share) => {
      if (share - told < 0.05 && share < 1) return
      told = share
      tell({ type: 'progress', id, share })
    },
  })
  try {
    loaded.set(digest, { model, context: await contextOf(model, settings), usedAt: performance.now(), busy: 0 })
  } catch (error) {
    // Most often there is no memory for the context; the model must not keep what it has.
    await model.dispose()
    throw error
  }
}

function contextOf(model: LlamaModel, settings: LoadSettings): ReturnType<LlamaModel['createContext']> {
  return model.createContext({ sequences: settings.sequences, contextSize: Math.min(settings.contextSize, model.trainContextSize) })
}

/** Unloads idle models, the longest unused first, until at most `keep` are left (or all left are busy). */
async function unloadIdle(keep: number): Promise<void> {
  const idle = [...loaded].filter(([, { busy }]) => busy === 0).sort(([, a], [, b]) => a.usedAt - b.usedAt)
  for (const [digest, { model }] of idle.slice(0, Math.max(0, loaded.size - keep))) {
    loaded.delete(digest)
    await model.dispose()
  }
}

async function generate(message: Extract<ToChild, { type: 'generate' }>, signal: AbortSignal): ReturnType<typeof answer> {
  const held = loaded.get(message.digest)
  if (held === undefined) throw new NotLoaded()
  held.busy += 1
  try {
    return await answer(held, message, { signal, onToken: (text) => tell({ type: 'token', id: message.id, text }) })
  } finally {
    held.busy -= 1
    held.usedAt = performance.now()
  }
}

class NotLoaded extends Error {
  override readonly name = 'NotLoaded'
}

function failureOf(id: number, error: unknown, doing: 'load' | 'generate'): FromChild {
  const name = error instanceof Error ? error.name : typeof error
  const failed = { type: 'failed', id } as const
  if (error instanceof TooLong) {
    return {
      ...failed,
      class: 'BadInput',
      reason: 'PromptTooLong',
      message: error.message,
      hint: 'Shorten the input or raise contextSize of the Model.',
    }
  }
  if (error instanceof InsufficientMemoryError) {
    const message = 'The worker has too little free memory for the model and its context.'
    return {
      ...failed,
      class: 'OutOfMemory',
      reason: 'OutOfMemory',
      message,
      hint: 'Use a larger worker, a smaller model or a smaller contextSize.',
    }
  }
  if (error instanceof NotLoaded) {
    return { ...failed, class: 'ModelUnavailable', reason: 'ModelNotLoaded', message: 'The model was unloaded before it could answer.' }
  }
  if (doing === 'load') {
    const message = `llama.cpp cannot load the model file (${name}).`
    return {
      ...failed,
      class: 'ModelUnavailable',
      reason: 'ModelUnloadable',
      message,
      hint: 'Check that the file is a GGUF of a supported architecture.',
    }
  }
  return { ...failed, class: 'Internal', reason: 'EngineError', message: `llama.cpp could not answer (${name}).` }
}
