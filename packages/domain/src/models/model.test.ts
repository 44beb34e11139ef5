import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Model, ModelStatus, Reason } from '@mnemos/api'
import { aDigest, aJob, aModel, type JobBuilder, type ModelBuilder, testEpochMs } from '@mnemos/testkit'
import { decideModel, importJobName, type ModelPlan, type ModelWorld } from './model.ts'

const now = testEpochMs + 60_000
const digest = aDigest('found')
const artifact = `models/sha256/${digest.slice(7)}`
const fresh = aModel('m').from('https://models.example/m.gguf')

const unserved = { pool: undefined, poolAllowed: false, ownPool: undefined, warmUp: undefined, serverUrl: 'https://server' }

function world(model: ModelBuilder, importJob?: JobBuilder, of: Partial<ModelWorld> = {}): ModelWorld {
  return {
    model: model.build(),
    alias: undefined,
    sourceJob: undefined,
    importJob: importJob?.build(),
    missedAt: undefined,
    cachedOn: [],
    loadedOn: [],
    serving: unserved,
    violation: undefined,
    dueInMs: 0,
    ...of,
  }
}

const importing = aJob('import').importing('https://models.example/m.gguf')
const demanding = aJob('import').importing('https://models.example/m.gguf', aDigest('wanted'))
const imported = (result: object, job = importing): JobBuilder =>
  job.thatIs('Succeeded', { result: { uri: 'artifact://x', sha256: '0'.repeat(64), sizeBytes: 9, inline: JSON.stringify(result) } })
const failed = (reason: string, message: string, job = importing): JobBuilder =>
  job.thatIs('Failed', { failure: { class: 'BadInput', reason, message } })
const verified = fresh.thatIsReady(digest)

interface Case {
  readonly world: ModelWorld
  readonly wantPhase: ModelStatus['phase']
  readonly wantReason: Reason
  readonly wantMessage?: RegExp
  readonly wantStatus?: Partial<ModelStatus>
  readonly wantCreated?: number
}

const cases: Record<string, Case> = {
  'a new Model has its bytes imported by a Job of its own': {
    world: world(fresh),
    wantPhase: 'Importing',
    wantReason: 'Importing',
    wantCreated: 1,
  },
  'an import shows how far it is, and how long it will take': {
    world: world(
      fresh,
      importing.thatIs('Running', { startedAt: new Date(now - 10_000).toISOString(), progress: { bytes: 250, totalBytes: 1000 } }),
    ),
    wantPhase: 'Importing',
    wantReason: 'Importing',
    wantStatus: { progress: { bytes: 250, total: 1000, percent: 25, etaSeconds: 30 } },
  },
  'an import that waits says for what': {
    world: world(fresh, importing.thatIs('Pending', { queue: { reasons: ['needs a Worker; none that takes work is connected'] } })),
    wantPhase: 'Importing',
    wantReason: 'Importing',
    wantMessage: /needs a Worker; none that takes work is connected/,
  },
  'an import that succeeded makes the Model ready, pins its digest and tells what was found': {
    world: world(fresh, imported({ digest, artifact, sizeBytes: '1024', family: 'llama', contextLength: 8192 })),
    wantPhase: 'Ready',
    wantReason: 'ArtifactVerified',
    wantMessage: /pinned at import/,
    wantStatus: { digest, artifact, sizeBytes: 1024, resolved: { family: 'llama', contextLength: 8192 }, progress: undefined },
  },
  'bytes with another digest are named, with both digests': {
    world: world(
      fresh.from('https://models.example/m.gguf', aDigest('wanted')),
      failed('DigestMismatch', `m.gguf has ${digest}, and ${aDigest('wanted')} was demanded.`, demanding),
    ),
    wantPhase: 'Failed',
    wantReason: 'DigestMismatch',
    wantMessage: new RegExp(`${digest}.*${aDigest('wanted')}`),
  },
  'a result with another digest than the demanded one is not believed': {
    world: world(fresh.from('https://models.example/m.gguf', aDigest('wanted')), imported({ digest, artifact, sizeBytes: 1 }, demanding)),
    wantPhase: 'Failed',
    wantReason: 'DigestMismatch',
    wantMessage: new RegExp(`${digest}.*${aDigest('wanted')}`),
  },
  'a Job with the name and owner of the import that imports something else is not believed': {
    world: world(fresh, imported({ digest, artifact, sizeBytes: 1 }, aJob('import').importing('https://evil.example/m.gguf'))),
    wantPhase: 'Failed',
    wantReason: 'ImportFailed',
    wantMessage: /Job import has the name of the import and imports something else; delete it to import/,
    wantStatus: { digest: undefined, artifact: undefined },
  },
  'a Job with the name and owner of the import that demands no digest is not believed where one is demanded': {
    world: world(
      fresh.from('https://models.example/m.gguf', aDigest('wanted')),
      imported({ digest: aDigest('wanted'), artifact, sizeBytes: 1 }),
    ),
    wantPhase: 'Failed',
    wantReason: 'ImportFailed',
  },
  'an import that failed says why, and how to try again': {
    world: world(fresh, failed('NotFound', 'There is nothing there.')),
    wantPhase: 'Failed',
    wantReason: 'ImportFailed',
    wantMessage: /There is nothing there\. Delete Job import to import again/,
  },
  'a result that cannot be read is a failed import': { world: world(fresh, imported({})), wantPhase: 'Failed', wantReason: 'ImportFailed' },
}

