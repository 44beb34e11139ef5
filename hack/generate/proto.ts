/**
 * The TypeScript of the dispatch protocol: buf compiles packages/contract/proto with the protoc-gen-es of this checkout.
 * Uses no network; the same proto gives the same bytes.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const contract = 'packages/contract'

/** @returns path below the root of the checkout → content */
export async function generate(): Promise<Map<string, string>> {
  const out = await mkdtemp(join(tmpdir(), 'mnemos-proto-'))
  try {
    const bin = resolve('node_modules/.bin')
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` }
    // The plugin writes to src/gen below --output, so a check never touches the checkout.
    await run(join(bin, 'buf'), ['generate', '--output', out], { cwd: contract, env })
    const files = await readdir(join(out, 'src/gen'), { recursive: true, withFileTypes: true })
    const found = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    return new Map(
      await Promise.all(
        found.sort().map(async (path) => [join(contract, path.slice(out.length + 1)), await readFile(path, 'utf8')] as const),
      ),
    )
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
