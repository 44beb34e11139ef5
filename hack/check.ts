/**
 * `make test`: every check in the order in which it is cheapest to learn of a mistake. It goes on after a failure, so that
 * one run tells everything, and counts each check as one test beside the tests themselves.
 */
import { spawn } from 'node:child_process'

const checks: readonly (readonly [string, readonly string[]])[] = [
  ['types', ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['biome', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']],
  ['eslint', ['node_modules/eslint/bin/eslint.js', '.']],
  ['verify', ['hack/verify.ts']],
  ['build', ['hack/build.ts']],
  // The first time takes a quarter of an hour, more than a test may; without root there is no node to test on.
  ['control plane and node', ['hack/cluster/src/main.ts', 'build', ...(process.getuid?.() === 0 ? ['--node'] : [])]],
]

let passed = 0
let failed = 0
for (const [name, args] of checks) {
  process.stdout.write(`\n— ${name}\n`)
  const { code } = await runNode(args)
  if (code === 0) passed += 1
  else failed += 1
  process.stdout.write(`${code === 0 ? '✔' : '✖'} ${name}\n`)
}
const tests = await runNode(['hack/test.ts', 'all'])
const counts = /(\d+) passed, (\d+) failed\s*$/.exec(tests.tail)
passed += Number(counts?.[1] ?? 0)
failed += counts === null ? 1 : Number(counts[2])
process.stdout.write(`\nwith the checks:\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/** Runs a program of this checkout, shows its output as it comes and keeps the end of it. */
async function runNode(args: readonly string[]): Promise<{ code: number | null; tail: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let tail = ''
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk)
    tail = (tail + chunk.toString()).slice(-4096)
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, tail }
}