const verifiedAt = (seconds: number): ModelBuilder =>
  verified.thatIs({
    importedBy: importJobName(fresh.build()),
    conditions: [
      {
        ...{ type: 'ArtifactVerified', status: 'True', reason: 'ArtifactVerified', message: '', observedGeneration: 1 },
        lastTransitionTime: new Date(now + seconds * 1000).toISOString(),
      },
    ],
  })
const importedAt = (seconds: number): JobBuilder =>
  imported({ digest, artifact, sizeBytes: '1024' }).thatIs('Succeeded', { finishedAt: new Date(now + seconds * 1000).toISOString() })

test('bytes that a Job missed after they were verified are imported again, and the Model says so once', () => {
  for (const seen of [world(verifiedAt(-60), importedAt(-60), { missedAt: now }), world(verifiedAt(-60), undefined, { missedAt: now })]) {
    const plan = decideModel(seen, now)
    assert.deepEqual(
      [plan.status?.phase, plan.status?.digest, plan.status?.artifact, plan.status?.importedBy],
      ['Importing', undefined, undefined, undefined],
    )
    assert.deepEqual(
      plan.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
      ['Ready=False ArtifactMissing', 'Reconciling=True ArtifactMissing', 'ArtifactVerified=False ArtifactMissing'],
    )
    assert.deepEqual(
      plan.remove.map(({ name }) => name),
      seen.importJob === undefined ? [] : [seen.importJob.metadata.name],
    )
    assert.equal(plan.events.length, 1)
    const next = {
      ...seen.model,
      status: {
        ...plan.status,
        conditions: (plan.conditions ?? []).map((fact) => ({ ...fact, lastTransitionTime: new Date(now).toISOString() })),
      },
    } as Model
    const again = decideModel({ ...seen, model: next, importJob: undefined }, now)
    assert.equal(again.create?.length, 1)
    assert.equal(decideModel({ ...seen, model: next }, now).events.length, 0)
  }
})

test('what was missed before the bytes came is no loss', () => {
  for (const seen of [
    world(verifiedAt(0), importedAt(0), { missedAt: now - 1000 }),
    world(verifiedAt(0), undefined, { missedAt: now - 1000 }),
    world(fresh, importing.thatIs('Running'), { missedAt: now }),
    world(
      fresh,
      aJob('import')
        .importing('https://evil.example/m.gguf')
        .thatIs('Succeeded', { finishedAt: new Date(now - 9000).toISOString() }),
      { missedAt: now },
    ),
  ])
    assert.deepEqual(decideModel(seen, now).remove, [])
})

