/**
 * The image for GPUs, as far as it can be built and run where there is neither a registry nor a GPU: its own Dockerfile on a stand-in of
 * both bases. Not tried here: the CUDA runtime, a driver, a GPU.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { buildBaseImage, buildImage, hasImage, removeImage } from '@mnemos/cluster'
import { root } from './installation.ts'

const run = promisify(execFile)
const reason = process.getuid?.() === 0 && process.platform === 'linux' ? false : 'buildah needs Linux and root'
const tag = 'localhost/mnemos-worker-gpu:e2e'
const dockerfile = join(root, 'worker/Dockerfile.gpu')
const variants = join(root, 'dist/images/worker-gpu-amd64/node_modules/@node-llama-cpp')

/** The libraries that a library asks for. */
async function needed(path: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [path])
  return stdout.split('\n').flatMap((line) => /^\s*(\S+\.so[.\d]*)/.exec(line)?.[1] ?? [])
}

describe('the image for GPUs', { skip: reason }, () => {
  let context: string | undefined
  after(async () => {
    if (context !== undefined) await rm(context, { recursive: true, force: true })
    for (const name of [`${tag}-tried`, tag]) if (await hasImage(name)) await removeImage(name)
  })

  test('builds from its own Dockerfile', async () => {
    await run(process.execPath, [join(root, 'hack/build.ts'), '--gpu'], { cwd: root })
    const { tag: base } = await buildBaseImage()
    await buildImage({ dockerfile, context: root, tag, args: { BASE: base, NODE: base } })
  })

  test('its base brings the CUDA that the engine is linked with', async () => {
    const major = /^ARG BASE=nvidia\/cuda:(\d+)\./m.exec(await readFile(dockerfile, 'utf8'))?.[1] ?? 'none'
    const libraries = await needed(join(variants, 'linux-x64-cuda/bins/linux-x64-cuda/libggml-cuda.so'))
    for (const name of ['libcudart', 'libcublas']) assert.ok(libraries.includes(`${name}.so.${major}`), `${name}: ${libraries.join(', ')}`)
    assert.ok(libraries.includes('libcuda.so.1'), 'the driver, which comes from the node')
    assert.deepEqual((await readdir(variants)).sort(), ['linux-x64', 'linux-x64-cuda', 'linux-x64-cuda-ext'])
  })

  test('runs as nobody in particular, says its flags, and loads the engine on processors where no GPU is', async () => {
    const engine = "import('/app/node_modules/node-llama-cpp/dist/index.js')"
    const options = "{ gpu: false, build: 'never', skipDownload: true }"
    const steps = [
      ['node', '-e', 'process.exit(process.getuid() === 65532 ? 0 : 1)'],
      ['node', '/app/mnemos.mjs', 'worker', '--help'],
      ['node', '-e', `${engine}.then(({ getLlama }) => getLlama(${options})).then((llama) => process.exit(llama.gpu === false ? 0 : 1))`],
    ]
    context = await mkdtemp(join(tmpdir(), 'mnemos-gpu-'))
    const lines = steps.map((step) => `RUN ${JSON.stringify(step)}`)
    await writeFile(join(context, 'Dockerfile'), `FROM ${tag}\n${lines.join('\n')}\n`)
    await buildImage({ dockerfile: join(context, 'Dockerfile'), context, tag: `${tag}-tried` })
  })
})
