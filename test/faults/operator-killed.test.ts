/**
 * The operator, a real process, is killed at each of its writes: before the API server has it, after it is stored, and
 * after it is stored with the answer lost on the wire. A new one takes over each time, and every Job ends once.
 *
 * The writes are numbered by a run without faults. All plans run with MNEMOS_FAULTS=all; otherwise every third, evenly spread,
 * so that each write and each mode is covered by neighbours and the suite stays short.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { importModel, type Process, startWorld } from './world.ts'

const modes = ['before', 'after', 'lost'] as const
const world = await startWorld({ workers: ['w1', 'w2'] })
let operator: Process
const isWrite = /^(POST|PUT|PATCH|DELETE)$/
const notLease = /^(?!.*\/leases\/)/

/** One Job that just runs, one that is tried twice, one that is cancelled while it runs. */
async function workload(prefix: string): Promise<string[]> {
  const names = ['plain', 'again', 'cancelled'].map((each) => `${prefix}-${each}`)
  await world.submit(`${prefix}-plain`, 'one two three')
  await world.submit(`${prefix}-again`, '[[fail Internal]]', { retry: { limit: 1 } })
  await world.submit(`${prefix}-cancelled`, '[[hang]]')
  return names
}

async function cancelOnceRunning(prefix: string): Promise<void> {
  const name = `${prefix}-cancelled`
  await world.client.patch(
    { group: 'mnemos.dev', version: 'v1alpha1', plural: 'mnemosjobs', kind: 'Job', namespaced: true },
    { namespace: 'default', name },
    { spec: { cancel: true } },
  )
}

async function runThrough(prefix: string): Promise<void> {
  const names = await workload(prefix)
  await cancelOnceRunning(prefix)
  const ended = await world.settle(names, 90_000)
  const phases = Object.fromEntries(ended.map(({ metadata, status }) => [metadata.name.replace(`${prefix}-`, ''), status?.phase]))
  assert.deepEqual(phases, { plain: 'Succeeded', again: 'Failed', cancelled: 'Cancelled' })
}

describe('the operator is killed at each of its writes', () => {
  let writes = 0
  before(async () => {
    operator = world.startOperator()
    await importModel(world)
    await world.rests()
    const seenBefore = world.proxy.writes().length
    await runThrough('reference')
    await world.rests()
    writes = world.proxy
      .writes()
      .slice(seenBefore)
      .filter(({ path }) => !path.includes('/leases/')).length
    assert.ok(writes >= 6, `the workload takes ${writes} writes`)
  })

  const plans = Array.from({ length: 10 }, (_, nth) => modes.map((mode) => ({ nth, mode }))).flat()
  const chosen = process.env['MNEMOS_FAULTS'] === 'all' ? plans : plans.filter((_, at) => at % 3 === Math.floor(at / 3) % 3)
  for (const { nth, mode } of chosen) {
    it(`write ${nth + 1}, ${mode}`, async () => {
      if (nth >= writes) return
      const kill = async (): Promise<void> => {
        operator.kill('SIGKILL')
        await operator.ended
      }
      const at = { method: isWrite, path: notLease, skip: nth }
      const fault =
        mode === 'before'
          ? { kind: 'hold' as const, when: 'before' as const, until: kill }
          : mode === 'after'
            ? { kind: 'hold' as const, when: 'after' as const, until: kill }
            : { kind: 'loseReply' as const }
      const handle = world.proxy.rule({ ...at, fault })
      const run = runThrough(`w${nth}-${mode}`)
      while (
        handle.fired === 0 &&
        !(await Promise.race([run.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), 20))]))
      );
      if (mode === 'lost' && handle.fired > 0) await kill()
      if (handle.fired > 0) {
        await operator.ended
        operator = world.startOperator()
      }
      await run
      handle.remove()
      assert.equal(handle.fired, 1, 'the fault fired')
      await world.rests()
    })
  }
})
