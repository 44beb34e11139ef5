/**
 * The official test suite of JSON Schema (MIT), as the PyPI source package `jsonschema` carries it, fetched once into the cache
 * outside the checkout.
 *
 * Guarantees that the package has the SHA-256 pinned here; whatever else the registry serves is refused and nothing is kept.
 */
import { spawn } from 'node:child_process'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cacheFolder } from '@mnemos/cluster'
import { sha256Of } from './models.ts'

const suite = {
  package: 'jsonschema',
  version: '4.26.0',
  sha256: '0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326',
} as const

/**
 * The folder with `tests/` and `remotes/`, fetched when absent (needs pip and the Python registry; under a minute).
 * @throws when pip fails, or when the package is not the pinned one
 */
export async function ensureJsonSchemaSuite(): Promise<string> {
  const { package: name, version, sha256 } = suite
  return cached(cacheFolder(process.env), join('json-schema-suite', `${version}-${sha256.slice(0, 12)}`), async (into) => {
    const archive = join(into, `${name}-${version}.tar.gz`)
    const quiet = ['--no-deps', '--disable-pip-version-check', '--progress-bar', 'off']
    await run('python3', ['-m', 'pip', 'download', ...quiet, '--no-binary', ':all:', '-d', into, `${name}==${version}`])
    const found = await sha256Of(archive)
    if (found !== sha256) throw new Error(`${archive} has SHA-256 ${found}, wanted ${sha256}`)
    await run('tar', ['-xzf', archive, '-C', into, '--strip-components=1', `${name}-${version}/json`])
    await rm(archive)
    for (const part of ['tests', 'remotes']) await rename(join(into, 'json', part), join(into, part))
    await rm(join(into, 'json'), { recursive: true })
  })
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error(`${program} could not be started`, { cause })))
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ${args.slice(0, 3).join(' ')} ended with ${code}:\n${errors}`)
}
