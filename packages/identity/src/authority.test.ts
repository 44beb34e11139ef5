import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Authority, type AuthorityPlan, isAging, planAuthorities, signerOf } from './authority.ts'

const timing = { authorityLifeMs: 900, leafLifeMs: 300, overlapMs: 50 }

function anAuthority(name: string, issuedAt: number, signsFrom = issuedAt): Authority {
  return { commonName: name, certificate: name, privateKey: '', issuedAt, notAfter: issuedAt + timing.authorityLifeMs, signsFrom }
}

const old = anAuthority('old', 0)
const next = anAuthority('next', 600, 650)

const cases: Record<string, { authorities: readonly Authority[]; now: number; want: AuthorityPlan }> = {
  'nothing yet: one is made and signs at once': { authorities: [], now: 7, want: { keep: [], make: { signsFrom: 7 } } },
  'a young one stays alone': { authorities: [old], now: 599, want: { keep: [old] } },
  'at two thirds of its life the next is made, and signs an overlap later': {
    authorities: [old],
    now: 600,
    want: { keep: [old], make: { signsFrom: 650 } },
  },
  'both are trusted while the next does not sign': { authorities: [old, next], now: 620, want: { keep: [old, next] } },
  'both are trusted for an overlap after it signs': { authorities: [old, next], now: 699, want: { keep: [old, next] } },
  'then the old one goes': { authorities: [old, next], now: 700, want: { keep: [next] } },
  'an expired one is replaced at once': { authorities: [old], now: 900, want: { keep: [], make: { signsFrom: 900 } } },
}

for (const [sentence, { authorities, now, want }] of Object.entries(cases)) {
  test(sentence, () => assert.deepEqual(planAuthorities(authorities, now, timing), want))
}

test('whoever looks at least once per overlap trusts every signer', () => {
  for (const step of [1, 7, 25, 49]) {
    let authorities: readonly Authority[] = []
    let trusted = new Set<string>()
    for (let now = 0; now < 10_000; now += step) {
      const signer = signerOf(authorities, now)
      if (signer !== undefined) assert.ok(trusted.has(signer.commonName), `${signer.commonName} at ${now} with step ${step}`)
      const plan = planAuthorities(authorities, now, timing)
      authorities = plan.make === undefined ? plan.keep : [...plan.keep, anAuthority(`a${now}`, now, plan.make.signsFrom)]
      trusted = new Set(authorities.map((authority) => authority.commonName))
      assert.ok(authorities.length <= 2)
    }
  }
})

test('a certificate ages at two thirds of its life', () => {
  assert.deepEqual([isAging(old, 599), isAging(old, 600)], [false, true])
})
