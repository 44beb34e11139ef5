import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { attemptRef } from '@mnemos/contract'
import { WorkFailure } from '../failure.ts'
import { resultOf } from './result-message.ts'
import { isSpoolable, openResultSpool } from './result-spool.ts'

const ref = attemptRef({ jobUid: '5ad6-uid', namespace: 'ns', name: 'job', attempt: 2 })
const failure = new WorkFailure({ class: 'EngineCrashed', reason: 'EngineCrashed', message: 'm'.repeat(5000) })

describe('the result spool', () => {
  it('gives back what an earlier process kept', async (t) => {
    const folder = await aFolder(t)
    const spool = await openResultSpool(folder)
    await spool.keep(resultOf(ref, { kind: 'failed', failure }))
    const again = await openResultSpool(folder)
    const outcome = again.find(ref)?.outcome
    assert.equal(outcome?.case, 'failure')
    assert.equal(outcome.value.class, 'EngineCrashed')
    assert.equal(outcome.value.message.length, 1024)
    assert.equal(again.all().length, 1)
  })

  it('forgets what was acknowledged, once and twice', async (t) => {
    const folder = await aFolder(t)
    const spool = await openResultSpool(folder)
    await spool.keep(resultOf(ref, { kind: 'cancelled' }))
    await spool.forget(ref)
    await spool.forget(ref)
    assert.deepEqual(await readdir(folder), [])
    assert.equal(spool.find(ref), undefined)
  })

  it('removes what is half-written or no result', async (t) => {
    const folder = await aFolder(t)
    await writeFile(join(folder, 'uid.1.new'), 'half')
    await writeFile(join(folder, 'uid.2'), Buffer.from([255, 255, 255]))
    const spool = await openResultSpool(folder)
    assert.deepEqual(spool.all(), [])
    assert.deepEqual(await readdir(folder), [])
  })

  const names: Record<string, { jobUid: string; attempt: number; want: boolean }> = {
    'takes the uid of Kubernetes': { jobUid: '0b6c0a3e-8f0e-4f5e-9b0a-1f2d3c4b5a69', attempt: 1, want: true },
    'refuses a path': { jobUid: '../../etc/passwd', attempt: 1, want: false },
    'refuses no uid': { jobUid: '', attempt: 1, want: false },
    'refuses attempt 0': { jobUid: 'uid', attempt: 0, want: false },
  }
  for (const [sentence, { want, ...named }] of Object.entries(names)) {
    it(sentence, () => assert.equal(isSpoolable(named), want))
  }
})

async function aFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-spool-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
