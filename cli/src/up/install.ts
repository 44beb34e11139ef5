/**
 * Installs or upgrades the release and watches its pods come up; takes everything back when they do not.
 *
 * Guarantees: what ended in an error leaves the cluster as it was found: a first installation is removed with its kinds and
 * its namespace if it made them, an upgrade goes back to the revision before.
 */
import { type Client, type Clock, type KubeObject, resource } from '@mnemos/kube'
import { cleanUpRelease } from '../release/release.ts'
import type { Helm } from './helm.ts'
import { progressOf, refusalOf, type SeenDeployment, type SeenPod, type Trouble, troubleOf } from './rollout.ts'

export interface InstallPlan {
  readonly release: string
  readonly chart: string
  readonly namespace: string
  readonly values: readonly string[]
  readonly timeoutSeconds: number
  /** What Pod Security lets into the namespace, if it is made. */
  readonly podSecurity: 'restricted' | 'privileged'
  /** The revision that is deployed now; undefined for a first installation. */
  readonly revision: number | undefined
}

export interface InstallPorts {
  readonly client: Client
  readonly helm: Helm
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Shows how far it is; often. */
  readonly progress: (line: string) => void
  readonly say: (line: string) => void
}

/** Why it did not come up. */
export interface InstallFailure {
  readonly why: string
  readonly next: string
}

const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })
const pods = resource<SeenPod & KubeObject>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
const made = resource<SeenDeployment & KubeObject>({
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
})
const definitions = resource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})
const ours = 'app.kubernetes.io/name=mnemos'
/** Trouble that lasts this long does not go away by itself: an image that is being pulled may fail once. */
const patienceMs = 20_000

/** @returns undefined when everything runs; otherwise why not, after it was taken back */
export async function install(plan: InstallPlan, ports: InstallPorts): Promise<InstallFailure | undefined> {
  const { client } = ports
  const hadNamespace = (await client.get(namespaces, { name: plan.namespace })) !== undefined
  const hadKinds = (await client.list(definitions, { labelSelector: ours })).items.length > 0
  if (!hadNamespace) await makeNamespace(client, plan)
  const failure = await runHelm(plan, ports)
  if (failure === undefined) return undefined
  await takeBack(plan, ports, { hadNamespace, hadKinds })
  return failure
}

/** Our pods keep to `restricted`, unless the values ask for the network of the node, and nothing else belongs there. */
async function makeNamespace(client: Client, { namespace: name, podSecurity }: InstallPlan): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': podSecurity, 'app.kubernetes.io/part-of': 'mnemos' }
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
}

async function runHelm(plan: InstallPlan, ports: InstallPorts): Promise<InstallFailure | undefined> {
  const { release, chart, namespace, values, timeoutSeconds } = plan
  const stop = new AbortController()
  const running = ports.helm.run(
    ['upgrade', '--install', release, chart, ...values, '--wait', '--timeout', `${timeoutSeconds}s`],
    AbortSignal.any([stop.signal, ports.signal]),
  )
  const watch = { isOver: false }
  void running.then(() => {
    watch.isOver = true
  })
  let lasting: { trouble: Trouble; since: number } | undefined
  while (!watch.isOver && !ports.signal.aborted) {
    const seen = (await ports.client.list(pods, { namespace, labelSelector: ours })).items
    ports.progress(progressOf(seen))
    const trouble = troubleOf(seen) ?? refusalOf((await ports.client.list(made, { namespace, labelSelector: ours })).items)
    lasting = trouble === undefined ? undefined : { trouble, since: lasting?.since ?? ports.clock.monotonic() }
    if (lasting !== undefined && ports.clock.monotonic() - lasting.since > patienceMs) stop.abort()
    await Promise.race([running, ports.clock.sleep(500)])
  }
  const { code, said } = await running
  if (ports.signal.aborted) return { why: 'it was interrupted', next: 'run it again' }
  if (code === 0) return undefined
  if (lasting === undefined) return { why: said, next: `kubectl --namespace ${namespace} get events` }
  return { why: `Pod ${lasting.trouble.pod} does not start: ${lasting.trouble.what}`, next: lasting.trouble.next }
}

async function takeBack(plan: InstallPlan, ports: InstallPorts, before: { hadNamespace: boolean; hadKinds: boolean }): Promise<void> {
  const { client, clock, helm, say } = ports
  const { release, namespace, revision } = plan
  if (revision !== undefined) {
    say(`Going back to revision ${revision} …`)
    const { code, said } = await helm.run(['rollback', release, String(revision), '--wait', '--timeout', '120s'])
    say(code === 0 ? `Went back to revision ${revision}.` : `helm rollback failed: ${said}`)
    return
  }
  say('Taking the installation back …')
  // Without hooks: they need the very image that may be missing. What they do is done from here.
  const signal = AbortSignal.timeout(120_000)
  await cleanUpRelease({ client, clock, namespace, signal, say: () => undefined })
  await helm.run(['uninstall', release, '--no-hooks', '--wait', '--timeout', '60s'])
  if (!before.hadKinds)
    for (const { metadata } of (await client.list(definitions, { labelSelector: ours })).items)
      await client.delete(definitions, { name: metadata.name }, { ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) })
  if (!before.hadNamespace) await client.delete(namespaces, { name: namespace }, {})
  say('Took it back; nothing of it is left.')
}
