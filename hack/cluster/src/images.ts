/**
 * Container images without a daemon and without a registry, by buildah from Debian.
 *
 * Guarantees: everything is kept below the cache folder and /run/mnemos, by a configuration of our own, so that images,
 * settings and policies of the machine are neither read nor changed; no image is ever pulled from a network.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { debianPackages } from './debian.ts'
import { run } from './run.ts'

export interface ImageBuild {
  /** Path of the Dockerfile. */
  readonly dockerfile: string
  /** The folder that COPY and ADD read from. */
  readonly context: string
  /** Name of the result, with its host and tag: `localhost/mnemos:dev`. */
  readonly tag: string
  /** Values of ARG. */
  readonly args?: Readonly<Record<string, string>>
  /** Stage to stop at; the last one when absent. */
  readonly target?: string
  readonly log?: (line: string) => void
}

/** Builds an image from a Dockerfile. @throws with buildah's last lines, or when this process may not build images */
export async function buildImage(build: ImageBuild): Promise<void> {
  const log = build.log ?? (() => undefined)
  const args = Object.entries(build.args ?? {}).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
  const target = build.target === undefined ? [] : ['--target', build.target]
  log(`Building image ${build.tag} …`)
  await buildah(
    [
      'build',
      '--pull-never',
      '--layers',
      '--format=docker',
      '--tag',
      build.tag,
      ...args,
      ...target,
      '--file',
      build.dockerfile,
      build.context,
    ],
    log,
  )
}

/** Writes an image as a docker-archive tar, which `ctr images import` and `docker load` read; an older file is replaced. */
export async function saveImage(tag: string, tar: string): Promise<void> {
  await rm(tar, { force: true })
  await buildah(['push', '--quiet', tag, `docker-archive:${tar}:${tag}`])
}

/** Takes an image from a docker-archive tar into the store, under the name that it has there. */
export async function loadImage(tar: string): Promise<void> {
  await buildah(['pull', '--quiet', `docker-archive:${tar}`])
}

/** Whether the store has an image of this name. */
export async function hasImage(tag: string): Promise<boolean> {
  return imageId(tag).then((id) => id !== undefined)
}

/** The image's content id (`sha256:…` without the prefix), undefined when there is none of this name. */
export async function imageId(tag: string): Promise<string | undefined> {
  const lines = await buildah(['images', '--quiet', '--no-trunc', '--filter', `reference=${tag}`])
  return lines[0]?.replace(/^sha256:/, '')
}

/** Removes an image's name, and its layers when no other image has them. */
export async function removeImage(tag: string): Promise<void> {
  await buildah(['rmi', tag])
}

function store(): { readonly folder: string; readonly root: string; readonly runRoot: string } {
  const folder = join(cacheFolder(process.env), 'buildah')
  return { folder, root: join(folder, 'storage'), runRoot: '/run/mnemos/buildah' }
}

let prepared: Promise<Record<string, string>> | undefined

/** Runs buildah on our own store and returns its output. */
async function buildah(args: readonly string[], log?: (line: string) => void): Promise<string[]> {
  prepared ??= prepare(log)
  const env = await prepared
  const [verb = '', ...rest] = args
  // The policy is a flag of the verbs that copy images.
  const policy = ['build', 'push', 'pull'].includes(verb) ? ['--signature-policy', join(store().folder, 'policy.json')] : []
  return run('buildah', [verb, ...policy, ...rest], { env, ...(log === undefined ? {} : { onError: log }) })
}

async function prepare(log?: (line: string) => void): Promise<Record<string, string>> {
  if (process.getuid?.() !== 0)
    throw new Error('building images needs root here; run this as root, or use docker build with the same Dockerfiles')
  await debianPackages(['buildah'], log)
  const { folder, root, runRoot } = store()
  await mkdir(root, { recursive: true })
  await mkdir(runRoot, { recursive: true })
  const files = {
    'storage.conf': `[storage]\ndriver = "overlay"\ngraphroot = "${root}"\nrunroot = "${runRoot}"\n`,
    'registries.conf': 'unqualified-search-registries = []\n',
    'policy.json': '{"default": [{"type": "insecureAcceptAnything"}]}\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return {
    STORAGE_DRIVER: 'overlay',
    BUILDAH_ISOLATION: 'chroot',
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
  }
}
