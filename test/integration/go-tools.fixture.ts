/** Programs of other projects that judge what we wrote, compiled once into the cache by the Go toolchain at a fixed version. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, cacheFolder } from '@mnemos/cluster'

export interface HealthVerdict {
  /** What kstatus says: InProgress, Current, Failed, Terminating. */
  readonly kstatus: string
  /** What Argo CD shows: Healthy, Progressing, Degraded, Suspended. */
  readonly health: string
  readonly message: string
}

/** The verdicts of kstatus and of a health script, object by object. */
export async function healthVerdicts(lua: string, objects: readonly object[]): Promise<readonly HealthVerdict[]> {
  const ran = spawnSync(join(await judges(), 'health'), { input: JSON.stringify({ lua, objects }), encoding: 'utf8' })
  await succeeded(ran)
  return ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as HealthVerdict)
}

/** What a script makes of each object: the table that it returns, e.g. the object after an action. */
export async function luaReturns(lua: string, objects: readonly object[]): Promise<readonly Record<string, unknown>[]> {
  const ran = spawnSync(join(await judges(), 'health'), { input: JSON.stringify({ lua, objects, returns: true }), encoding: 'utf8' })
  await succeeded(ran)
  return ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** What Flux's own types say against a manifest; empty when they take it. */
export async function fluxObjection(manifest: string): Promise<string> {
  return spawnSync(join(await judges(), 'flux'), { input: manifest, encoding: 'utf8' }).stderr
}

/** The programs of hack/health. */
function judges(): Promise<string> {
  const source = 'hack/health'
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'main.go', 'flux/main.go']) hash.update(readFileSync(join(source, file)))
  return cached(cacheFolder(process.env), join('tools', `health-${hash.digest('hex').slice(0, 12)}`), (into) => {
    const args = ['build', '-trimpath', '-buildvcs=false', '-o', `${into}/`, '.', './flux']
    return succeeded(spawnSync('go', args, { cwd: source, encoding: 'utf8' }))
  })
}

/** The path of a program, installed from its module when it is absent. @param module path and version of its package */
export async function goTool(name: string, module: string): Promise<string> {
  const version = module.slice(module.lastIndexOf('@') + 1)
  const folder = await cached(cacheFolder(process.env), join('tools', `${name}-${version}`), (into) => {
    const env = { ...process.env, GOBIN: into, GOFLAGS: '-buildvcs=false' }
    return succeeded(spawnSync('go', ['install', '-trimpath', module], { env, encoding: 'utf8' }))
  })
  return join(folder, name)
}

/** @throws with what the program said, when it did not end well */
function succeeded({ status, stderr, error }: SpawnSyncReturns<string>): Promise<void> {
  return status === 0 ? Promise.resolve() : Promise.reject(new Error(`it ended with ${status}: ${stderr}`, { cause: error }))
}

/** The folder of a module's files, as its author published them. @param module path and version */
export async function goModule(module: string): Promise<string> {
  const ran = spawnSync('go', ['mod', 'download', '-json', module], { cwd: tmpdir(), encoding: 'utf8' })
  await succeeded(ran)
  return (JSON.parse(ran.stdout) as { Dir: string }).Dir // Go's own format
}
