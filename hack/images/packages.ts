/** Which packages of the registry a bundle is made of: read from esbuild's metafile, told as a CycloneDX bill of materials. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What `npm sbom` prints, as far as it is read here. */
interface Bill {
  readonly serialNumber?: string
  readonly metadata: { readonly timestamp?: string; readonly component: Readonly<Record<string, unknown>> }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly group?: string
  readonly version: string
}

/** Names of the packages whose files went into a bundle, e.g. `@grpc/grpc-js`. */
export function packagesOf(inputs: readonly string[]): ReadonlySet<string> {
  const names = inputs.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
  return new Set(names.filter((name) => name !== undefined))
}

/**
 * A CycloneDX bill of the packages that stand below `folder`, limited to `names`. The same packages give the same bytes:
 * times and random numbers of the tool are left out.
 */
export async function billOfMaterials(
  folder: string,
  program: { name: string; version: string },
  names: ReadonlySet<string>,
): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'], {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  })
  const { serialNumber: _serialNumber, ...bill } = JSON.parse(stdout) as Bill // the format of our own npm
  const components = bill.components.filter((component) => names.has(fullName(component)))
  const refs = new Set(components.map((component) => component['bom-ref']))
  const dependencies = bill.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }))
  const { timestamp: _timestamp, ...metadata } = bill.metadata
  const component = { 'bom-ref': `${program.name}@${program.version}`, type: 'application', ...program }
  return `${JSON.stringify({ ...bill, metadata: { ...metadata, component }, components, dependencies }, undefined, 2)}\n`
}

function fullName({ name, group }: Component): string {
  return group === undefined || name.startsWith('@') ? name : `${group}/${name}`
}
