import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'

test('threads start from a bundle with chunks, as in the images', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mnemos-pii-'))
  try {
    const program = join(import.meta.dirname, 'bundle.fixture.ts')
    writeFileSync(join(folder, 'other.ts'), `await import(${JSON.stringify(program)})`)
    await build({
      entryPoints: {
        program: join(folder, 'other.ts'),
        'pii-thread': join(import.meta.dirname, '../../packages/pii/src/threads/pii-thread.ts'),
      },
      outdir: join(folder, 'out'),
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      platform: 'node',
      format: 'esm',
    })
    const run = spawnSync(process.execPath, [join(folder, 'out', 'program.mjs')], { encoding: 'utf8', timeout: 60_000 })
    assert.equal(run.stdout.trim(), '4000', run.stderr)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
