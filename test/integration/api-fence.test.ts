/**
 * The fence of design §3.2: the API server itself refuses a Job status that goes back, whoever writes it; judging the update in
 * JavaScript names the same fields.
 */
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { apiVersion, type Job, jobKind, jobResource, judgeUpdate } from '@mnemos/api'
import { createClient, isConflict, KubeError, resource } from '@mnemos/kube'
import { startTestCluster } from '@mnemos/testkit'

const cluster = await startTestCluster({ crds: true })
const client = createClient({ credentials: cluster.credentials() })
after(() => client.close())

const jobs = resource<Job>(jobResource)
const worker = { name: 'default/w', instance: 'i1' }
let made = 0

async function aStoredJob(status?: object): Promise<Job> {
  made += 1
  const spec = { inference: { modelRef: { name: 'm' }, prompt: 'hi' } }
  const job = await client.create<Job>(jobs, {
    apiVersion,
    kind: 'Job',
    metadata: { namespace: 'default', name: `job-${made}` },
    ...{ spec },
  })
  return status === undefined ? job : client.patch<Job>(jobs, job.metadata, { status }, { subresource: 'status' })
}

it('shows a fresh Job as Pending and Reconciling without a write of ours, to field selectors too', async () => {
  const job = await aStoredJob()
  assert.equal(job.status?.phase, 'Pending')
  assert.deepEqual(
    job.status.conditions.map(({ type, status, reason }) => [type, status, reason]),
    [['Reconciling', 'True', 'Pending']],
  )
  const { items } = await client.list(jobs, { namespace: 'default', fieldSelector: 'status.phase=Pending' })
  assert.ok(items.some(({ metadata }) => metadata.uid === job.metadata.uid))
})

/** A merge patch applied (RFC 7396). */
function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const base = isRecord(target) ? target : {}
  const kept = Object.entries(base).filter(([key]) => patch[key] !== null)
  const changed = Object.entries(patch).filter(([, value]) => value !== null)
  return Object.fromEntries([...kept, ...changed.map(([key, value]) => [key, merged(base[key], value)] as const)])
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const refused: Record<string, { from: object; patch: object; through: 'status' | 'main'; want: RegExp }> = {
  'a status cannot be removed': {
    from: { phase: 'Scheduled', attempt: 1, worker },
    patch: { status: null },
    through: 'status',
    want: /attempt never falls|status cannot be removed/,
  },
  'an attempt never falls': {
    from: { phase: 'Retrying', attempt: 2 },
    patch: { status: { attempt: 1 } },
    through: 'status',
    want: /attempt never falls/,
  },
  'a worker is fixed within an attempt': {
    from: { phase: 'Scheduled', attempt: 1, worker },
    patch: { status: { worker: { ...worker, instance: 'i2' } } },
    through: 'status',
    want: /worker is fixed/,
  },
  'a worker cannot leave its attempt': {
    from: { phase: 'Scheduled', attempt: 1, worker },
    patch: { status: { worker: null } },
    through: 'status',
    want: /worker is fixed/,
  },
  'a Job that succeeded never fails': {
    from: { phase: 'Succeeded', attempt: 1, worker },
    patch: { status: { phase: 'Failed' } },
    through: 'status',
    want: /terminal phase/,
  },
  'a Job that failed never runs again': {
    from: { phase: 'Failed', attempt: 1, worker },
    patch: { status: { phase: 'Pending', attempt: 2 } },
    through: 'status',
    want: /terminal phase/,
  },
  'a cancelled Job never succeeds': {
    from: { phase: 'Cancelled' },
    patch: { status: { phase: 'Succeeded' } },
    through: 'status',
    want: /terminal phase/,
  },
  'the work of a Job is fixed': {
    from: {},
    patch: { spec: { inference: { prompt: 'other' } } },
    through: 'main',
    want: /inference cannot change/,
  },
  'retries are fixed': { from: {}, patch: { spec: { retry: { limit: 9 } } }, through: 'main', want: /retry cannot change/ },
  'the queue is fixed once the Job has left Pending': {
    from: { phase: 'Scheduled', attempt: 1, worker },
    patch: { spec: { queue: 'other' } },
    through: 'main',
    want: /queue may change only/,
  },
  'a cancel cannot be taken back': { from: {}, patch: { spec: { cancel: false } }, through: 'main', want: /cancel cannot be taken back/ },
}

for (const [sentence, { from, patch, through, want }] of Object.entries(refused)) {
  it(sentence, async () => {
    const job = await aStoredJob(from)
    const isCancelled = sentence.includes('cancel cannot')
    const before = isCancelled ? await client.patch<Job>(jobs, job.metadata, { spec: { cancel: true } }) : job
    const options = through === 'status' ? { subresource: 'status' as const } : {}
    await assert.rejects(client.patch(jobs, job.metadata, patch, options), (error: unknown) => {
      assert.ok(error instanceof KubeError)
      assert.equal(error.status, 422)
      assert.match(error.message, want)
      const judged = judgeUpdate(jobKind, before, merged(before, patch)).map(({ field, message }) => ({
        field,
        message: `Forbidden: ${message}`,
      }))
      assert.deepEqual(
        error.details?.causes?.map(({ field, message }) => ({ field, message })),
        judged,
      )
      return true
    })
  })
}

const allowed: Record<string, { from: object; patch: object; through: 'status' | 'main' }> = {
  'a new attempt may have another worker': {
    from: { phase: 'Retrying', attempt: 1, worker },
    patch: { status: { phase: 'Scheduled', attempt: 2, worker: { ...worker, instance: 'i2' } } },
    through: 'status',
  },
  'suspend, priority and deadlines may change': {
    from: {},
    patch: { spec: { suspend: true, priority: 'high', deadlines: { runSeconds: 9 } } },
    through: 'main',
  },
  'the queue may change while Pending': { from: {}, patch: { spec: { queue: 'other' } }, through: 'main' },
}

for (const [sentence, { from, patch, through }] of Object.entries(allowed)) {
  it(sentence, async () => {
    const job = await aStoredJob(from)
    await client.patch(jobs, job.metadata, patch, through === 'status' ? { subresource: 'status' } : {})
    assert.deepEqual(judgeUpdate(jobKind, job, merged(job, patch)), [])
  })
}

it('refuses a status that was decided from an older object', async () => {
  const job = await aStoredJob()
  await client.patch(jobs, job.metadata, { metadata: { labels: { touched: 'yes' } } })
  await assert.rejects(client.patchStatus(jobs, job, { ...job.status, phase: 'Scheduled', attempt: 1, worker }), isConflict)
})

it('ignores a status that a user writes with the object', async () => {
  made += 1
  const spec = { inference: { modelRef: { name: 'm' }, prompt: 'hi' } }
  const forged = {
    apiVersion,
    kind: 'Job',
    metadata: { namespace: 'default', name: `job-${made}` },
    ...{ spec, status: { phase: 'Succeeded', attempt: 7 } },
  }
  const job = await client.create<Job>(jobs, forged)
  assert.equal(job.status?.phase, 'Pending')
  assert.equal(job.status.attempt, 0)
})
