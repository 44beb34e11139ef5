/** Pipelines that are sent in the older document form, `apiVersion: synkron.mnemos.dev/v1`: taken as what they mean now. */
import { fromOlderForm, isOlderForm } from '@mnemos/domain'
import { detailOf, invalid } from './findings.ts'

/** What was sent, or what it means now. @throws Refusal with everything that is wrong with a document of the older form, in its own words */
export function olderPipeline(sent: unknown): unknown {
  if (!isOlderForm(sent)) return sent
  const read = fromOlderForm(sent)
  if ('pipeline' in read) return read.pipeline
  throw invalid('The pipeline', read.mistakes.map(detailOf))
}
