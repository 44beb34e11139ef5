/**
 * What must hold before anything is changed: everything that does not is told at once, each with the next step.
 *
 * `findPrerequisites` reads, `judgePrerequisites` decides.
 */
import { type Client, KubeError, resource } from '@mnemos/kube'
import { parseAllDocuments } from 'yaml'
import type { Helm, Release } from './helm.ts'

/** The oldest Kubernetes whose API server enforces our rules (CEL with oldSelf, selectable fields). */
export const oldestMinor = 32

export interface Prerequisites {
  readonly helm: string | undefined
  /** Of the API server, e.g. v1.36.3; undefined when it does not answer, and then why. */
  readonly kubernetes: string | undefined
  readonly unreachable?: string
  readonly releases: readonly Release[]
  readonly namespace: string
  /** What the caller may not do, as `verb resource`. */
  readonly forbidden: readonly string[]
  /** Why the chart cannot be rendered with these values. */
  readonly unrenderable?: string
  /** Secrets that the pods name and nobody makes. */
  readonly missingSecrets: readonly MissingSecret[]
  /** Whether any node takes pods. */
  readonly hasNode: boolean
  /** Whose our kinds are that the release would bring, if they are there and not the release's: `nobody's` or a release. */
  readonly kindsOf?: string
}

export interface MissingSecret {
  readonly name: string
  /** Keys that are not in it; none: it does not exist. */
  readonly keys: readonly string[]
}

/** One sentence and the next step, for each thing that does not hold. */
export interface Lack {
  readonly what: string
  readonly next: string
}

export function judgePrerequisites(found: Prerequisites): readonly Lack[] {
  const { helm, kubernetes, namespace, releases, forbidden, hasNode } = found
  const elsewhere = releases.find((release) => release.namespace !== namespace)
  const lacks: (Lack | false)[] = [
    helm === undefined && { what: 'there is no program helm', next: 'install Helm 3.14 or newer, or name it with --helm PATH' },
    helm !== undefined && !/^v[34]\./.test(helm) && { what: `helm is ${helm}`, next: 'install Helm 3.14 or newer' },
    kubernetes === undefined && {
      what: `the cluster does not answer: ${found.unreachable ?? 'no answer'}`,
      next: 'check --kubeconfig and --context: kubectl version',
    },
    kubernetes !== undefined &&
      minorOf(kubernetes) < oldestMinor && {
        what: `the cluster is Kubernetes ${kubernetes}; MNEMOS needs 1.${oldestMinor} or newer`,
        next: 'upgrade the cluster',
      },
    elsewhere !== undefined && {
      what: `MNEMOS is installed already, in namespace ${elsewhere.namespace}; there can be one in a cluster`,
      next: `upgrade that one: mnemos up --namespace ${elsewhere.namespace}`,
    },
    forbidden.length > 0 && {
      what: `you may not ${forbidden.join(', ')}`,
      next: 'use the account of a cluster administrator: --context',
    },
    kubernetes !== undefined &&
      !hasNode && { what: 'no node of the cluster takes pods', next: 'add a node, or uncordon one: kubectl get nodes' },
    found.kindsOf !== undefined && {
      what: `the kinds of MNEMOS are there already and belong to ${found.kindsOf}; Helm takes nothing over unasked`,
      next: 'leave them to whoever made them: --set crds.enabled=false; or remove them, and every object of theirs with them',
    },
    found.unrenderable !== undefined && {
      what: `the chart refuses these values: ${found.unrenderable}`,
      next: 'correct them: charts/mnemos/README.md lists every value',
    },
    ...found.missingSecrets.map(({ name, keys }) =>
      keys.length === 0
        ? {
            what: `Secret ${name} does not exist in namespace ${namespace}`,
            next: `kubectl --namespace ${namespace} create secret generic ${name} --from-literal=KEY=VALUE`,
          }
        : {
            what: `Secret ${name} of namespace ${namespace} lacks ${keys.join(', ')}`,
            next: `add the key, or name another one in the values`,
          },
    ),
  ]
  return lacks.filter((lack) => lack !== false)
}

function minorOf(version: string): number {
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version) ?? []
  return major === '1' ? Number(minor) : 0
}

const secrets = resource<{ apiVersion: string; kind: string; metadata: { name: string }; data?: Readonly<Record<string, string>> }>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
})
const nodes = resource<{ apiVersion: string; kind: string; metadata: { name: string }; spec?: { unschedulable?: boolean } }>({
  group: '',
  version: 'v1',
  plural: 'nodes',
  kind: 'Node',
  namespaced: false,
})

