/** Workers that die, fall silent and come back, and engines that crash. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Job } from '@mnemos/api'
import { eventually } from '@mnemos/testkit'
import { importModel, jobs, startWorld, type World } from './world.ts'

const world: World = await startWorld({ workers: [] })
world.startOperator()
let worker = world.startWorker('w1')
await importModel(world)

async function runningOn(name: string): Promise<Job> {
  return eventually(
    async () => {
      const job = await world.client.get(jobs, { namespace: 'default', name })
      return job?.status?.phase === 'Running' ? job : undefined
    },
    { timeoutMs: 30_000, message: `${name} runs` },
  )
}

it('a worker that is killed in the middle of a Job costs an attempt and no retry', async () => {
  await world.submit('killed', '[[delay 300]] [[tokens 10]]')
  const before = await runningOn('killed')
  worker.kill('SIGKILL')
  await worker.ended
  worker = world.startWorker('w1')
  const [job] = await world.settle(['killed'])
  assert.equal(job?.status?.phase, 'Succeeded')
  assert.equal(job.status.failures, 0)
  assert.ok(job.status.attempt > (before.status?.attempt ?? 0))
  assert.equal(job.status.attempts[0]?.outcome, 'NodeLost')
})

it('a worker that was paused until it was given up comes back, and its late result is refused', async () => {
  await world.submit('paused', '[[delay 300]] [[tokens 10]]')
  const before = await runningOn('paused')
  worker.kill('SIGSTOP')
  const other = world.startWorker('w2')
  await eventually(async () => ((await world.client.get(jobs, { namespace: 'default', name: 'paused' }))?.status?.attempt ?? 0) > 1, {
    timeoutMs: 30_000,
    message: 'the attempt is given to another',
  })
  worker.kill('SIGCONT')
  const [job] = await world.settle(['paused'])
  assert.equal(job?.status?.phase, 'Succeeded')
  assert.equal(job.status.attempt, 2)
  assert.notEqual(job.status.worker?.instance, before.status?.worker?.instance)
  other.kill('SIGTERM')
  await other.ended
})

it('an engine that crashes costs an attempt, and the worker lives', async () => {
  const { pid } = worker
  await world.submit('crashing', '[[crash]] one two three', { retry: { limit: 1 } })
  await world.submit('after', 'one two three')
  const ended = await world.settle(['crashing', 'after'])
  const of = (name: string) => ended.find(({ metadata }) => metadata.name === name)?.status
  assert.equal(of('crashing')?.phase, 'Failed')
  assert.equal(of('crashing')?.failure?.class, 'EngineCrashed')
  assert.equal(of('crashing')?.failures, 2)
  assert.ok(of('crashing')?.conditions.some(({ type }) => type === 'DeadLettered'))
  assert.equal(of('after')?.phase, 'Succeeded')
  assert.doesNotThrow(() => process.kill(pid, 0))
})

const prompts = {
  Pending: 'hi',
  Scheduled: '[[hang]]',
  Running: '[[hang]]',
  Retrying: '[[fail StorageUnavailable]]',
  Succeeded: 'hi',
} as const
for (const phase of ['Pending', 'Scheduled', 'Running', 'Retrying', 'Succeeded'] as const) {
  it(`a Job that is deleted while ${phase} leaves nothing behind`, async () => {
    const name = `deleted-${phase.toLowerCase()}`
    const job = await world.submit(name, prompts[phase], phase === 'Pending' ? { suspend: true } : {})
    await eventually(
      async () => (await world.phaseOf(name)) === phase || (phase === 'Scheduled' && (await world.phaseOf(name)) === 'Running'),
      { timeoutMs: 30_000, intervalMs: 5, message: `${name} is ${phase}` },
    )
    await world.client.delete(jobs, { namespace: 'default', name }, { uid: job.metadata.uid ?? '' })
    // All slots are free again: as many Jobs as there are slots run at once and end.
    const names = Array.from({ length: 4 }, (_, at) => `${name}-then-${at}`)
    await Promise.all(names.map((each) => world.submit(each, 'one two three')))
    const ended = await world.settle(names)
    assert.ok(ended.every(({ status }) => status?.phase === 'Succeeded'))
    await world.rests()
  })
}
