/** A real S3 server (SeaweedFS from a PyPI wheel) with credentials, on loopback, for one test file. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@mnemos/cluster'
import { seaweedfs } from './seaweedfs.ts'
import { type StoreProcess, storeProcess } from './store-process.ts'

export interface S3Server extends StoreProcess {
  readonly port: number
  readonly endpoint: string
  /** May do everything. */
  readonly admin: S3Credentials
  /** May read and list bucket `readable`. */
  readonly reader: S3Credentials
}

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Starts it; it keeps its objects over a restart. Takes some seconds. */
export async function startS3Server(): Promise<S3Server> {
  const program = await seaweedfs()
  const names = [
    'master.port',
    'master.port.grpc',
    'volume.port',
    'volume.port.grpc',
    'filer.port',
    'filer.port.grpc',
    's3.port',
    's3.port.grpc',
  ]
  const ports = await Promise.all(names.map(async (name) => [name, await freePort()] as const))
  const port = Number(new Map(ports).get('s3.port'))
  const [admin, reader] = [newCredentials('admin'), newCredentials('reader')]
  const identities = [identity('admin', admin, ['Admin']), identity('reader', reader, ['Read:readable', 'List:readable'])]
  const fixed = [
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-s3.iam=false',
    '-master.volumeSizeLimitMB=64',
  ]
  const store = await storeProcess({
    name: 's3',
    program,
    args: (folder) => {
      mkdirSync(join(folder, 'data'), { recursive: true })
      writeFileSync(join(folder, 's3.json'), JSON.stringify({ identities }), { mode: 0o600 })
      const named = ports.map(([name, each]) => `-${name}=${each}`)
      const places = [`-dir=${join(folder, 'data')}`, `-s3.config=${join(folder, 's3.json')}`, '-volume.max=64', '-master.telemetry=false']
      return ['server', '-s3', ...fixed, ...places, ...named]
    },
    serves: async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok,
    startMs: 60_000,
  })
  await store.start()
  return Object.defineProperties({ ...store, port, endpoint: `http://127.0.0.1:${port}`, admin, reader }, { pid: { get: () => store.pid } })
}

const newCredentials = (name: string): S3Credentials => ({
  accessKeyId: `${name}-${randomBytes(4).toString('hex')}`,
  secretAccessKey: randomBytes(16).toString('hex'),
})

const identity = (name: string, { accessKeyId: accessKey, secretAccessKey: secretKey }: S3Credentials, actions: readonly string[]) => ({
  name,
  credentials: [{ accessKey, secretKey }],
  actions,
})
