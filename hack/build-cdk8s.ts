/**
 * `npm run build:cdk8s`: the package @mnemos/cdk8s as it is published, in cdk8s/dist: plain JavaScript, declarations, manifest.
 *
 * The sources import packages/api, which is not published: its code goes into the bundle, and no declaration may name it.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'esbuild'

const folder = 'cdk8s'
const dist = join(folder, 'dist')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
const outside = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
const { metafile } = await build({
  entryPoints: [join(folder, 'src/index.ts')],
  outfile: join(dist, 'index.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: outside,
  plugins: [
    {
      name: 'unused-yaml',
      setup: (plugin) => {
        // Only what writes CRDs uses it: without side effects it goes with them; if something else came to use it, the check below would tell.
        plugin.onResolve({ filter: /^yaml$/ }, ({ path }) => ({ path, external: true, sideEffects: false }))
      },
    },
  ],
  metafile: true,
  logLevel: 'warning',
})
refuseUndeclared(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path)))
writeDeclarations()
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
copyFileSync(join(folder, 'README.md'), join(dist, 'README.md'))
copyFileSync('LICENSE', join(dist, 'LICENSE'))
process.stdout.write(
  `${dist}: ${(readFileSync(join(dist, 'index.js')).length / 1024).toFixed(0)} KiB; publish it with npm publish ./${dist}\n`,
)

/** @throws when the bundle would import what its manifest does not name */
function refuseUndeclared(imported: readonly string[]): void {
  const missing = imported.filter(
    (path) => !path.startsWith('node:') && !outside.some((name) => path === name || path.startsWith(`${name}/`)),
  )
  if (missing.length > 0) throw new Error(`cdk8s/dist imports ${missing.join(', ')}; declare it in cdk8s/package.json`)
}

function writeDeclarations(): void {
  const tsc = ['node_modules/typescript/bin/tsc', '-p', join(folder, 'tsconfig.build.json')]
  execFileSync(process.execPath, tsc, { stdio: 'inherit' })
  const written = join(dist, 'types', folder, 'src')
  for (const path of globSync(join(written, '**/*.d.ts'))) {
    const text = readFileSync(path, 'utf8').replaceAll(/(from '|from ")(\.[^'"]*)\.ts(['"])/g, '$1$2.js$3')
    if (text.includes('@mnemos/')) throw new Error(`${path} names a package that is not published`)
    const target = join(dist, relative(written, path))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }
  rmSync(join(dist, 'types'), { recursive: true })
}

/** The manifest of the workspace without what only the workspace needs. */
function published({ private: _private, devDependencies: _dev, exports: _exports, ...kept }: Manifest): object {
  return {
    ...kept,
    exports: { '.': { types: './index.d.ts', default: './index.js' } },
    types: './index.d.ts',
    files: ['*.js', '**/*.d.ts'],
    sideEffects: false,
    engines: { node: '>=20' },
  }
}
