export { type PiiEntity, type PiiMatch, piiEntityNames } from './entities.ts'
export { findPii } from './find.ts'
export { type PiiAction, type PiiActions, placeholderOf, type Redacted, redactPii } from './redact.ts'
