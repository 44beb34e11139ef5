/** A pipeline whose steps name one another as values: a line for each topic, the best of them, a person who looks at it, and its translation. */
import { cel, item, type Model, Pipeline, PipelineRun, type Queue, text } from '@mnemos/cdk8s'
import { Chart, Duration } from 'cdk8s'
import type { Construct } from 'constructs'

export interface SummariesProps {
  readonly namespace: string
  /** Who writes. */
  readonly model: Model
  /** Where its Jobs wait. */
  readonly queue: Queue
}

export class Summaries extends Chart {
  constructor(scope: Construct, id: string, { namespace, model, queue }: SummariesProps) {
    super(scope, id, { disableResourceNameHashes: true, namespace })
    const p = new Pipeline(this, 'pipeline', {
      metadata: { name: 'summaries' },
      parameters: {
        topics: { type: 'list', description: 'What to write about.', minLength: 1, maxLength: 16 },
        tokens: { type: 'integer', default: 32, minimum: 8, maximum: 256 },
        language: { default: 'French' },
      },
      spec: { description: 'A line for each topic, and the best of them in another language.', timeoutSeconds: Duration.hours(12) },
    })
    const draft = p.inference('draft', {
      ...{ model, queue, timeoutSeconds: Duration.minutes(10) },
      prompt: text`Write one line about ${item}.`,
      parameters: { maxTokens: p.param('tokens') },
      // Nothing has to be written twice, and one line may be missing.
      ...{ forEach: { items: p.param('topics'), concurrency: 4, maxFailed: 1 }, memoize: { maxAgeSeconds: Duration.days(1) } },
    })
    const best = p.inference('best', { model, queue, prompt: text`Which of these lines is the best? ${draft.output('text')}` })
    p.gate('said', { expression: cel`${best.output('completionTokens')} > 0`, message: 'The model said nothing.' })
    const ok = p.approval('ok', { message: text`The best line: ${best.output('text')}`, dependsOn: ['said'] })
    const translated = p.inference('translate', {
      ...{ model, queue, dependsOn: [ok] },
      prompt: text`Say in ${p.param('language')}: ${best.output('text')}`,
    })
    p.output('line', best.output('text')).output('translation', translated.output('text'))
    PipelineRun.fromPipeline(this, 'first', {
      metadata: { name: 'summaries-first' },
      pipeline: p,
      parameters: { topics: ['the sea', 'the sky'] },
      spec: { ttlSecondsAfterFinished: Duration.days(7) },
    })
  }
}
