export {
  ArtifactError,
  type ArtifactErrorCode,
  type ArtifactPage,
  type ArtifactStore,
  type ByteRange,
  checkedKey,
  type ListedArtifact,
  type StoredArtifact,
} from './artifact-store.ts'
export { artifactStoreConformance } from './conformance.ts'
export { openDirectoryStore } from './directory-store.ts'
export { openS3Store, type S3StoreOptions } from './open-s3-store.ts'
