/**
 * One answer of a loaded llama.cpp model, inside the child process.
 *
 * `messages` go through the chat template of the model file. A plain `prompt` is wrapped as one user message when the file has
 * a chat template (an instruct model would otherwise ramble on), and is continued as it stands when it has none. Without
 * `temperature` the likeliest token is taken, so the same question gets the same answer. The input is never cut silently: one that
 * leaves no room for a token is TooLong, and a longer maxTokens than there is room for ends with finishReason `length`.
 */
import {
  type ChatHistoryItem,
  LlamaChat,
  LlamaCompletion,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaModel,
} from 'node-llama-cpp'
import type { Generated, GenerateRequest } from './engine.ts'

export interface Answering {
  readonly model: LlamaModel
  readonly context: LlamaContext
}

export type Question = Omit<GenerateRequest, 'model'>

/** The input fills the context of the model. */
export class TooLong extends Error {
  override readonly name = 'TooLong'

  constructor(tokens: number, contextSize: number) {
    super(`The input has ${tokens} tokens; the context of the model holds ${contextSize}, and the answer needs room too.`)
  }
}

interface Listening {
  readonly onToken: (text: string) => void
  readonly signal: AbortSignal
}

interface Raw {
  readonly text: string
  readonly stopReason: string
}

/** @throws TooLong, the signal's reason, or what llama.cpp throws */
export async function answer({ model, context }: Answering, question: Question, listening: Listening): Promise<Generated> {
  const startedAt = performance.now()
  const sequence = context.getSequence()
  try {
    const isChat = question.messages !== undefined || model.fileInfo.metadata.tokenizer.chat_template !== undefined
    const { promptTokens, run } = isChat ? chatOf(sequence, question) : completionOf(sequence, question)
    const room = sequence.contextSize - promptTokens - 1
    if (room < 1) throw new TooLong(promptTokens, sequence.contextSize)
    let completionTokens = 0
    const raw = await run({
      ...sampling(question),
      maxTokens: Math.min(question.parameters.maxTokens, room),
      signal: listening.signal,
      onTextChunk: (text) => {
        if (text !== '') listening.onToken(text)
      },
      onToken: (tokens) => {
        completionTokens += tokens.length
      },
    })
    return {
      text: raw.text,
      finishReason: raw.stopReason === 'maxTokens' ? 'length' : 'stop',
      usage: { promptTokens, completionTokens, durationMs: Math.round(performance.now() - startedAt) },
    }
  } finally {
    await sequence.dispose()
  }
}

type Options = ReturnType<typeof sampling> & {
  readonly maxTokens: number
  readonly signal: AbortSignal
  readonly onTextChunk: (text: string) => void
  readonly onToken: (tokens: readonly unknown[]) => void
}

interface Prepared {
  readonly promptTokens: number
  readonly run: (options: Options) => Promise<Raw>
}

function chatOf(sequence: LlamaContextSequence, question: Question): Prepared {
  const chat = new LlamaChat({ contextSequence: sequence })
  const history = historyOf(question)
  const last = history.at(-1)
  // The template opens the answer only after a (possibly empty) response of the model.
  const chatHistory: ChatHistoryItem[] = last?.type === 'model' ? history : [...history, { type: 'model', response: [] }]
  const { contextText } = chat.chatWrapper.generateContextState({ chatHistory })
  return {
    promptTokens: contextText.tokenize(sequence.model.tokenizer).length,
    run: async (options) => {
      const { response, metadata } = await chat.generateResponse(history, options)
      return { text: response, stopReason: metadata.stopReason }
    },
  }
}

function completionOf(sequence: LlamaContextSequence, question: Question): Prepared {
  const prompt = question.prompt ?? ''
  return {
    promptTokens: sequence.model.tokenize(prompt).length,
    run: async (options) => {
      const completion = new LlamaCompletion({ contextSequence: sequence })
      const { response, metadata } = await completion.generateCompletionWithMeta(prompt, options)
      return { text: response, stopReason: metadata.stopReason }
    },
  }
}

function historyOf({ prompt, messages }: Question): ChatHistoryItem[] {
  if (messages === undefined) return [{ type: 'user', text: prompt ?? '' }]
  return messages.map(({ role, content }) =>
    role === 'assistant' ? { type: 'model', response: [content] } : { type: role, text: content },
  )
}

function sampling({ parameters }: Question): {
  temperature: number
  topP?: number
  topK?: number
  seed?: number
  customStopTriggers?: readonly string[]
} {
  const { temperature = 0, topP, topK, seed, stop } = parameters
  return {
    temperature,
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { customStopTriggers: stop }),
  }
}
