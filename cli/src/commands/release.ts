/** `mnemos release prepare|cleanup`: what the chart's hooks run inside the cluster. */
import { createClient, inClusterCredentials, systemClock } from '@mnemos/kube'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { loadKubeconfig } from '../kubeconfig.ts'
import { cleanUpRelease, prepareRelease } from '../release/release.ts'

const steps = { prepare: prepareRelease, cleanup: cleanUpRelease } as const
export type ReleaseStep = keyof typeof steps

/** @throws KubeError of the first thing that was refused */
export async function release({ config, globals, signal, terminal }: Invocation, step: ReleaseStep): Promise<ExitCode> {
  const inPod = globals.kubeconfig === undefined && config.environment['KUBERNETES_SERVICE_HOST'] !== undefined
  const credentials = inPod ? inClusterCredentials(config.environment) : (await loadKubeconfig(globals)).credentials
  const client = createClient({ credentials, userAgent: `mnemos-release-${step}`, connections: 2 })
  try {
    const namespace = config.environment['MNEMOS_SYSTEM_NAMESPACE'] ?? 'mnemos-system'
    await steps[step]({ client, clock: systemClock, namespace, signal, say: (line) => terminal.write(`${line}\n`) })
    return exitCodes.ok
  } finally {
    await client.close()
  }
}
