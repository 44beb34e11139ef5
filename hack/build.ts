/** `npm run build`: bundles the one program `mnemos` into dist/, for images and for people without this checkout. */
import { mkdirSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

rmSync('dist', { recursive: true, force: true })
mkdirSync('dist', { recursive: true })
const result = await build({
  // The engine's child process is a program of its own, forked by the worker.
  entryPoints: { mnemos: 'cli/src/main.ts', 'llama-cpp-child': 'worker/src/engine/llama-cpp-child.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Packages that load native code or files of their own at run time stay beside the bundle.
  external: ['node-llama-cpp', 'esbuild', 'pino'],
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
})
const bytes = Object.values(result.metafile.outputs).reduce((sum, { bytes: size }) => sum + size, 0)
process.stdout.write(`dist/mnemos.mjs and its chunks: ${(bytes / 1024 / 1024).toFixed(1)} MiB\n`)
