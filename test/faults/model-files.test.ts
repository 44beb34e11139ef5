/**
 * The bytes of a real model on bad disks, with the whole system: a disk that is full (a small tmpfs), and a file that was
 * damaged while its worker was away. Mounting needs root; without it the first of the two is skipped.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { after, it } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '@mnemos/testkit'
import { ensureSmallModel, sha256Of } from '../../hack/models.ts'
import { importModel, jobs, startWorld } from './world.ts'

const run = promisify(execFile)
const model = await ensureSmallModel((line) => process.stderr.write(`${line}\n`))
const world = await startWorld({ workers: [] })
const withEngine = { MNEMOS_WORKER_ENGINE: 'llama-cpp', MNEMOS_WORKER_FILE_ROOT: dirname(model.path) }
const question = { inference: { modelRef: { name: 'small' }, prompt: 'What is the capital of France?', parameters: { maxTokens: 4 } } }

world.startOperator()
world.startWorker('roomy', withEngine)
await importModel(world, { name: 'small', file: basename(model.path) })

it('a disk that is full costs an attempt and says so; the worker lives, and one with room takes over', async (test) => {
  const folder = join(world.folder, 'cramped')
  await mkdir(folder)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder])
  } catch {
    test.skip('mounting a small disk needs root')
    return
  }
  after(() => run('umount', ['--lazy', folder]))
  await world.stopWorker('roomy')
  const cramped = world.startWorker('cramped', withEngine)
  await world.submit('needs-room', '', question)
  await eventually(
    async () => {
      const job = await world.client.get(jobs, { namespace: 'default', name: 'needs-room' })
      assert.match(JSON.stringify(job?.status), /DiskFull/)
      return true
    },
    { timeoutMs: 30_000 },
  )
  const files = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)
  // The report of the failure itself is kept until it is acknowledged, which follows the status.
  await eventually(async () => (await files()).length === 0, { message: 'no part is left' })
  process.kill(cramped.pid, 0)
  world.startWorker('roomy', withEngine)
  await world.settle(['needs-room'], 90_000)
  assert.equal(await world.phaseOf('needs-room'), 'Succeeded')
  await world.stopWorker('cramped')
})

it('a file that was damaged while its worker was away is found and fetched anew', async () => {
  await world.submit('before', '', question)
  await world.settle(['before'])
  await world.stopWorker('roomy')
  const path = join(world.folder, 'roomy', 'sha256', model.sha256)
  const file = await open(path, 'r+')
  await file.write(Buffer.from('damaged'), 0, 7, 1_000_000)
  await file.close()
  assert.notEqual(await sha256Of(path), model.sha256)
  world.startWorker('roomy', withEngine)
  await world.submit('after', '', question)
  await world.settle(['after'])
  assert.equal(await world.phaseOf('after'), 'Succeeded')
  assert.equal(await sha256Of(path), model.sha256)
  assert.equal((await stat(path)).size, model.sizeBytes)
})
