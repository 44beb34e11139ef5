/**
 * `mnemos up`: installs or upgrades MNEMOS in the cluster of the current context, and says at each point how far it is.
 *
 * Flow: prerequisites → secrets, processes and kinds by Helm → health → first model → summary. Ends with codes of its own
 * (`upExitCodes`), because scripts that install want to know how far it came.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, systemClock } from '@mnemos/kube'
import { CliError, describeError, errorLines } from '../errors.ts'
import type { ExitCode } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { loadKubeconfig } from '../kubeconfig.ts'
import { made, tryOutSecret } from '../release/objects.ts'
import type { Terminal } from '../terminal.ts'
import { firstModel } from '../up/first-model.ts'
import { healthChecks } from '../up/health.ts'
import { helmOf } from '../up/helm.ts'
import { type InstallPlan, type InstallPorts, install } from '../up/install.ts'
import { findPrerequisites, judgePrerequisites } from '../up/prerequisites.ts'

export interface UpFlags {
  readonly chart?: string
  readonly helm: string
  readonly set: readonly string[]
  readonly values: readonly string[]
  readonly timeout: number
  readonly model?: string
  readonly modelName: string
  readonly dryRun: boolean
  readonly verbose: boolean
}

/** How far it came. */
export const upExitCodes = { ok: 0, prerequisites: 1, startFailed: 2, unhealthy: 3 } as const satisfies Record<string, ExitCode>

const release = 'mnemos'
/** How long parts that have just started may take to find one another. */
const healthySeconds = 60

export async function up({ globals, terminal, signal }: Invocation, flags: UpFlags): Promise<ExitCode> {
  const namespace = globals.namespace ?? 'mnemos-system'
  const access = await loadKubeconfig(globals).catch((error: unknown) => error)
  if (access instanceof Error) return end(terminal, upExitCodes.prerequisites, access)
  const { credentials, context } = access as Awaited<ReturnType<typeof loadKubeconfig>> // no error, see above
  const client = createClient({ credentials, userAgent: 'mnemos-up', connections: 4 })
  try {
    const helm = helmOf({
      ...{ program: flags.helm, namespace },
      ...(globals.kubeconfig === undefined ? {} : { kubeconfig: globals.kubeconfig }),
      ...(globals.context === undefined ? {} : { context: globals.context }),
    })
    const values = [...flags.values.flatMap((file) => ['--values', file]), ...flags.set.flatMap((value) => ['--set', value])]
    const chart = flags.chart ?? ownChart()
    terminal.say(`MNEMOS in namespace ${namespace} of context ${context}`)

    const step = steps(terminal, flags.verbose)
    const ownSecrets = new Set<string>([tryOutSecret, ...made.flatMap(({ names }) => [...names])])
    const found = await step('prerequisites', () => findPrerequisites({ client, helm, namespace, release, chart, values, ownSecrets }))
    const lacks = judgePrerequisites(found)
    if (lacks.length > 0) {
      for (const { what, next } of lacks) terminal.say(`  ✖ ${what}\n    next: ${next}`)
      return upExitCodes.prerequisites
    }
    step.note(`helm ${found.helm ?? ''}, Kubernetes ${found.kubernetes ?? ''}`)
    const deployed = found.releases.find(({ status }) => status === 'deployed')
    if (flags.dryRun) {
      terminal.say(
        `  would ${deployed === undefined ? 'install' : `upgrade revision ${deployed.revision}`}: ${countOf(found.manifest)} from ${chart}`,
      )
      terminal.say('Nothing was changed.')
      return upExitCodes.ok
    }

    // Pod Security knows no exception for a port: who shares the node's network is let in by the widest level alone.
    const podSecurity = /^ *hostNetwork: true$/m.test(found.manifest) ? 'privileged' : 'restricted'
    const plan: InstallPlan = {
      release,
      chart,
      namespace,
      values,
      podSecurity,
      timeoutSeconds: flags.timeout,
      revision: deployed?.revision,
    }
    const ports: InstallPorts = {
      ...{ client, helm, clock: systemClock, signal },
      progress: (line) => terminal.status(`  … ${line}`, { lasting: flags.verbose }),
      say: (line) => terminal.say(`  ${line}`),
    }
    const failure = await step(deployed === undefined ? 'install' : 'upgrade', () => install(plan, ports))
    if (failure !== undefined)
      return end(terminal, upExitCodes.startFailed, new CliError(failure.why, { code: 'MNEMOS_UP_FAILED', hint: failure.next }))

    for (const { title, look } of healthChecks) {
      const sick = await step(title, () => untilWell(() => look(client, namespace), signal))
      if (sick !== undefined)
        return end(
          terminal,
          upExitCodes.unhealthy,
          new CliError(sick, { code: 'MNEMOS_UP_UNHEALTHY', hint: `kubectl --namespace ${namespace} get pods` }),
        )
    }
    if (flags.model !== undefined) {
      const uri = flags.model
      const told = (line: string): void => terminal.status(`  … ${line}`, { lasting: flags.verbose })
      const failed = await step('model', () =>
        firstModel({ client, clock: systemClock, signal, told }, { name: flags.modelName, uri, timeoutSeconds: flags.timeout }),
      )
      if (failed !== undefined)
        return end(
          terminal,
          upExitCodes.unhealthy,
          new CliError(failed, { code: 'MNEMOS_UP_MODEL', hint: `kubectl describe mnmodel ${flags.modelName}` }),
        )
    }
    summary(terminal, namespace, flags)
    return upExitCodes.ok
  } catch (error) {
    return end(terminal, upExitCodes.startFailed, error)
  } finally {
    await client.close()
  }
}

