/**
 * What is copied into images, without building one: every native file is for the architecture that was asked for, each Dockerfile
 * copies what is there, and its base has what the engine is linked with.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const build = (...args: readonly string[]) => run(process.execPath, ['hack/build.ts', ...args], { maxBuffer: 16 * 1024 * 1024 })

/** Machines as the header of an ELF file numbers them. */
const machines = { amd64: 0x3e, arm64: 0xb7 } as const
const mebibyte = 1024 * 1024

/** Paths of the native files below a folder, with their machine. */
async function nativeFiles(folder: string): Promise<readonly (readonly [path: string, machine: number])[]> {
  const found: (readonly [string, number])[] = []
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name)
    if (!(await stat(path)).isFile()) continue
    const file = await open(path)
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0)
    await file.close()
    if (buffer.subarray(0, 4).toString('latin1') === '\x7fELF') found.push([name, buffer.readUInt16LE(18)])
  }
  return found
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder, { recursive: true })) {
    const about = await stat(join(folder, name))
    if (about.isFile()) bytes += about.size
  }
  return bytes
}

for (const architecture of ['amd64', 'arm64'] as const) {
  test(`--images --arch ${architecture}: what the Dockerfiles copy is there, for that architecture and no other`, async () => {
    await build('--images', '--arch', architecture)
    for (const dockerfile of ['Dockerfile', 'worker/Dockerfile']) {
      const [, copied = ''] = /^COPY (\S+) \/app\/$/m.exec(await readFile(dockerfile, 'utf8')) ?? []
      const folder = copied.replace(/\$\{TARGETARCH\}/, architecture)
      for (const name of ['mnemos.mjs', 'sbom.cdx.json']) assert.ok(existsSync(join(folder, name)), `${folder}${name}`)
      const native = await nativeFiles(folder)
      assert.deepEqual(
        native.filter(([, machine]) => machine !== machines[architecture]),
        [],
      )
      const isWorker = dockerfile !== 'Dockerfile'
      assert.equal(
        native.some(([path]) => path.endsWith('llama-addon.node')),
        isWorker,
        dockerfile,
      )
      assert.ok((await sizeOf(folder)) < (isWorker ? 150 : 30) * mebibyte, folder)
    }
  })
}

test('the program runs from what is copied', async () => {
  const { stdout } = await run(process.execPath, ['dist/images/control-plane-amd64/mnemos.mjs', 'version'])
  assert.match(stdout, /0\.1\.0/)
})

test('an image for GPUs on arm64 is refused with the reason', async () => {
  await assert.rejects(build('--gpu', '--arch', 'arm64'), (error: unknown) => {
    const { code, stderr } = error as { code: number; stderr: string } // of execFile
    assert.match(stderr, /--gpu is for amd64 alone: node-llama-cpp has no library for CUDA on arm64/)
    return code === 64
  })
  await assert.rejects(build('--arch', 'riscv64'), /--arch riscv64 is not supported; choose one of amd64, arm64/)
})
