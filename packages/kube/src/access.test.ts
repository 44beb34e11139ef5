import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applied, policyRules, watched } from './access.ts'

const pods = { group: '', plural: 'pods' }
const secrets = { group: '', plural: 'secrets' }

describe('rules from what is declared', () => {
  it('keep the scopes apart', () => {
    const access = [
      { resource: pods, verbs: watched, scope: 'cluster' },
      { resource: secrets, verbs: ['get'], scope: 'system' },
    ] as const
    assert.deepEqual(policyRules(access, 'cluster'), [{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }])
    assert.deepEqual(policyRules(access, 'system'), [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }])
  })

  it('name objects for every verb but create, which RBAC cannot limit', () => {
    assert.deepEqual(policyRules([{ resource: secrets, verbs: ['get', ...applied], names: ['key'], scope: 'system' }], 'system'), [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['key'], verbs: ['get', 'patch'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
    ])
  })

  it('say a thing once, whoever declares it, in one order', () => {
    const once = { resource: pods, subresource: 'status', verbs: ['patch'], scope: 'cluster' } as const
    const other = { resource: pods, verbs: ['get'], scope: 'cluster' } as const
    const wanted = [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
    ]
    assert.deepEqual(policyRules([once, other, once], 'cluster'), wanted)
    assert.deepEqual(policyRules([other, once], 'cluster'), wanted)
  })
})
