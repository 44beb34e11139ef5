/**
 * `node hack/test.ts unit|integration|faults|e2e|all`: runs the tests of one level with node:test, prints its report and,
 * alone on the last line, `N passed, N failed`.
 *
 * Unit files run in parallel; the levels above start real servers, so their files run one after the other.
 */
import { globSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const levels: Record<string, { readonly files: readonly string[]; readonly concurrency: number; readonly timeoutMs: number }> = {
  unit: {
    files: ['packages/*/src/**/*.test.ts', '{operator,recorder,webhooks,worker,server,cli,cdk8s,hack}/**/*.test.ts'],
    concurrency: 2,
    timeoutMs: 120_000,
  },
  integration: { files: ['test/integration/**/*.test.ts'], concurrency: 1, timeoutMs: 600_000 },
  faults: { files: ['test/faults/**/*.test.ts'], concurrency: 1, timeoutMs: 900_000 },
  e2e: { files: ['test/e2e/**/*.test.ts'], concurrency: 1, timeoutMs: 900_000 },
}

const wanted = process.argv[2] ?? 'unit'
const chosen = wanted === 'all' ? Object.keys(levels) : [wanted]
let passed = 0
let failed = 0

for (const name of chosen) {
  const level = levels[name]
  if (level === undefined) {
    process.stderr.write(`${name} is no level of tests; choose one of ${Object.keys(levels).join(', ')}, all\n`)
    process.exit(2)
  }
  process.stdout.write(`\n${name} tests\n`)
  await runLevel(level)
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

async function runLevel(level: { files: readonly string[]; concurrency: number; timeoutMs: number }): Promise<void> {
  const files = globSync([...level.files], { exclude: (path) => path.includes('node_modules') }).sort()
  if (files.length === 0) return
  const stream = run({ files, concurrency: level.concurrency, timeout: level.timeoutMs })
  // A file's own entry and a suite are not tests; their failures are counted only when no test inside failed.
  stream.on('test:pass', ({ details, skip, todo }) => {
    if (details.type !== 'suite' && skip === undefined && todo === undefined) passed += 1
  })
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') failed += 1
  })
  await pipeline(stream, new spec(), process.stdout, { end: false })
}
