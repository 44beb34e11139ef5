/**
 * Fills `dist/images/<image>` with exactly what the Dockerfile of that image copies: the bundle, the native packages that
 * stand beside it, and the bill of materials. Building an image then needs no network and runs no package's script.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { billOfMaterials } from './packages.ts'

/** Processor architectures as images name them, and as npm does. */
const npmNames = { amd64: 'x64', arm64: 'arm64' } as const
export type Architecture = keyof typeof npmNames
export const architectures = Object.keys(npmNames) as readonly Architecture[]

export type ImageName = 'control-plane' | 'worker' | 'worker-gpu'

export interface StageOptions {
  readonly image: ImageName
  readonly architecture: Architecture
  /** The checkout; the bundle is in its `dist/bundle`. */
  readonly root: string
  /** Packages that the bundle contains. */
  readonly bundled: ReadonlySet<string>
  readonly version: string
}

/** @returns the folder, made anew */
export async function stageImage({ image, architecture, root, bundled, version }: StageOptions): Promise<string> {
  const folder = join(root, 'dist', 'images', `${image}-${architecture}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'dist', 'bundle'), folder, { recursive: true })
  const program = { name: `mnemos-${image}`, version }
  let bill = await billOfMaterials(root, program, bundled)
  if (image !== 'control-plane') {
    await installEngine({ root, folder, architecture, cuda: image === 'worker-gpu' })
    bill = merged(bill, await billOfMaterials(folder, program, await installedIn(folder)))
  }
  await writeFile(join(folder, 'sbom.cdx.json'), bill)
  return folder
}

/** Installs node-llama-cpp for one architecture, with the prebuilt library of the wanted kind and no other. */
async function installEngine(options: { root: string; folder: string; architecture: Architecture; cuda: boolean }): Promise<void> {
  const { root, folder, architecture, cuda } = options
  const worker = JSON.parse(await readFile(join(root, 'worker', 'package.json'), 'utf8')) as { dependencies: Record<string, string> } // our own file
  const { overrides } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { overrides: Record<string, string> } // our own file
  const engine = 'node-llama-cpp'
  const wanted = cuda ? Object.fromEntries(Object.entries(overrides).filter(([name]) => !name.includes('linux-x64-cuda'))) : overrides
  const manifest = {
    name: 'mnemos-engine',
    version: '0.0.0',
    private: true,
    type: 'module',
    dependencies: { [engine]: worker.dependencies[engine] },
    overrides: wanted,
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2))
  const platform = ['--os=linux', '--libc=glibc', `--cpu=${npmNames[architecture]}`]
  await promisify(execFile)(
    'npm',
    ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...platform],
    { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
  )
  // npm installs a variant whatever --cpu says where a registry's listing leaves the field out.
  const variants = join(folder, 'node_modules', '@node-llama-cpp')
  const kept = `linux-${npmNames[architecture]}`
  const keeps = (name: string): boolean => name === kept || (cuda && name.startsWith(`${kept}-cuda`))
  for (const name of await readdir(variants)) if (!keeps(name)) await rm(join(variants, name), { recursive: true })
}

async function installedIn(folder: string): Promise<ReadonlySet<string>> {
  const names: string[] = []
  for (const name of await readdir(join(folder, 'node_modules'))) {
    if (name.startsWith('.')) continue
    if (name.startsWith('@')) names.push(...(await readdir(join(folder, 'node_modules', name))).map((each) => `${name}/${each}`))
    else names.push(name)
  }
  return new Set(names)
}

function merged(a: string, b: string): string {
  const [first, second] = [a, b].map((text) => JSON.parse(text) as { components: { 'bom-ref': string }[]; dependencies: object[] }) // written above
  if (first === undefined || second === undefined) return a
  const known = new Set(first.components.map((component) => component['bom-ref']))
  const components = [...first.components, ...second.components.filter((component) => !known.has(component['bom-ref']))]
  return `${JSON.stringify({ ...first, components, dependencies: [...first.dependencies, ...second.dependencies] }, undefined, 2)}\n`
}
