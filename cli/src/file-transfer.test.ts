import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiError, type FilesClient } from '@mnemos/contract'
import { download, patiently, someAtOnce, TransferProgress, upload } from './file-transfer.ts'
import type { Terminal } from './terminal.ts'

const folder = await mkdtemp(join(tmpdir(), 'mnemos-transfer-'))
after(() => rm(folder, { recursive: true, force: true }))
const never = new AbortController().signal
const shown: string[] = []
const terminal: Terminal = {
  ...{ write: () => undefined, say: () => undefined, clearStatus: () => undefined, draw: () => undefined, interactive: true },
  ...{ size: () => ({ columns: 80, rows: 24 }), dataColumns: () => 80 },
  status: (line) => void shown.push(line),
  paint: (_colour, text) => text,
  paintData: (_colour, text) => text,
}
const nobody = (): Promise<never> => Promise.reject(new Error('nobody asks for that'))
const filesOf = (some: Partial<FilesClient>): FilesClient => ({ put: nobody, get: nobody, remove: nobody, list: nobody, ...some })
const transfer = (files: FilesClient, bytes = 5) => ({
  files,
  signal: never,
  progress: new TransferProgress(terminal, 'put', { files: 1, bytes }),
})
const sha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824' // of "hello"
const busy = (): ApiError => new ApiError(429, undefined, 'slow down', 0.001)
const bodyOf = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream()

test('an upload that is refused for now is sent again, whole', async () => {
  const file = join(folder, 'up')
  await writeFile(file, 'hello')
  const sent: string[] = []
  const put: FilesClient['put'] = async (path, body, about) => {
    sent.push(await new Response(body).text())
    if (sent.length === 1) throw busy()
    return { path, uri: 'artifact://files/default/up', ...about }
  }
  const stored = await upload({ file, path: 'up', sizeBytes: 5 }, transfer(filesOf({ put })))
  assert.deepEqual([sent, stored.sha256], [['hello', 'hello'], sha256])
  assert.match(shown.at(-1) ?? '', /^put .* 5 B of 5 B/)
})

test('a file that came whole stands in its place', async () => {
  const target = join(folder, 'deep', 'down')
  const get: FilesClient['get'] = () => Promise.resolve({ sha256, sizeBytes: 5, body: bodyOf('hello') })
  assert.equal(await download('down', target, transfer(filesOf({ get }))), sha256)
  assert.equal(await readFile(target, 'utf8'), 'hello')
})

test('of other bytes than the server has nothing is left', async () => {
  const get: FilesClient['get'] = () => Promise.resolve({ sha256, sizeBytes: 5, body: bodyOf('hullo') })
  await assert.rejects(download('x', join(folder, 'wrong', 'x'), transfer(filesOf({ get }))), /x came with other bytes/)
  assert.deepEqual(await readdir(join(folder, 'wrong')), [])
})

test('what will not be otherwise is not tried again', async () => {
  let tries = 0
  const refused = patiently(() => {
    tries += 1
    return Promise.reject(new ApiError(403, undefined, 'no'))
  }, never)
  await assert.rejects(refused, /no/)
  assert.equal(tries, 1)
})

test('whoever is stopped waits no longer', async () => {
  const stop = new AbortController()
  const waits = patiently(() => {
    stop.abort(new Error('cancelled'))
    return Promise.reject(busy())
  }, stop.signal)
  await assert.rejects(waits, /cancelled/)
})

test('few things are done at once, in order, and nothing new is begun after a failure', async () => {
  let underWay = 0
  let most = 0
  const begun: number[] = []
  const items = Array.from({ length: 20 }, (_, at) => at)
  const work = async (item: number): Promise<number> => {
    begun.push(item)
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise(setImmediate)
    underWay -= 1
    return item * 2
  }
  assert.deepEqual(
    await someAtOnce(items, work),
    items.map((item) => item * 2),
  )
  assert.equal(most, 4)
  begun.length = 0
  await assert.rejects(
    someAtOnce(items, async (item) => {
      await work(item)
      throw new Error('broken')
    }),
    /broken/,
  )
  assert.deepEqual(begun, [0, 1, 2, 3])
})
