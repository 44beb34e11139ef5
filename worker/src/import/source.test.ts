import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { shownUri } from '@mnemos/api'
import { Transient } from '../storage/retry.ts'
import { openSource, type SourceRules } from './source.ts'

const signal = new AbortController().signal
let folder = ''
let root = ''
let server: Server
let origin = ''
let rules: SourceRules

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mnemos-source-'))
  root = join(folder, 'root')
  await mkdir(join(root, 'sub'), { recursive: true })
  await writeFile(join(root, 'model.gguf'), 'bytes')
  await writeFile(join(root, 'sub', 'mit leer.gguf'), 'spaced')
  await writeFile(join(folder, 'outside'), 'secret')
  await symlink(join(folder, 'outside'), join(root, 'link-out'))
  await symlink(folder, join(root, 'folder-out'))
  await symlink('model.gguf', join(root, 'link-in'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    { stdio: 'ignore' },
  )
  const ca = await readFile(cert, 'utf8')
  server = createServer({ key: await readFile(key), cert: ca }, (request, response) => {
    const path = request.url ?? ''
    const hop = /^\/hop\/(\d+)$/.exec(path)
    if (hop !== null) response.writeHead(302, { location: hop[1] === '0' ? '/model.gguf' : `/hop/${Number(hop[1]) - 1}` }).end()
    else if (path === '/to-http') response.writeHead(302, { location: 'http://example.org/x' }).end()
    else if (path === '/busy') response.writeHead(503).end()
    else if (path === '/model.gguf') response.end('bytes over https')
    else response.writeHead(404).end('no such thing')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `https://localhost:${(server.address() as AddressInfo).port}` // listens on TCP
  rules = { fileRoot: root, allowPrivate: true, ca }
})

after(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

async function read(uri: string, of: SourceRules = rules): Promise<string> {
  const source = await openSource(uri, of, signal)
  const bytes = await buffer(source.body)
  await source.close()
  return bytes.toString()
}

describe('a source', () => {
  it('reads a file below the root, with links that stay inside', async () => {
    assert.equal(await read('file:///model.gguf'), 'bytes')
    assert.equal(await read('file:///link-in'), 'bytes')
    assert.equal(await read('file:///sub/mit%20leer.gguf'), 'spaced')
  })

  const refused: Record<string, { uri: string; wantReason: string; wantMessage?: RegExp }> = {
    'a link that leads out': { uri: 'file:///link-out', wantReason: 'OutsideFileRoot' },
    'a folder link that leads out': { uri: 'file:///folder-out/outside', wantReason: 'OutsideFileRoot' },
    'a climbing path': { uri: 'file:///../outside', wantReason: 'SourceNotFound' },
    'an encoded climbing path': { uri: 'file:///%2e%2e/outside', wantReason: 'SourceNotFound' },
    'a climbing path with encoded slashes': { uri: 'file:///..%2foutside', wantReason: 'OutsideFileRoot' },
    'a host': { uri: 'file://elsewhere/model.gguf', wantReason: 'OutsideFileRoot' },
    'a folder': { uri: 'file:///sub', wantReason: 'NotAFile' },
    'a missing file': { uri: 'file:///nothing', wantReason: 'SourceNotFound', wantMessage: /file:\/\/\/nothing/ },
    'a scheme that is not supported yet': {
      uri: 's3://bucket/key',
      wantReason: 'SchemeNotSupported',
      wantMessage: /file:\/\/ and https:\/\//,
    },
    'plain http': { uri: 'http://example.org/x', wantReason: 'SchemeNotSupported' },
    'no URI': { uri: 'model.gguf', wantReason: 'BadUri' },
  }
  for (const [sentence, { uri, wantReason, wantMessage = /./ }] of Object.entries(refused)) {
    it(`refuses ${sentence}`, async () => {
      await assert.rejects(read(uri), { class: 'BadInput', reason: wantReason, message: wantMessage })
    })
  }

  it('refuses files when no root is configured', async () => {
    await assert.rejects(read('file:///model.gguf', { allowPrivate: false }), { reason: 'FilesNotAllowed' })
  })

  it('fetches over https and follows a few redirects', async () => {
    assert.equal(await read(`${origin}/model.gguf`), 'bytes over https')
    assert.equal(await read(`${origin}/hop/3`), 'bytes over https')
  })

  it('refuses many redirects, a redirect to http, and what is not there', async () => {
    await assert.rejects(read(`${origin}/hop/9`), { reason: 'TooManyRedirects' })
    await assert.rejects(read(`${origin}/to-http`), { reason: 'BadRedirect' })
    await assert.rejects(
      read(`${origin}/nothing?token=secret`),
      (error: Error) => /404/.test(error.message) && !error.message.includes('secret'),
    )
  })

  it('tries again what may work later', async () => {
    await assert.rejects(read(`${origin}/busy`), Transient)
    await assert.rejects(read('https://localhost:1/x'), Transient)
  })

  it('refuses inside addresses, as a number and by name', async () => {
    const strict = { ...rules, allowPrivate: false }
    for (const host of ['localhost', '127.0.0.1', '169.254.169.254', '[::1]', '[::ffff:10.0.0.1]', '0x7f000001', '2130706433']) {
      await assert.rejects(read(`https://${host}/x`, strict), { class: 'BadInput', reason: 'PrivateAddress' }, host)
    }
  })

  it('shows a URI without its secrets', () => {
    assert.equal(shownUri('https://user:pass@host/path?token=x#y'), 'https://host/path')
  })
})