for (const [sentence, { world: of, wantPhase, wantReason, wantMessage, wantStatus, wantCreated }] of Object.entries(cases)) {
  test(sentence, () => {
    const plan = decideModel(of, now)
    assert.equal(plan.status?.phase, wantPhase)
    assert.ok(
      plan.conditions?.every(({ reason }) => reason === wantReason),
      JSON.stringify(plan.conditions),
    )
    if (wantMessage !== undefined) assert.match(plan.conditions?.[0]?.message ?? '', wantMessage)
    for (const [field, value] of Object.entries(wantStatus ?? {})) assert.deepEqual(plan.status[field as keyof ModelStatus], value, field)
    assert.equal(plan.create?.length ?? 0, wantCreated ?? 0)
  })
}

test('kstatus reads a Model right', () => {
  const read = (plan: ModelPlan): string => {
    const holds = (type: string): boolean => plan.conditions?.some((fact) => fact.type === type && fact.status === 'True') ?? false
    return holds('Stalled') ? 'Failed' : holds('Reconciling') ? 'InProgress' : holds('Ready') ? 'Current' : 'unclear'
  }
  assert.equal(read(decideModel(world(fresh), now)), 'InProgress')
  assert.equal(read(decideModel(world(fresh, imported({ digest, artifact, sizeBytes: 1 })), now)), 'Current')
  assert.equal(read(decideModel(world(fresh, failed('NotFound', 'Nothing.')), now)), 'Failed')
})

test('a licence that was found and is not allowed keeps the Model from being used, and its bytes verified', () => {
  const violation = 'spec.license: not allowed'
  const found = imported({ digest, artifact, sizeBytes: '1024', license: 'gemma' })
  const plan = decideModel(world(fresh, found, { violation }), now)
  assert.equal(plan.status?.phase, 'Failed')
  assert.equal(plan.status.digest, digest)
  assert.deepEqual(
    plan.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['Ready', 'False', 'PolicyViolation'],
      ['ArtifactVerified', 'True', 'ArtifactVerified'],
      ['Stalled', 'True', 'PolicyViolation'],
    ],
  )
  assert.equal(plan.events.length, 1)
  assert.equal(decideModel(world(fresh, found), now).status?.phase, 'Ready', 'once nothing is against it any more')
})

test('the import Job belongs to the Model and is named by its source', () => {
  const [job] = decideModel(world(fresh), now).create ?? []
  assert.equal(job?.metadata.name, importJobName(fresh.build()))
  assert.equal(job.metadata.ownerReferences?.[0]?.uid, 'uid-m')
  assert.notEqual(importJobName(fresh.build()), importJobName(fresh.from('https://models.example/other.gguf').build()))
})

test('where the bytes are is written when it is due', () => {
  const done = imported({ digest, artifact, sizeBytes: 1024 })
  const later = decideModel(world(verified, done, { cachedOn: ['w'], dueInMs: 2000 }), now)
  assert.equal(later.status?.cachedOn, undefined)
  assert.deepEqual(later.next, { kind: 'after', seconds: 2 })
  assert.deepEqual(decideModel(world(verified, done, { cachedOn: ['w'] }), now).status?.cachedOn, ['w'])
})

test('a verified Model whose import Job is gone stays ready', () => {
  const known = verified.thatIs({
    importedBy: importJobName(verified.build()),
    conditions: [
      { type: 'ArtifactVerified', status: 'True', reason: 'ArtifactVerified', message: '', observedGeneration: 1, lastTransitionTime: '' },
    ],
  })
  assert.equal(decideModel(world(known), now).status?.phase, 'Ready')
  assert.equal(decideModel(world(known), now).create, undefined)
  const forged = imported({ digest: aDigest('forged'), artifact, sizeBytes: 1 }, aJob('import').importing('https://evil.example/m.gguf'))
  const { phase, digest: kept } = decideModel(world(known, forged), now).status ?? {}
  assert.deepEqual([phase, kept], ['Ready', digest], 'nor does another Job of that name change what was verified')
  const shared = known.with({ allowedNamespaces: { from: 'All' } }).build()
  const edited = { ...shared, metadata: { ...shared.metadata, generation: 2 } }
  assert.equal(decideModel({ ...world(known), model: edited }, now).create, undefined, 'who may use it says nothing about its bytes')
  const elsewhere = known.from('https://models.example/other.gguf')
  assert.equal(decideModel(world(elsewhere), now).create?.length, 1, 'another source is imported')
})
