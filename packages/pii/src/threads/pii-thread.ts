/** A thread that finds personal data in the texts it is sent. A program of its own: an entry of the bundle beside the main one. */
import { parentPort } from 'node:worker_threads'
import { findPii } from '../find.ts'
import { answerOf, type PiiAnswer, type PiiQuestion } from './questions.ts'

const port = parentPort
if (port === null) throw new TypeError('this module runs in a thread that openPiiThreads starts')

const send = (answer: PiiAnswer): void => port.postMessage(answer, [answer.entities.buffer, answer.offsets.buffer, answer.scores.buffer])

port.on('message', ({ id, text, entities }: PiiQuestion) => {
  send(answerOf(id, findPii(text, entities)))
})
// The finder is compiled before the first text comes.
const sample = 'Call +49 30 901820 or mail jane@example.com, 12 Main Street, Springfield, IL 62704. Nothing else is in here. '
for (let round = 0; round < 8; round += 1) findPii(sample.repeat(400))
send(answerOf(0, []))
