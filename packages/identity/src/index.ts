export { assignmentKeySecret, ensureAssignmentKey, loadAssignmentKeys } from './assignment-key.ts'
export {
  type Assignment,
  type AssignmentKey,
  type AssignmentSigner,
  AssignmentTokenError,
  type AssignmentVerifier,
  assignmentSigner,
  assignmentVerifier,
} from './assignment-token.ts'
export { type Authority, type AuthorityPlan, bundleOf, isAging, planAuthorities, type RotationTiming, signerOf } from './authority.ts'
export { type AuthorityStore, type AuthorityStoreOptions, openAuthorityStore } from './authority-store.ts'
export { type AuthorityCertificate, issueAuthority, issueLeaf, type KeyedCertificate, type LeafSubject } from './certificates.ts'
export { type LeafWish, readLeaf, renewedLeaf, type SignedLeaf } from './leaf.ts'
