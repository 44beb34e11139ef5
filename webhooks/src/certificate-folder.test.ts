import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type AuthorityCertificate, issueAuthority, issueLeaf, type KeyedCertificate } from '@mnemos/identity'
import { certificateFolder } from './certificate-folder.ts'

const host = 'mnemos-webhook.mnemos-system.svc'
const day = 86_400_000
const folder = await mkdtemp(join(tmpdir(), 'mnemos-tls-'))
after(() => rm(folder, { recursive: true, force: true }))

const start = Date.now()
const authority = (name: string, lifeMs = 100 * day): AuthorityCertificate => issueAuthority(name, { now: start, lifeMs })
const leafOf = (signer: AuthorityCertificate, hosts: readonly string[] = [host]): KeyedCertificate =>
  issueLeaf(signer, { name: 'webhook', hosts }, { now: start, lifeMs: 10 * day })
async function put(leaf: KeyedCertificate, signer: Pick<KeyedCertificate, 'certificate'>, key = leaf.privateKey): Promise<void> {
  await writeFile(join(folder, 'tls.crt'), leaf.certificate)
  await writeFile(join(folder, 'tls.key'), key)
  await writeFile(join(folder, 'ca.crt'), signer.certificate)
}
const sourceOver = (registered: () => string) =>
  certificateFolder({ folder, host, settleMs: 1000, registered: () => Promise.resolve(registered()) })
const { signal } = new AbortController()
const [first, second] = [authority('first'), authority('second')]

test('a renewed certificate of the same authority is served at once', async () => {
  const source = sourceOver(() => first.certificate)
  const [old, fresh] = [leafOf(first), leafOf(first)]
  await put(old, first)
  const served = (await source.look(start, signal)).next(undefined)
  assert.equal(served.leaf.certificate, old.certificate)
  assert.equal((await source.look(start, signal)).next(served), served)
  await put(fresh, first)
  assert.equal((await source.look(start, signal)).next(served).leaf.certificate, fresh.certificate)
})

test('one of a new authority is served only when callers have had time to hear of it, and the old one stays trusted', async () => {
  let bundle = first.certificate
  const source = sourceOver(() => bundle)
  await put(leafOf(first), first)
  const served = (await source.look(start, signal)).next(undefined)
  const fresh = leafOf(second)
  await put(fresh, second)
  const told = await source.look(start + 1, signal)
  assert.ok(told.bundle.includes(second.certificate.trim()) && told.bundle.includes(first.certificate.trim()))
  assert.equal(told.next(served), served)
  bundle = told.bundle
  const later = await source.look(start + 1001, signal)
  assert.equal(later.next(served).leaf.certificate, fresh.certificate)
  assert.equal(later.bundle, told.bundle, 'what agrees is not written again')
})

test('an expired certificate is replaced without waiting: nobody would accept it anyway', async () => {
  const source = sourceOver(() => '')
  await put(leafOf(first), first)
  const served = (await source.look(start, signal)).next(undefined)
  await put(leafOf(second), second)
  const { next } = await source.look(start + 10 * day, signal)
  assert.notEqual(next(served), served)
})

test('authorities that have expired, and what is no certificate, are dropped; the others are bounded', async () => {
  await put(leafOf(first), first)
  const registered = [authority('past', day), ...Array.from({ length: 10 }, (_, index) => authority(`other-${index}`))]
  const nonsense = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
  const { bundle } = await sourceOver(() => [nonsense, ...registered.map(({ certificate }) => certificate)].join('\n')).look(
    start + 2 * day,
    signal,
  )
  assert.ok(bundle.startsWith(first.certificate.trim()))
  assert.ok(!bundle.includes('AAAA') && !bundle.includes(registered[0]?.certificate.trim() ?? '?'))
  assert.equal(bundle.match(/BEGIN/g)?.length, 8)
})

const wrong: Readonly<Record<string, readonly [put: () => Promise<void>, said: RegExp]>> = {
  'a key that is not its own': [() => put(leafOf(first), first, leafOf(first).privateKey), /tls\.key is not the key of tls\.crt/],
  'other names': [() => put(leafOf(first, ['other.svc']), first), /tls\.crt is not for mnemos-webhook\.mnemos-system\.svc/],
  'no authority': [() => put(leafOf(first), { certificate: '' }), /ca\.crt holds no certificate/],
  'no file': [() => rm(join(folder, 'tls.crt')), /no certificate to serve in .*MNEMOS_WEBHOOK_TLS_FOLDER.*tls\.crt/],
}
for (const [name, [arrange, said]] of Object.entries(wrong)) {
  test(`refuses a folder with ${name}, and says so without the key`, async () => {
    await put(leafOf(first), first)
    await arrange()
    await assert.rejects(sourceOver(() => '').look(start, signal), (error: Error) => {
      assert.match(error.message, said)
      assert.doesNotMatch(error.message, /PRIVATE/)
      return true
    })
  })
}
