export { type PiiEntity, type PiiMatch, piiEntityNames } from './entities.ts'
export { findPii } from './find.ts'
export { type FindInJsonOptions, findPiiInJson, type PiiJsonMatch, type RedactedJson, redactPiiInJson } from './json.ts'
export { type PiiAction, type PiiActions, placeholderOf, type Redacted, redactPii } from './redact.ts'
export { createPiiRedactor, type PiiRedactor } from './stream.ts'
export {
  openPiiThreads,
  type PiiThreads,
  type PiiThreadsOptions,
  PiiUnavailable,
  type PiiUnavailableReason,
} from './threads/open-pii-threads.ts'
