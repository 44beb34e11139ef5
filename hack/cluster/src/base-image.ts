/**
 * A stand-in for `node:24-bookworm-slim` where no image registry can be reached: a minimal Debian by debootstrap, and the
 * Node of the npm package `node`. Same user, paths and environment as the original; npm, yarn and the entrypoint script
 * are not in it.
 *
 * Kept in the cache as a docker-archive tar, keyed by the version of Node and by this recipe.
 */
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cached, cacheFolder } from './cache.ts'
import { debianMirror, debianPackages } from './debian.ts'
import { buildImage, hasImage, loadImage, saveImage } from './images.ts'
import { run } from './run.ts'

const suite = 'bookworm'

export interface BaseImage {
  /** What to give a Dockerfile as BASE. */
  readonly tag: string
  /** Path of the docker-archive tar in the cache. */
  readonly archive: string
}

const dockerfile = (version: string): string => `FROM scratch
ADD rootfs.tar /
ENV NODE_VERSION=${version}
CMD ["node"]
`

// What the original leaves out as well, and what only an interactive Debian would read.
const unwanted = ['usr/share/doc', 'usr/share/man', 'usr/share/info', 'usr/share/locale', 'var/cache/apt', 'var/lib/apt/lists', 'var/log']

/**
 * Makes sure that the image is in buildah's store, and returns its name and archive. Made once in about a minute (needs
 * root and the Debian mirror that this machine's apt uses), loaded in seconds from then on.
 */
export async function buildBaseImage(log: (line: string) => void = () => undefined): Promise<BaseImage> {
  const { binary, version } = await nodeOfPackage()
  const recipe = createHash('sha256')
    .update(await readFile(import.meta.filename))
    .digest('hex')
    .slice(0, 8)
  const tag = `localhost/node:${version.split('.')[0] ?? ''}-${suite}-slim`
  const folder = await cached(cacheFolder(process.env), join('images', `node-${version}-${suite}-${recipe}`), async (into) => {
    log(`Making ${tag} (once, about a minute) …`)
    const context = join(into, 'context')
    await mkdir(context)
    await makeRootfs({ context, binary, log })
    await writeFile(join(context, 'Dockerfile'), dockerfile(version))
    await buildImage({ dockerfile: join(context, 'Dockerfile'), context, tag, log })
    await saveImage(tag, join(into, 'image.tar'))
    await rm(context, { recursive: true })
  })
  const archive = join(folder, 'image.tar')
  if (!(await hasImage(tag))) await loadImage(archive)
  return { tag, archive }
}

async function makeRootfs(options: { context: string; binary: string; log: (line: string) => void }): Promise<void> {
  const rootfs = join(options.context, 'rootfs')
  await debianPackages(['debootstrap'], options.log)
  await run('debootstrap', ['--variant=minbase', suite, rootfs, await debianMirror(suite)])
  for (const path of unwanted) {
    await rm(join(rootfs, path), { recursive: true, force: true })
    await mkdir(join(rootfs, path), { recursive: true })
  }
  await cp(options.binary, join(rootfs, 'usr/local/bin/node'))
  await run('chroot', [rootfs, 'groupadd', '--gid', '1000', 'node'])
  await run('chroot', [rootfs, 'useradd', '--uid', '1000', '--gid', 'node', '--shell', '/bin/bash', '--create-home', 'node'])
  await run('tar', [
    '--create',
    '--numeric-owner',
    '--sort=name',
    '--file',
    join(options.context, 'rootfs.tar'),
    '--directory',
    rootfs,
    '.',
  ])
  await rm(rootfs, { recursive: true })
}

async function nodeOfPackage(): Promise<{ binary: string; version: string }> {
  const manifest = createRequire(import.meta.url).resolve('node/package.json')
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
  return { binary: join(dirname(manifest), 'bin', 'node'), version }
}
