import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breachesOfFile, ringBreaches } from './rings.ts'

const domain = { name: '@mnemos/domain', folder: 'packages/domain', may: ['@mnemos/api'], types: ['@mnemos/kube'] }
const cases: Record<string, { text: string; path?: string; wantBreaches: number }> = {
  'an allowed import passes': { text: "import { jobKind } from '@mnemos/api'", wantBreaches: 0 },
  'a type import passes where types are allowed': { text: "import type { Plan } from '@mnemos/kube'", wantBreaches: 0 },
  'a value import is refused where only types are allowed': { text: "import { createClient } from '@mnemos/kube'", wantBreaches: 1 },
  'an import spread over lines is seen': { text: "import {\n  a,\n  b,\n} from '@mnemos/operator'", wantBreaches: 1 },
  'an export from another ring is seen': { text: "export * from '@mnemos/server'", wantBreaches: 1 },
  'a dynamic import is seen': { text: "const x = await import('@mnemos/worker')", wantBreaches: 1 },
  'a deep import is refused': { text: "import { a } from '@mnemos/api/src/kind.ts'", wantBreaches: 1 },
  'a relative import out of the package is refused': { text: "import { a } from '../../kube/src/types.ts'", wantBreaches: 1 },
  'a test may use the testkit': {
    path: 'packages/domain/src/a.test.ts',
    text: "import { eventually } from '@mnemos/testkit'",
    wantBreaches: 0,
  },
  'a source may not use the testkit': { text: "import { eventually } from '@mnemos/testkit'", wantBreaches: 1 },
}

for (const [sentence, { text, path = 'packages/domain/src/a.ts', wantBreaches }] of Object.entries(cases)) {
  test(sentence, () => {
    assert.equal(breachesOfFile(domain, path, text).length, wantBreaches)
  })
}

test('the tree keeps to the table', () => {
  assert.deepEqual(ringBreaches(), [])
})
