/** Pipelines that are sent in the older document form, `apiVersion: synkron.mnemos.dev/v1`: taken as what they mean now. */
import type { Finding } from '@mnemos/api'
import { detailOf, invalid } from './findings.ts'

/** What a document of the older form means, or everything that is wrong with it, in its own words. */
export type FromOlderForm = (document: unknown) => { readonly pipeline: unknown } | { readonly mistakes: readonly Finding[] }

const olderApiVersion = /^synkron\.mnemos\.dev(\/|$)/

/** @param fromOlderForm without it a document of the older form is refused like any other object that is none of ours */
export function olderPipelines(fromOlderForm?: FromOlderForm): (sent: unknown) => unknown {
  return (sent) => {
    if (fromOlderForm === undefined || !isOlder(sent)) return sent
    const read = fromOlderForm(sent)
    if ('pipeline' in read) return read.pipeline
    throw invalid('The pipeline', read.mistakes.map(detailOf))
  }
}

function isOlder(sent: unknown): boolean {
  return typeof sent === 'object' && sent !== null && 'apiVersion' in sent && olderApiVersion.test(String(sent.apiVersion))
}
