/** Artifacts on a real S3 server: the suite that every store of artifacts passes, and what servers and networks do on bad days. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, describe, it, test } from 'node:test'
import { inspect } from 'node:util'
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { ArtifactError, type ArtifactStore, artifactStoreConformance, openS3Store, type S3StoreOptions } from '@mnemos/artifacts'
import { eventually, startS3Server, startTcpProxy, type TcpFault } from '@mnemos/testkit'

const s3 = await startS3Server()
const proxy = await startTcpProxy(s3.port)
const opened: ArtifactStore[] = []
after(() => Promise.all(opened.map((store) => store.close())))
const raw = new S3Client({ endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: s3.admin })
after(() => raw.destroy())
const bucket = 'conformance'
let made = 0

const open = async (more: Partial<S3StoreOptions> = {}): Promise<ArtifactStore> => {
  made += 1
  const options = { endpoint: s3.endpoint, bucket, region: 'us-east-1', pathStyle: true, prefix: `t${made}/`, credentials: s3.admin }
  const store = await openS3Store({ ...options, ...more })
  opened.push(store)
  return store
}
const throughProxy = (): Promise<ArtifactStore> =>
  open({ endpoint: `http://127.0.0.1:${proxy.port}`, timeoutMs: 500, partBytes: 5 * mebibyte, prefix: `t${made}/` })

const mebibyte = 1024 ** 2
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')
const of = (bytes: Buffer | string): Readable => Readable.from([Buffer.from(bytes)])
const isError =
  (...codes: string[]) =>
  (error: unknown) =>
    error instanceof ArtifactError && codes.includes(error.code)
const uploadsLeft = async (): Promise<number> => (await raw.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0

artifactStoreConformance('an S3 bucket', () => open())

test('the suite has left no multipart upload', async () => {
  assert.equal(await uploadsLeft(), 0)
})

describe('an S3 bucket', () => {
  it('copies what is too large for one copy part by part', async () => {
    const store = await open({ partBytes: 5 * mebibyte, copyLimitBytes: 6 * mebibyte })
    const bytes = randomBytes(17 * mebibyte)
    const stored = await store.put('large', of(bytes))
    assert.deepEqual(stored, { key: 'large', sha256: sha256(bytes), sizeBytes: bytes.length })
    assert.equal(sha256(await buffer((await store.get('large'))?.bytes ?? of(''))), sha256(bytes))
    assert.deepEqual(await store.list(''), ['large'])
    assert.equal(await uploadsLeft(), 0)
  })

  it('tells the SHA-256 that the server itself computed', async () => {
    const store = await open()
    await store.put('a', of('hello'))
    const there = await raw.send(new HeadObjectCommand({ Bucket: bucket, Key: `t${made}/a`, ChecksumMode: 'ENABLED' }))
    assert.equal(there.ChecksumSHA256, Buffer.from(sha256('hello'), 'hex').toString('base64'))
    assert.equal(there.Metadata?.['sha256'], sha256('hello'))
  })

  it('gives URLs that anybody may read from for a while, also by ranges, and none unless it is asked to', async () => {
    const store = await open({ presignSeconds: 60 })
    await store.put('a/b', of('0123456789'))
    const url = (await store.urlOf('a/b')) ?? ''
    assert.equal(await (await fetch(url)).text(), '0123456789')
    const part = await fetch(url, { headers: { range: 'bytes=3-5' } })
    assert.deepEqual([part.status, await part.text()], [206, '345'])
    assert.equal((await fetch(url, { method: 'DELETE' })).status, 403)
    assert.equal((await fetch(url.replace('a/b', 'a/c'))).status, 403)
    assert.equal(await (await open()).urlOf('a/b'), undefined)
  })

  it('refuses an object that somebody put there without its digest', async () => {
    const store = await open()
    await raw.send(new PutObjectCommand({ Bucket: bucket, Key: `t${made}/foreign`, Body: 'x' }))
    await assert.rejects(store.head('foreign'), isError('DigestMismatch'))
    await assert.rejects(store.get('foreign'), isError('DigestMismatch'))
  })

  it('notices bytes that rotted in the store, before their last piece is given', async () => {
    const store = await open()
    const [good, rotten] = [randomBytes(3 * mebibyte), randomBytes(3 * mebibyte)]
    await raw.send(new PutObjectCommand({ Bucket: bucket, Key: `t${made}/a`, Body: rotten, Metadata: { sha256: sha256(good) } }))
    let bytes = 0
    const reading = (async () => {
      for await (const chunk of (await store.get('a'))?.bytes ?? []) bytes += (chunk as Buffer).length // no encoding is set
    })()
    await assert.rejects(reading, isError('DigestMismatch'))
    assert.ok(bytes < rotten.length)
  })

  it('sweeps what crashes left, and nothing that is young', async () => {
    const store = await open()
    const prefix = `t${made}/`
    await store.put('kept', of('x'))
    await raw.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${prefix}left` }))
    await raw.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}.staging/left`, Body: 'x' }))
    assert.deepEqual(await store.list(''), ['kept'])
    assert.equal(await store.sweep(60_000), 0)
    let removed = 0
    await eventually(async () => {
      removed += await store.sweep(0)
      return removed === 2
    })
    assert.equal(await uploadsLeft(), 0)
    assert.deepEqual(await store.list(''), ['kept'])
  })

  it('makes its bucket when it is missing, whatever is asked first', async () => {
    const firsts = [
      (store: ArtifactStore) => store.put('a', of('x')),
      (store: ArtifactStore) => store.list(''),
      (store: ArtifactStore) => store.check(),
    ]
    for (const [at, first] of firsts.entries()) {
      const store = await open({ bucket: `made-${at}`, prefix: '' })
      assert.equal(await store.head('a'), undefined)
      await first(store)
      await store.put('b', of('y'))
      assert.equal((await store.head('b'))?.sizeBytes, 1)
    }
  })

  it('says that credentials are refused', async () => {
    const wrong = await open({ credentials: { accessKeyId: s3.admin.accessKeyId, secretAccessKey: 'wrong' } })
    const unknown = await open({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
    for (const store of [wrong, unknown]) {
      await assert.rejects(store.put('a', of('x')), isError('Denied'))
      await assert.rejects(store.get('a'), isError('Denied'))
      await assert.rejects(store.head('a'), isError('Denied'))
      await assert.rejects(store.list(''), isError('Denied'))
      await assert.rejects(store.check(), isError('Denied'))
    }
  })

  it('says that a reader may not write, and may not make the bucket that is missing', async () => {
    const owner = await open({ bucket: 'readable', prefix: '' })
    await owner.put('a', of('x'))
    const reader = await open({ bucket: 'readable', prefix: '', credentials: s3.reader })
    assert.equal((await reader.head('a'))?.sizeBytes, 1)
    await assert.rejects(reader.put('b', of('y')), isError('Denied'))
    await assert.rejects(reader.put('c', of(randomBytes(9 * mebibyte))), isError('Denied'))
    assert.deepEqual(await owner.list(''), ['a'])
    const elsewhere = await open({ bucket: 'absent', prefix: '', credentials: s3.reader })
    await assert.rejects(elsewhere.put('b', of('y')), isError('Denied', 'NoBucket'))
  })

  it('never repeats a credential or an address in what it throws', async () => {
    const store = await open({ credentials: { accessKeyId: 'somebody', secretAccessKey: 'a-secret' } })
    await assert.rejects(store.put('a', of('x')), (error: Error) => !/somebody|a-secret|127\.0\.0\.1/.test(error.message))
  })
})

const operations: Record<string, (store: ArtifactStore) => Promise<unknown>> = {
  'a small object that is put': (store) => store.put('put/small', of('small')),
  'a large object that is put': (store) => store.put('put/large', of(largeBytes)),
  'a large object with its digest that is put': (store) => store.put('put/promised', of(largeBytes), { sha256: sha256(largeBytes) }),
  'an object that is read': async (store) =>
    assert.equal(sha256(await buffer((await store.get('there'))?.bytes ?? of(''))), sha256(thereBytes)),
  'a range that is read': async (store) => {
    const found = await store.get('there', { start: 100_000, end: 1_999_999 })
    assert.equal((await buffer(found?.bytes ?? of(''))).length, 1_900_000)
  },
  'a digest that is asked for': async (store) => assert.equal((await store.head('there'))?.sha256, sha256(thereBytes)),
  'a list': async (store) => assert.deepEqual(await store.list('there'), ['there']),
  'a deletion': (store) => store.delete('absent'),
  'a check': (store) => store.check(),
}
const largeBytes = randomBytes(11 * mebibyte)
const thereBytes = randomBytes(2 * mebibyte)
const putBytes: Record<string, Buffer> = { 'put/small': Buffer.from('small'), 'put/large': largeBytes, 'put/promised': largeBytes }

interface Trouble {
  readonly fault: TcpFault
  readonly times?: number
  /** What must come of every operation; either when absent. */
  readonly want?: 'fails' | 'succeeds'
}
const troubles: Record<string, Trouble> = {
  'a server that refuses connections': { fault: { kind: 'refuse' }, want: 'fails' },
  'a server that says nothing': { fault: { kind: 'halfOpen' }, want: 'fails' },
  'a slow network': { fault: { kind: 'delay', ms: 2 } },
  'a connection that is cut when the answer begins': { fault: { kind: 'cut', direction: 'down', afterBytes: 20 }, want: 'succeeds' },
  'a connection that is closed when the answer begins': {
    fault: { kind: 'truncate', direction: 'down', afterBytes: 20 },
    want: 'succeeds',
  },
  'a connection that is cut in each answer': { fault: { kind: 'cut', direction: 'down', afterBytes: 20 }, times: 1000, want: 'fails' },
  'a connection that is closed in each answer': {
    fault: { kind: 'truncate', direction: 'down', afterBytes: 20 },
    times: 1000,
    want: 'fails',
  },
  'a connection that is cut in the middle of a body that is read': { fault: { kind: 'cut', direction: 'down', afterBytes: 900_000 } },
  'a connection that is closed in the middle of a body that is read': {
    fault: { kind: 'truncate', direction: 'down', afterBytes: 900_000 },
  },
  'a connection that is cut in the middle of a body that is put': { fault: { kind: 'cut', direction: 'up', afterBytes: 3_000_000 } },
  'a connection that is cut in the last part': { fault: { kind: 'cut', direction: 'up', afterBytes: 10.5 * mebibyte } },
}

