/**
 * Programs of other projects that judge manifests, each kept in the cache at a fixed version: kube-score and kubeconform by Go,
 * checkov by pip, promtool out of Debian's package. None is asked to fetch anything while it judges.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached, cacheFolder } from '@mnemos/cluster'
import { goTool } from './go-tools.fixture.ts'

const run = promisify(execFile)
const versions = { kubeScore: 'v1.20.0', kubeconform: 'v0.8.0', checkov: '3.3.30' } as const
const maxBuffer = 256 * 1024 * 1024

/** What a judge finds wrong with an object. */
export interface Finding {
  /** `<judge> <check>`, with what is missing where one check asks for several things. */
  readonly check: string
  /** Kind and name. */
  readonly object: string
}

/** Exit codes tell that something was found; what it was stands in the output. @throws when there is none */
async function outputOf(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  try {
    return (await run(program, args, { maxBuffer, env: { ...process.env, ...env } })).stdout
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string } // of execFile
    if (stdout === '') throw error
    return stdout
  }
}

async function withFile<T>(name: string, text: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-judged-'))
  try {
    await writeFile(join(folder, name), text)
    return await use(join(folder, name))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Scored {
  readonly object_name: string
  readonly type_meta: { readonly kind: string }
  readonly object_meta: { readonly name: string }
  readonly checks: readonly {
    readonly check: { readonly id: string }
    readonly grade: number
    readonly skipped: boolean
    readonly comments: readonly { readonly summary: string }[] | null
  }[]
}

/** What kube-score calls critical. @param kubernetes e.g. v1.36 */
export async function criticalOf(manifest: string, kubernetes: string): Promise<readonly Finding[]> {
  const program = await goTool('kube-score', `github.com/zegl/kube-score/cmd/kube-score@${versions.kubeScore}`)
  const args = ['score', '--output-format', 'json', '--kubernetes-version', kubernetes]
  const scored = await withFile('manifest.yaml', manifest, async (path) => JSON.parse(await outputOf(program, [...args, path])) as Scored[])
  return scored.flatMap(({ type_meta: { kind }, object_meta: { name }, checks }) =>
    checks
      .filter(({ grade, skipped }) => grade === 1 && !skipped)
      .flatMap(({ check: { id }, comments }) =>
        (comments ?? [{ summary: '' }]).map(({ summary }) => ({ check: `kube-score ${id}: ${summary}`, object: `${kind} ${name}` })),
      ),
  )
}

interface Checked {
  readonly results: {
    readonly failed_checks: readonly { readonly check_id: string; readonly check_name: string; readonly resource: string }[]
  }
  readonly summary: { readonly passed: number; readonly parsing_errors: number }
}

/** The checks of checkov that fail. @throws when it could not read the manifest, or checked nothing */
export async function failedChecksOf(manifest: string): Promise<readonly Finding[]> {
  const modules = await checkovModules()
  const args = ['-m', 'checkov.main', '--framework', 'kubernetes', '--compact', '--quiet', '--skip-download', '--output', 'json', '--file']
  // Nobody listens there: it fails when it asks anybody anything.
  const nowhere = 'http://127.0.0.1:1'
  const env = { PYTHONPATH: modules, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, LOG_LEVEL: 'ERROR' }
  const { results, summary } = await withFile(
    'manifest.yaml',
    manifest,
    async (path) => JSON.parse(await outputOf('python3', [...args, path], env)) as Checked,
  )
  if (summary.passed === 0 || summary.parsing_errors > 0) throw new Error(`checkov checked nothing: ${JSON.stringify(summary)}`)
  return results.failed_checks.map(({ check_id, check_name, resource }) => {
    const [kind = '', ...rest] = resource.split('.')
    return { check: `checkov ${check_id}: ${check_name}`, object: `${kind} ${rest.at(-1) ?? ''}` }
  })
}

async function checkovModules(): Promise<string> {
  return cached(cacheFolder(process.env), join('tools', `checkov-${versions.checkov}`), async (into) => {
    const quiet = ['--disable-pip-version-check', '--no-warn-script-location', '--quiet', '--only-binary=:all:']
    await run('python3', ['-m', 'pip', 'install', ...quiet, '--target', into, `checkov==${versions.checkov}`], { maxBuffer })
  })
}

interface Conformed {
  readonly resources: readonly { readonly kind: string; readonly name: string; readonly status: string; readonly msg: string }[]
  readonly summary: { readonly valid: number }
}

/** What kubeconform says against objects of a manifest. @param schemas folder of `<kind>-<group>-<version>.json` */
export async function schemaErrorsOf(
  manifest: string,
  schemas: string,
): Promise<{ readonly valid: number; readonly errors: readonly string[] }> {
  const program = await goTool('kubeconform', `github.com/yannh/kubeconform/cmd/kubeconform@${versions.kubeconform}`)
  const location = join(schemas, '{{.ResourceKind}}{{.KindSuffix}}.json')
  const args = ['-strict', '-summary', '-output', 'json', '-schema-location', location]
  const { resources, summary } = await withFile(
    'manifest.yaml',
    manifest,
    async (path) => JSON.parse(await outputOf(program, [...args, path])) as Conformed,
  )
  return { valid: summary.valid, errors: resources.map(({ kind, name, status, msg }) => `${kind} ${name}: ${status}: ${msg}`) }
}

/** What promtool says against a file of rules; empty when they are right. */
export async function ruleErrorsOf(rules: string): Promise<string> {
  const program = await promtool()
  return withFile('rules.yaml', rules, async (path) => {
    const { stdout, stderr, code } = await run(program, ['check', 'rules', path]).then(
      (said) => ({ ...said, code: 0 }),
      (error: unknown) => ({ ...(error as { stdout: string; stderr: string }), code: 1 }),
    )
    return code === 0 ? '' : `${stdout}${stderr}`
  })
}

/** Taken out of the package, which is not installed: it would start a server. */
async function promtool(): Promise<string> {
  const version = (await candidateOf('prometheus')) ?? (await updated(() => candidateOf('prometheus')))
  if (version === undefined) throw new Error('apt knows no package prometheus: this needs Debian or a relative of it')
  const folder = await cached(cacheFolder(process.env), join('tools', `promtool-${version.replaceAll(/[^\w.-]/g, '-')}`), async (into) => {
    const download = () => run('apt-get', ['download', `prometheus=${version}`], { cwd: into })
    await download().catch(() => updated(download))
    await run('sh', ['-c', 'dpkg-deb --fsys-tarfile *.deb | tar --extract --strip-components=3 ./usr/bin/promtool && rm *.deb'], {
      cwd: into,
    })
  })
  return join(folder, 'promtool')
}

async function candidateOf(name: string): Promise<string | undefined> {
  const { stdout } = await run('apt-cache', ['policy', name])
  return /Candidate: ([^\s(]\S*)/.exec(stdout)?.[1]
}

/** Lists of packages may be absent or old. @throws when they are and this process may not fetch them */
async function updated<T>(again: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) throw new Error('the lists of apt are absent or old; run `sudo apt-get update`')
  await run('apt-get', ['update', '-qq'])
  return again()
}
