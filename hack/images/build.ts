/**
 * Every image that an installation on the node of hack/cluster needs, built here: the project's own Dockerfiles on the
 * stand-in of their base, a worker that carries the small model, and stand-ins for the images of the try-out stores.
 */
import { execFile } from 'node:child_process'
import { cp, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildBaseImage, buildImage, debianPackages } from '@mnemos/cluster'
import { seaweedfs } from '@mnemos/testkit'
import { ensureSmallModel } from '../models.ts'

type Log = (line: string) => void

export interface BuiltImages {
  readonly control: string
  /** Carries the small model below `modelFolder`. */
  readonly worker: string
}

/** Where the worker image of tests has the small model. */
export const modelFolder = '/models'

/**
 * Builds the images of a checkout, tagged `localhost/mnemos:<tag>` and `localhost/mnemos-worker:<tag>`.
 * @param root the checkout; its bundle is made first
 */
export async function buildOwnImages(options: { root: string; tag: string; log?: Log }): Promise<BuiltImages> {
  const { root, tag, log = () => undefined } = options
  log('Bundling …')
  await promisify(execFile)(process.execPath, [join(root, 'hack/build.ts'), '--images'], { cwd: root })
  const { tag: base } = await buildBaseImage(log)
  const built = { control: `localhost/mnemos:${tag}`, worker: `localhost/mnemos-worker:${tag}` }
  const bare = `localhost/mnemos-worker-bare:${tag}`
  await buildImage({ dockerfile: join(root, 'Dockerfile'), context: root, tag: built.control, args: { BASE: base }, log })
  await buildImage({ dockerfile: join(root, 'worker/Dockerfile'), context: root, tag: bare, args: { BASE: base }, log })
  const model = await ensureSmallModel(log)
  await inContext(async (context) => {
    // A link, so that the model is not copied once more; it lies in the cache, often on another disk: then it is.
    await link(model.path, join(context, basename(model.path))).catch(() => cp(model.path, join(context, basename(model.path))))
    await writeFile(join(context, 'Dockerfile'), `FROM ${bare}\nCOPY --chmod=644 ${basename(model.path)} ${modelFolder}/\n`)
    await buildImage({ dockerfile: join(context, 'Dockerfile'), context, tag: built.worker, log })
  })
  return built
}

/** A stand-in for an image of one program of this machine: the program, the libraries that it is linked with, a shell. */
export async function buildProgramImage(options: { program: string; tag: string; log?: Log }): Promise<string> {
  const { program, tag, log = () => undefined } = options
  const { tag: base } = await buildBaseImage(log)
  const libraries = await librariesOf(program)
  await inContext(async (context) => {
    for (const path of libraries) {
      // In the base /lib is a link to /usr/lib, which a folder of that name would replace.
      const target = join(context, 'root', path.replace(/^\/lib\//, '/usr/lib/'))
      await mkdir(dirname(target), { recursive: true })
      await cp(path, target, { dereference: true })
    }
    await mkdir(join(context, 'root/usr/local/bin'), { recursive: true })
    await cp(program, join(context, 'root/usr/local/bin', basename(program)), { dereference: true })
    await writeFile(join(context, 'Dockerfile'), `FROM ${base}\nCOPY root/ /\nUSER 65532:65532\n`)
    await buildImage({ dockerfile: join(context, 'Dockerfile'), context, tag, log })
  })
  return tag
}

/** A stand-in for the image of Redis, from Debian's package. */
export async function buildRedisImage(log?: Log): Promise<string> {
  await debianPackages(['redis-server'], log)
  return buildProgramImage({ program: '/usr/bin/redis-server', tag: 'localhost/redis:bookworm', ...(log === undefined ? {} : { log }) })
}

/** A stand-in for the image of SeaweedFS, from its PyPI package. */
export async function buildS3Image(log?: Log): Promise<string> {
  return buildProgramImage({ program: await seaweedfs(), tag: 'localhost/seaweedfs:pypi', ...(log === undefined ? {} : { log }) })
}

/** Paths of the shared libraries that are in no minimal Debian; none for a static program. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const listed = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }))
  return [...listed.stdout.matchAll(/=> (\/\S+)/g)]
    .map(([, path]) => path ?? '')
    .filter((path) => !/\/(libc|libm|ld-linux[^/]*)\.so/.test(path))
}

async function inContext(work: (context: string) => Promise<void>): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'mnemos-image-'))
  try {
    await work(context)
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}