describe('through trouble', () => {
  for (const [trouble, { fault, times = 1, want }] of Object.entries(troubles)) {
    it(`${trouble}: each operation does what it says or says that it did not`, async () => {
      const direct = await open()
      const store = await throughProxy()
      await direct.put('there', of(thereBytes))
      let fired = 0
      for (const [operation, run] of Object.entries(operations)) {
        proxy.set(fault, { times })
        const began = performance.now()
        const error = await run(store).then(
          () => undefined,
          (caught: unknown) => caught,
        )
        const tookMs = performance.now() - began
        fired += proxy.fired
        proxy.set(undefined)
        assert.ok(tookMs < 20_000, `${operation} took ${tookMs} ms`)
        if (error !== undefined) assert.ok(isError('Unavailable', 'DigestMismatch')(error), inspect(error))
        if (want === 'fails') assert.ok(error !== undefined, `${operation} cannot have succeeded`)
        if (want === 'succeeds') assert.equal(error, undefined, `${operation} should have been tried again`)
        await isTruthful(direct, { operation, hasSucceeded: error === undefined })
      }
      assert.ok(fired > 0)
      assert.deepEqual(
        (await direct.list('')).filter((key) => !(key in putBytes)),
        ['there'],
      )
    })
  }

  /** What was acknowledged is there; what was not is there whole or not at all. */
  async function isTruthful(
    direct: ArtifactStore,
    { operation, hasSucceeded }: { operation: string; hasSucceeded: boolean },
  ): Promise<void> {
    const key = { 'a small object that is put': 'put/small', 'a large object that is put': 'put/large' }[operation] ?? 'put/promised'
    const found = await direct.get(key)
    if (operation.endsWith('put') && hasSucceeded) assert.ok(found !== undefined, `${operation} was acknowledged and is not there`)
    if (found !== undefined) assert.equal(sha256(await buffer(found.bytes)), sha256(putBytes[key] ?? ''))
    await direct.delete(key)
  }

  it('is told of bytes that were altered on their way up, and keeps none of them', async () => {
    const direct = await open()
    const store = await throughProxy()
    proxy.set({ kind: 'alter', direction: 'up', find: 'the truth', replace: 'some lies' }, { times: 1000 })
    await assert.rejects(store.put('small', of('this is the truth')), isError('Unavailable', 'DigestMismatch', 'Denied'))
    await assert.rejects(
      store.put('large', of(Buffer.concat([largeBytes, Buffer.from('the truth')]))),
      isError('Unavailable', 'DigestMismatch', 'Denied'),
    )
    assert.ok(proxy.fired > 0)
    proxy.set(undefined)
    assert.deepEqual(await direct.list(''), [])
  })

  it('is told of bytes that were altered on their way down', async () => {
    const direct = await open()
    const store = await throughProxy()
    await direct.put('a', of(Buffer.concat([thereBytes, Buffer.from('the truth'), thereBytes])))
    proxy.set({ kind: 'alter', direction: 'down', find: 'the truth', replace: 'some lies' })
    const reading = (async () => buffer((await store.get('a'))?.bytes ?? of('')))()
    await assert.rejects(reading, isError('DigestMismatch'))
    assert.equal(proxy.fired, 1)
  })

  it('does not acknowledge a put whose digest was read back altered', async () => {
    await open()
    const store = await throughProxy()
    const digest = sha256('hello')
    proxy.set({ kind: 'alter', direction: 'down', find: digest.slice(0, 8), replace: '00000000' })
    await assert.rejects(store.put('a', of('hello')), isError('DigestMismatch'))
    assert.equal(proxy.fired, 1)
    proxy.set(undefined)
    assert.equal((await store.put('a', of('hello'))).sha256, digest)
  })

  it('keeps what was acknowledged when the server is killed again and again', async () => {
    const store = await throughProxy()
    const acknowledged = new Map<string, string>()
    const over = new AbortController()
    const failures = new Set<string>()
    const putting = (async () => {
      for (let at = 0; !over.signal.aborted; at++) {
        const bytes = at % 7 === 0 ? randomBytes(6 * mebibyte) : randomBytes(1000)
        const put = await store.put(`k/${at}`, of(bytes)).catch((error: unknown) => error as ArtifactError) // checked below
        if (put instanceof Error) {
          failures.add(put.code)
          assert.ok(isError('Unavailable')(put), String(put))
        } else acknowledged.set(put.key, sha256(bytes))
      }
    })()
    for (let round = 0; round < 2; round++) {
      const before = acknowledged.size
      await eventually(() => acknowledged.size > before + 10, { timeoutMs: 30_000 })
      await s3.kill()
      const failed = failures.size
      if (round === 0) await eventually(() => failures.size > failed, { timeoutMs: 30_000 })
      await s3.start()
      await eventually(() => store.check().then(() => true), { timeoutMs: 30_000 })
    }
    const last = acknowledged.size
    await eventually(() => acknowledged.size > last + 10, { timeoutMs: 30_000 })
    over.abort()
    await putting
    for (const [key, digest] of acknowledged) assert.equal(sha256(await buffer((await store.get(key))?.bytes ?? of(''))), digest, key)
  })
})
