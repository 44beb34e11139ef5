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
