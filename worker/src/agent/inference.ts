/**
 * An inference, from assignment to stored result: bytes → engine → tokens → object in the store.
 *
 * Guarantees: tokens are told while they appear and never after the signal aborted; the result's bytes are in the store, and read
 * back by the server, before the ending names them. The stream of tokens may be lost; the result counts without it.
 */
import { type InferenceResult, type InferenceWork, resultKey } from '@mnemos/contract'
import type { CachedModel } from '../cache/model-cache.ts'
import type { Engine } from '../engine/engine.ts'
import { WorkFailure } from '../failure.ts'
import { putResult } from '../storage/put-result.ts'
import { openTokenStream, type TokenStream } from '../storage/token-stream.ts'
import type { AttemptContext, Ending } from './attempt.ts'
import { withInputTexts } from './input-texts.ts'
import { cleanInput, type Found, openOutputFilter } from './personal-data.ts'

/** @throws WorkFailure, or the signal's reason */
export async function runInference(assigned: InferenceWork, context: AttemptContext): Promise<Ending> {
  const work = cleanInput(await withInputTexts(assigned, context))
  const { ref, session, signal, report } = context
  const engine = engineFor(work, context)
  const file = engine.needsFile ? await fileOf(work, context) : undefined
  try {
    const { digest, parameters } = work.model
    await engine.load(
      { digest, path: file?.path ?? '', parameters },
      { signal, onProgress: (share) => report({ message: 'Loading the model', percent: Math.floor(share * 100) }) },
    )
    const stream = tokenStreamOf(context)
    try {
      const answer: InferenceResult = await answerOf(work, engine, stream, context)
      const [result] = await Promise.all([putResult(session, resultKey(ref), answer, context.retrying), stream.finish()])
      return { kind: 'succeeded', result, usage: answer.usage, outputs: {} }
    } finally {
      // After a finish there is nothing left to stop.
      stream.stop()
    }
  } finally {
    file?.release()
  }
}

function engineFor({ model }: InferenceWork, { engines }: AttemptContext): Engine {
  const engine = engines.get(model.engine)
  if (engine !== undefined) return engine
  throw new WorkFailure({
    class: 'ModelUnavailable',
    reason: 'EngineMissing',
    message: `This worker has no engine ${model.engine}, which Model ${model.name} asks for; it has ${[...engines.keys()].join(', ')}.`,
  })
}

function fileOf({ model }: InferenceWork, { cache, session, signal, report }: AttemptContext): Promise<CachedModel> {
  return cache.acquire(model, (options) => session.get(model.artifact, options), {
    signal,
    onProgress: ({ bytes, totalBytes }) =>
      report({
        message: 'Downloading the model',
        bytes,
        totalBytes,
        percent: totalBytes === 0 ? 0 : Math.floor((100 * bytes) / totalBytes),
      }),
  })
}

function tokenStreamOf({ ref, session, clock, random, logger }: AttemptContext): TokenStream {
  return openTokenStream({
    session,
    jobUid: ref.jobUid,
    attempt: ref.attempt,
    clock,
    random,
    onLost: (why) => logger.warn({ job: `${ref.namespace}/${ref.name}`, attempt: ref.attempt, why }, 'the token stream was lost'),
  })
}

async function answerOf(work: InferenceWork, engine: Engine, stream: TokenStream, context: AttemptContext): Promise<InferenceResult> {
  const { signal, report } = context
  const { model, prompt, messages, parameters, personalData } = work
  const filter = openOutputFilter(personalData)
  const tell = (text: string): void => {
    if (text !== '') stream.push(text)
  }
  let tokens = 0
  const onToken = (text: string): void => {
    if (signal.aborted) return
    tell(filter === undefined ? text : filter.push(text))
    tokens += 1
    report({ message: 'Answering', tokens })
  }
  const answer = await engine.generate({ model: model.digest, prompt, messages, parameters }, { onToken, signal })
  if (filter === undefined) return answer
  tell(filter.end())
  const { answer: kept, found } = filter.whole(answer)
  if (Object.keys(found).length > 0) logRedacted(found, context)
  return kept
}

function logRedacted(found: Found, { ref, logger }: AttemptContext): void {
  logger.info({ job: `${ref.namespace}/${ref.name}`, attempt: ref.attempt, found }, 'personal data was taken out of an answer')
}
