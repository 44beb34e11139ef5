/** Files of people: the program against a real server and API server, with the rights that the cluster gives and no more. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startServerBench } from './server.fixture.ts'

const bench = await startServerBench({ fileBytes: 2_000_000 })
const { cluster, url } = bench
const folder = await mkdtemp(join(tmpdir(), 'mnemos-files-'))
after(() => rm(folder, { recursive: true, force: true }))
const rights: readonly (readonly [user: string, verbs: string])[] = [
  ['alice', 'get,create,delete'],
  ['carol', 'get'],
]
for (const [user, verbs] of rights) {
  const role = `files-of-${user}`
  await cluster.kubectlRun(['-n', 'alice', 'create', 'role', role, `--verb=${verbs}`, '--resource=mnemosjobs.mnemos.dev/files'])
  await cluster.kubectlRun(['-n', 'alice', 'create', 'rolebinding', role, `--role=${role}`, `--user=${user}`])
}

/** Runs the program as a user, in namespace alice. */
async function mnemosFiles(user: string, ...args: string[]): Promise<{ code: number | null; out: string; said: string }> {
  const kubeconfig = join(folder, `${user}.kubeconfig`)
  const entry = (key: string, value: object): object[] => [{ name: 'x', [key]: value }]
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x' },
    clusters: entry('cluster', { server: cluster.server, 'certificate-authority-data': Buffer.from(cluster.ca).toString('base64') }),
    users: entry('user', { token: cluster.tokenFor(user) }),
    contexts: entry('context', { cluster: 'x', user: 'x', namespace: 'alice' }),
  }
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 })
  const child = spawn(process.execPath, ['cli/src/main.ts', '--server', url, 'files', ...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  const texts = { out: '', said: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.said += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...texts }
}

const large = randomBytes(1_500_000)

test('a folder goes there and back, byte for byte', async () => {
  const books = join(folder, 'books')
  await mkdir(join(books, 'deep'), { recursive: true })
  await Promise.all([
    writeFile(join(books, 'one.txt'), 'one'),
    writeFile(join(books, '.hidden'), 'not this'),
    writeFile(join(books, 'deep', 'large.bin'), large),
    writeFile(join(books, 'empty'), ''),
  ])
  const put = await mnemosFiles('alice', 'put', books)
  assert.equal(put.code, 0, put.said)
  const uris = ['deep/large.bin', 'empty', 'one.txt'].map((path) => `artifact://files/alice/books/${path}\n`)
  assert.equal(put.out, uris.join(''))
  assert.match(put.said, /1 hidden entry is left out/)
  assert.match((await mnemosFiles('carol', 'ls')).out, /^PATH +SIZE +AGE\nbooks\/deep\/large\.bin +1\.50 MB/)
  const target = join(folder, 'back')
  const got = await mnemosFiles('carol', 'get', 'books/', target, '--json')
  assert.equal(got.code, 0, got.said)
  assert.equal((JSON.parse(got.out) as { items: object[] }).items.length, 3)
  assert.ok((await readFile(join(target, 'deep', 'large.bin'))).equals(large))
  assert.equal(await readFile(join(target, 'empty'), 'utf8'), '')
  assert.equal((await mnemosFiles('carol', 'get', 'artifact://files/alice/books/one.txt', '-')).out, 'one')
})

const refused: Record<string, { run: () => ReturnType<typeof mnemosFiles>; code: number; says: RegExp }> = {
  'who may only read stores nothing': {
    run: () => mnemosFiles('carol', 'put', join(folder, 'books', 'one.txt'), 'by-carol'),
    ...{ code: 4, says: /carol may not store files: that needs the right to create mnemosjobs\/files in namespace alice/ },
  },
  'who may only read removes nothing': { run: () => mnemosFiles('carol', 'rm', 'books/'), code: 4, says: /may not remove files/ },
  'who may nothing sees nothing': { run: () => mnemosFiles('bob', 'ls'), code: 4, says: /bob may not read files/ },
  'another namespace is another right': {
    run: () => mnemosFiles('alice', 'put', join(folder, 'books', 'one.txt'), '-n', 'bob'),
    ...{ code: 4, says: /in namespace bob/ },
  },
  'what is too large is refused with the bound': {
    run: async () => {
      await writeFile(join(folder, 'huge'), Buffer.alloc(2_000_001))
      return mnemosFiles('alice', 'put', join(folder, 'huge'))
    },
    ...{ code: 1, says: /at most 2000000 bytes/ },
  },
  'a name that cannot be stored is told before anything is': {
    run: async () => {
      await mkdir(join(folder, 'names'))
      await writeFile(join(folder, 'names', 'a'), 'a')
      await writeFile(join(folder, 'names', 'b c'), 'b')
      return mnemosFiles('alice', 'put', join(folder, 'names'))
    },
    ...{ code: 64, says: /names\/b c/ },
  },
  'what is not there is named': {
    run: () => mnemosFiles('alice', 'get', 'books/two.txt'),
    code: 3,
    says: /no file books\/two\.txt.*\n.*mnemos files ls/,
  },
}

for (const [sentence, { run, code, says }] of Object.entries(refused)) {
  test(sentence, async () => {
    const { code: ended, said, out } = await run()
    assert.equal(ended, code, said)
    assert.match(said, says)
    assert.equal(out, '')
    assert.equal((await mnemosFiles('alice', 'ls', '-o', 'name')).out.split('\n').filter(Boolean).length, 3)
  })
}

test('what is removed is gone, and the rest is not', async () => {
  assert.equal((await mnemosFiles('alice', 'rm', 'books/deep/')).out, 'artifact://files/alice/books/deep/large.bin\n')
  assert.equal((await mnemosFiles('alice', 'rm', 'books/one.txt', 'books/empty')).code, 0)
  assert.match((await mnemosFiles('alice', 'ls')).out, /No files in namespace alice/)
})
