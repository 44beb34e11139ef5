/** Artifacts on a real S3 server: the suite that every store of artifacts passes, and what servers and networks do on bad days. */
import { after } from 'node:test'
import { type ArtifactStore, artifactStoreConformance, openS3Store, type S3StoreOptions } from '@mnemos/artifacts'
import { startS3Server } from '@mnemos/testkit'

const s3 = await startS3Server()
const opened: ArtifactStore[] = []
after(() => Promise.all(opened.map((store) => store.close())))
const credentials = { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey }
let made = 0
const open = async (more: Partial<S3StoreOptions> = {}): Promise<ArtifactStore> => {
  made += 1
  const options = { endpoint: s3.endpoint, bucket: 'conformance', region: 'us-east-1', pathStyle: true, prefix: `t${made}/`, credentials }
  const store = await openS3Store({ ...options, ...more })
  opened.push(store)
  return store
}

artifactStoreConformance('an S3 bucket', () => open())
