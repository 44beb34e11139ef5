import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AllowedNamespaces, mayUse } from './allowed-namespaces.ts'

const user = { name: 'team-a', labels: { tier: 'gold', region: 'eu' } }
const bySelector = (matchLabels?: Record<string, string>): AllowedNamespaces => ({ from: 'Selector', selector: { matchLabels } })

const cases: Record<string, { allowed: AllowedNamespaces; home?: string; want: boolean }> = {
  'a namespace may always use its own': { allowed: { from: 'Same' }, home: 'team-a', want: true },
  'Same keeps everybody else out': { allowed: { from: 'Same' }, want: false },
  'All lets everybody in': { allowed: { from: 'All' }, want: true },
  'a selector lets in who has every label': { allowed: bySelector({ tier: 'gold', region: 'eu' }), want: true },
  'a selector keeps out who lacks one': { allowed: bySelector({ tier: 'gold', region: 'us' }), want: false },
  'a selector without labels matches everybody, as in Kubernetes': { allowed: bySelector(), want: true },
  'Selector without a selector matches nobody': { allowed: { from: 'Selector' }, want: false },
}

for (const [sentence, { allowed, home = 'platform', want }] of Object.entries(cases)) {
  test(sentence, () => assert.equal(mayUse(allowed, home, user), want))
}
