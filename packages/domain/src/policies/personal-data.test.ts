import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Job, type PersonalDataActions, piiEntities } from '@mnemos/api'
import { compilePolicy } from './compile.ts'
import { personalDataActions } from './personal-data.ts'
import { clusterPolicy, namespacePolicy } from './policies.test-kit.ts'

const job = {
  apiVersion: 'mnemos.dev/v1alpha1',
  kind: 'Job',
  metadata: { name: 'greet', namespace: 'team-a', labels: { tier: 'gold' }, annotations: { 'mnemos.dev/requester': 'alice' } },
  // As the operator keeps it: without its prompt.
  spec: { queue: 'default', priority: 'normal', inference: { modelRef: { name: 'smollm' }, parameters: { maxTokens: 256 } } },
} as unknown as Job
const scanned = { object: job, namespaceLabels: { team: 'a' }, modelFacts: () => undefined }
const emails = (action: string): object => ({ pii: { default: 'Allow', entities: { Email: action } } })
const until = (expiresAt: string): Record<string, unknown> => ({
  exceptions: [{ name: 'trial', reason: 'trial', expiresAt, users: ['alice'] }],
})
const everything = Object.fromEntries(piiEntities.map((entity) => [entity, 'Block']))

const rows: Record<string, [policies: ReturnType<typeof clusterPolicy>[], want: PersonalDataActions | undefined]> = {
  'no policy says nothing': [[], undefined],
  'a policy about something else says nothing': [[clusterPolicy({ limits: { maxTokens: 1 } })], undefined],
  'a kind that is redacted at admission is redacted where it runs': [[clusterPolicy(emails('Redact'))], { Email: 'Redact' }],
  'what only warns, or is let through, is left alone': [[clusterPolicy(emails('Warn')), clusterPolicy(emails('Allow'))], undefined],
  'modes that do not enforce change nothing': [
    [clusterPolicy(emails('Block'), { mode: 'Warn' }), clusterPolicy(emails('Block'), { mode: 'Audit' })],
    undefined,
  ],
  'of several policies the strictest counts, by kind': [
    [clusterPolicy({ pii: { default: 'Redact', entities: { SSN: 'Allow' } } }), namespacePolicy(emails('Block'))],
    { ...Object.fromEntries(piiEntities.filter((entity) => entity !== 'SSN').map((entity) => [entity, 'Redact'])), Email: 'Block' },
  ],
  'a policy for others is not asked': [
    [
      clusterPolicy(emails('Block'), { match: { users: ['bob'] } }),
      clusterPolicy(emails('Block'), { match: { labels: { matchLabels: { tier: 'iron' } } } }),
      clusterPolicy(emails('Block'), { match: { kinds: ['Model'] } }),
      clusterPolicy(emails('Block'), { namespaces: { include: ['team-b'] } }),
    ],
    undefined,
  ],
  'a policy for a group counts: groups are not kept': [
    [clusterPolicy(emails('Block'), { match: { groups: ['research'] } })],
    { Email: 'Block' },
  ],
  'an exception that goes on lifts the rule': [[clusterPolicy(emails('Block'), until('2030-01-01T00:00:00Z'))], undefined],
  'an exception that has ended lifts nothing': [[clusterPolicy(emails('Block'), until('2020-01-01T00:00:00Z'))], { Email: 'Block' }],
  'a policy that does not compile may have meant everything': [
    [compilePolicy({ kind: 'ClusterPolicy', metadata: { name: 'broken' }, spec: { rules: 'none' } })],
    everything,
  ],
}
for (const [name, [policies, want]] of Object.entries(rows)) {
  test(`personal data where a Job runs: ${name}`, () => {
    assert.deepEqual(personalDataActions(scanned, policies, Date.parse('2026-01-01T00:00:00Z')), want)
  })
}