/** What only a cluster administrator may do, and an installation does. */
const needs = [
  { verb: 'create', group: '', resource: 'namespaces' },
  { verb: 'create', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
  { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
  { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
] as const

export interface PrerequisiteSources {
  readonly client: Client
  readonly helm: Helm
  readonly namespace: string
  readonly release: string
  readonly chart: string
  /** Flags of Helm that carry the values. */
  readonly values: readonly string[]
  /** Secrets that the release or its processes make. */
  readonly ownSecrets: ReadonlySet<string>
}

/** Looks at everything, and goes on past what cannot be asked. */
export async function findPrerequisites(sources: PrerequisiteSources): Promise<Prerequisites & { readonly manifest: string }> {
  const { client, helm, namespace, release, chart, values } = sources
  const version = await helm.version()
  const asked = await client.request<{ gitVersion: string }>('GET', '/version').then(
    ({ gitVersion }) => ({ kubernetes: gitVersion }),
    (error: unknown) => ({ kubernetes: undefined, unreachable: error instanceof Error ? reasonOf(error) : String(error) }),
  )
  const rendered =
    version === undefined
      ? { manifest: '' }
      : await helm.render(release, chart, values).then(
          (manifest) => ({ manifest }),
          (error: unknown) => ({ manifest: '', unrenderable: error instanceof Error ? error.message : String(error) }),
        )
  const isThere = asked.kubernetes !== undefined
  return {
    ...asked,
    ...rendered,
    helm: version,
    namespace,
    releases: isThere && version !== undefined ? await helm.releases(release) : [],
    forbidden: isThere ? await forbiddenOf(client) : [],
    hasNode: isThere && (await client.list(nodes)).items.some(({ spec }) => spec?.unschedulable !== true),
    missingSecrets: isThere ? await missingSecretsOf(sources, rendered.manifest) : [],
    ...(isThere ? await foreignKinds(sources, rendered.manifest) : {}),
  }
}

const definitions = resource<{
  apiVersion: string
  kind: string
  metadata: { name: string; annotations?: Readonly<Record<string, string>> }
}>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

/** Helm refuses what is there without its marks, and says it in words that help nobody. */
async function foreignKinds(
  { client, namespace, release }: PrerequisiteSources,
  manifest: string,
): Promise<Pick<Prerequisites, 'kindsOf'>> {
  const names = [...manifest.matchAll(/^ {2}name: (\S+\.mnemos\.dev)$/gm)].map(([, name]) => name)
  for (const { metadata } of (await client.list(definitions)).items) {
    if (!names.includes(metadata.name)) continue
    const owner = metadata.annotations?.['meta.helm.sh/release-name']
    const home = metadata.annotations?.['meta.helm.sh/release-namespace']
    if (owner === undefined) return { kindsOf: 'no release (kubectl apply?)' }
    if (owner !== release || home !== namespace) return { kindsOf: `release ${owner} of namespace ${home ?? ''}` }
  }
  return {}
}

function reasonOf(error: Error): string {
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}

async function forbiddenOf(client: Client): Promise<readonly string[]> {
  const reviews = resource<{ apiVersion: string; kind: string; metadata: { name: string }; status?: { allowed?: boolean } }>({
    group: 'authorization.k8s.io',
    version: 'v1',
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    namespaced: false,
  })
  const answers = await Promise.all(
    needs.map(async (resourceAttributes) => {
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        metadata: { name: '' },
        spec: { resourceAttributes },
      }
      const { status } = await client.create(reviews, review)
      return status?.allowed === true ? undefined : `${resourceAttributes.verb} ${resourceAttributes.resource}`
    }),
  )
  return answers.filter((answer) => answer !== undefined)
}

/** The Secrets, with keys, that the pods of a manifest need before they can start. */
export function secretsNeeded(manifest: string): ReadonlyMap<string, ReadonlySet<string>> {
  const needed = new Map<string, Set<string>>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('secretKeyRef' in value) {
      const { name, key, optional } = value.secretKeyRef as { name: string; key: string; optional?: boolean } // a field of Kubernetes
      if (optional !== true) needed.set(name, (needed.get(name) ?? new Set()).add(key))
    }
    if ('secretName' in value && typeof value.secretName === 'string')
      needed.set(value.secretName, needed.get(value.secretName) ?? new Set())
    for (const member of Object.values(value)) walk(member)
  }
  for (const document of parseAllDocuments(manifest)) walk(document.toJS())
  return needed
}

async function missingSecretsOf(
  { client, namespace, ownSecrets }: PrerequisiteSources,
  manifest: string,
): Promise<readonly MissingSecret[]> {
  const missing: MissingSecret[] = []
  for (const [name, keys] of secretsNeeded(manifest)) {
    if (ownSecrets.has(name)) continue
    try {
      const secret = await client.get(secrets, { namespace, name })
      const absent = [...keys].filter((key) => secret?.data?.[key] === undefined)
      if (secret === undefined) missing.push({ name, keys: [] })
      else if (absent.length > 0) missing.push({ name, keys: absent })
    } catch (error) {
      // Who may not read Secrets is told so by `forbidden`, or installs for somebody who has made them.
      if (!(error instanceof KubeError)) throw error
    }
  }
  return missing
}