function end(terminal: Terminal, code: ExitCode, error: unknown): ExitCode {
  terminal.clearStatus()
  for (const line of errorLines(describeError(error))) terminal.say(line)
  return code
}

/** Runs a step and shows its time; the tick comes only when it did not say what is wrong. */
function steps(terminal: Terminal, verbose: boolean) {
  const run = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    const began = systemClock.monotonic()
    terminal.status(`  … ${title}`, { lasting: verbose })
    const value = await work()
    terminal.clearStatus()
    const isBad = (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null && 'why' in value)
    const seconds = ((systemClock.monotonic() - began) / 1000).toFixed(1)
    terminal.say(
      `  ${isBad ? terminal.paint('red', '✖') : terminal.paint('green', '✔')} ${title.padEnd(14)} ${terminal.paint('grey', `${seconds} s`)}`,
    )
    return value
  }
  return Object.assign(run, { note: (line: string): void => (verbose ? terminal.say(`    ${line}`) : undefined) })
}

async function untilWell(look: () => Promise<string | undefined>, signal: AbortSignal): Promise<string | undefined> {
  const deadline = systemClock.monotonic() + healthySeconds * 1000
  for (;;) {
    const sick = await look()
    if (sick === undefined || systemClock.monotonic() > deadline) return sick
    await systemClock.sleep(500, signal)
  }
}

/** The chart of this checkout; a program without one must be told. @throws CliError */
function ownChart(): string {
  const path = join(import.meta.dirname, '../../../charts/mnemos')
  if (existsSync(join(path, 'Chart.yaml'))) return path
  throw new CliError('this program carries no chart', { code: 'MNEMOS_NO_CHART', hint: 'name it: --chart PATH, or an oci:// reference' })
}

function countOf(manifest: string): string {
  return `${manifest.split('\n').filter((line) => line.startsWith('kind:')).length} objects`
}

function summary(terminal: Terminal, namespace: string, { model, modelName }: UpFlags): void {
  const next =
    model === undefined
      ? ['kubectl get mnemos --all-namespaces', 'kubectl explain mnemosworkerpools.spec', `mnemos up --model URI`]
      : [
          'kubectl get mnemos --all-namespaces',
          `mnemos jobs submit ${modelName} "Why is the sky blue?" --wait`,
          `kubectl get pods --namespace ${namespace}`,
        ]
  terminal.say('MNEMOS is up. Next:')
  for (const command of next) terminal.say(`  ${command}`)
}
