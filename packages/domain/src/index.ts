export { type Catalog, emptyCatalog } from './admission/catalog.ts'
export { requesterAnnotation } from './admission/requester.ts'
export { review } from './admission/review.ts'
export type { Cause, PatchOperation, Refusal, ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './admission/verdict.ts'
