/**
 * `npm run build`: bundles the one program `mnemos` into dist/bundle, for images and for people without this checkout.
 * With `--images` it also fills dist/images with what the Dockerfiles copy; `--gpu` adds the GPU worker (600 MB),
 * `--arch arm64` prepares for another architecture than amd64.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { packagesOf } from './images/packages.ts'
import { architectures, stageImage } from './images/stage.ts'

const { values: flags } = parseArgs({
  options: {
    images: { type: 'boolean', default: false },
    gpu: { type: 'boolean', default: false },
    arch: { type: 'string', default: 'amd64' },
  },
})
const architecture = architectures.find((each) => each === flags.arch)
if (architecture === undefined) {
  process.stderr.write(`--arch ${flags.arch} is not supported; choose one of ${architectures.join(', ')}\n`)
  process.exit(64)
}
if (flags.gpu && architecture !== 'amd64') {
  process.stderr.write(
    `--gpu is for amd64 alone: node-llama-cpp has no library for CUDA on ${architecture}; leave --gpu out for a worker without GPUs\n`,
  )
  process.exit(64)
}
const root = join(import.meta.dirname, '..')
const bundle = join(root, 'dist', 'bundle')
rmSync(bundle, { recursive: true, force: true })
mkdirSync(bundle, { recursive: true })
const result = await build({
  absWorkingDir: root,
  // The engine's child process is a program of its own, forked by the worker; so is what a thread runs.
  entryPoints: {
    mnemos: 'cli/src/main.ts',
    'llama-cpp-child': 'worker/src/engine/llama-cpp-child.ts',
    'pii-thread': 'packages/pii/src/threads/pii-thread.ts',
  },
  outdir: bundle,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  // Node keeps the text of every module it has loaded: without white space and comments each process is 12 MB smaller. Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Loads native code at run time, so it stays beside the bundle.
  external: ['node-llama-cpp'],
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
})
const bytes = Object.values(result.metafile.outputs).reduce((sum, { bytes: size }) => sum + size, 0)
process.stdout.write(`dist/bundle/mnemos.mjs and its chunks: ${(bytes / 1024 / 1024).toFixed(1)} MiB\n`)

if (flags.images || flags.gpu) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string } // our own file
  const bundled = packagesOf(Object.keys(result.metafile.inputs))
  for (const image of ['control-plane', 'worker', ...(flags.gpu ? (['worker-gpu'] as const) : [])] as const) {
    const folder = await stageImage({ image, architecture, root, bundled, version })
    process.stdout.write(`${folder.slice(root.length + 1)}\n`)
  }
}
