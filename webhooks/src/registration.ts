/**
 * What the API server is told about us: the Mutating- and the ValidatingWebhookConfiguration `mnemos`, by server-side apply.
 *
 * Guarantees: only our own API group is named, so no outage of ours can stop a Pod; only the system namespace is left out, by
 * the label that nobody can change; refused when we do not answer (`Fail`). Updates that change nothing we judge never need
 * us, so finalizers, status and deletion go on while we are down.
 */
import { group, kinds } from '@mnemos/api'
import { type Client, type KubeObject, type Resource, resource } from '@mnemos/kube'

export const configurationName = 'mnemos'
const fieldManager = 'mnemos-webhook'

const configurationResource = (kind: string, plural: string): Resource =>
  resource({ group: 'admissionregistration.k8s.io', version: 'v1', plural, kind, namespaced: false })

const mutating = configurationResource('MutatingWebhookConfiguration', 'mutatingwebhookconfigurations')
const validating = configurationResource('ValidatingWebhookConfiguration', 'validatingwebhookconfigurations')

/** Both resources, for those who watch them. */
export const configurationResources: readonly Resource[] = [mutating, validating]

/** How an API server reaches us: a URL (development) or a Service (in the cluster). */
export type Reachable =
  | { readonly url: string }
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port: number } }

export interface Registration {
  readonly reach: Reachable
  /** PEM of every authority that callers must trust. */
  readonly bundle: string
  readonly systemNamespace: string
  readonly timeoutSeconds: number
}

const requester = (object: string): string => `${object}.metadata.?annotations[?'mnemos.dev/requester'].orValue('')`

/** Whether the request changes anything that we judge or guard; the API server decides it without calling us. */
const reviewedChange = [
  "request.operation != 'UPDATE'",
  `${requester('object')} != ${requester('oldObject')}`,
  // Policies choose by labels.
  '!has(object.metadata.deletionTimestamp) && (object.?spec != oldObject.?spec || object.metadata.?labels != oldObject.metadata.?labels)',
].join(' || ')

/** Both configurations, as they are applied. */
export function configurationsFor(registration: Registration): readonly KubeObject[] {
  const make = (kind: string, webhook: string, path: string, extra: object): KubeObject & { webhooks: readonly object[] } => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: configurationName },
    webhooks: [{ name: `${webhook}.${group}`, clientConfig: clientConfigFor(registration, path), ...shared(registration), ...extra }],
  })
  return [make(mutating.kind, 'mutate', '/mutate', { reinvocationPolicy: 'IfNeeded' }), make(validating.kind, 'validate', '/validate', {})]
}

/** Applies both; a configuration that is as wanted already is not written. Returns their resourceVersions. */
export async function register(client: Client, registration: Registration, signal: AbortSignal): Promise<readonly string[]> {
  const versions: string[] = []
  for (const object of configurationsFor(registration)) {
    const target = object.kind === mutating.kind ? mutating : validating
    const applied = await client.apply(target, object, { fieldManager, force: true, signal })
    versions.push(applied.metadata.resourceVersion ?? '')
  }
  return versions
}

/** PEM of the authorities that are registered now; empty when there is no registration. */
export async function registeredBundle(client: Pick<Client, 'list'>, signal: AbortSignal): Promise<string> {
  // A list of one: that is a right the webhook has anyway.
  const { items } = await client.list<StoredConfiguration>(mutating, {
    fieldSelector: `metadata.name=${configurationName}`,
    signal,
  })
  return Buffer.from(items[0]?.webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString()
}

interface StoredConfiguration extends KubeObject {
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[]
}

function clientConfigFor({ reach, bundle }: Registration, path: string): object {
  const caBundle = Buffer.from(bundle).toString('base64')
  return 'url' in reach ? { url: `${reach.url}${path}`, caBundle } : { service: { ...reach.service, path }, caBundle }
}

function shared({ systemNamespace, timeoutSeconds }: Registration): object {
  return {
    admissionReviewVersions: ['v1'],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    sideEffects: 'NoneOnDryRun',
    timeoutSeconds,
    objectSelector: {},
    namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [systemNamespace] }] },
    matchConditions: [{ name: 'changes-what-is-reviewed', expression: reviewedChange }],
    rules: [
      {
        apiGroups: [group],
        apiVersions: ['*'],
        operations: ['CREATE', 'UPDATE'],
        resources: kinds.map((definition) => definition.plural),
        scope: '*',
      },
    ],
  }
}
