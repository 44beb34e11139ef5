/** Whether an installation works, seen from outside: each check is a question that only a working part answers right. */
import { apiVersion, jobResource } from '@mnemos/api'
import { type Client, KubeError, leases, resource } from '@mnemos/kube'
import { registrationName, registrations } from '../release/objects.ts'

export interface HealthCheck {
  readonly title: string
  /** Undefined when it is well, else why not: one sentence. */
  readonly look: (client: Client, namespace: string) => Promise<string | undefined>
}

const definitions = resource<{
  apiVersion: string
  kind: string
  metadata: { name: string }
  status?: { conditions?: readonly { type: string; status: string }[] }
}>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

export const healthChecks: readonly HealthCheck[] = [
  {
    title: 'kinds',
    look: async (client) => {
      const found = await client.get(definitions, { name: 'mnemosjobs.mnemos.dev' })
      const isServed = found?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
      return isServed ? undefined : 'the CustomResourceDefinition mnemosjobs.mnemos.dev is not served'
    },
  },
  {
    title: 'operator',
    look: async (client, namespace) => {
      const lease = await client.get(leases, { namespace, name: 'mnemos-operator' })
      return (lease?.spec.holderIdentity ?? '') === '' ? `no operator holds the Lease ${namespace}/mnemos-operator` : undefined
    },
  },
  {
    title: 'webhook',
    look: async (client) => {
      for (const kind of registrations)
        if ((await client.get(kind, { name: registrationName })) === undefined) return `there is no ${kind.kind} ${registrationName}`
      return askWebhook(client)
    },
  },
  {
    title: 'server',
    look: async (client, namespace) => {
      try {
        await client.request('GET', `/api/v1/namespaces/${namespace}/services/https:mnemos-server:https/proxy/v1/health`)
        return undefined
      } catch (error) {
        return `the server does not answer: ${error instanceof Error ? error.message : String(error)}`
      }
    },
  },
]

/** A Job that only the webhook can judge: `requester` is taken from nobody. Nothing is stored by a dry run. */
async function askWebhook(client: Client): Promise<string | undefined> {
  const probe = {
    apiVersion,
    kind: 'Job',
    metadata: { name: 'mnemos-up-asks-the-webhook', namespace: 'default' },
    spec: { inference: { modelRef: { name: 'mnemos-up' }, prompt: 'x' } },
  }
  const path = `/apis/${apiVersion}/namespaces/default/${jobResource.plural}?dryRun=All`
  try {
    const answer = await client.request<{ metadata: { annotations?: Readonly<Record<string, string>> } }>('POST', path, { body: probe })
    return answer.metadata.annotations?.['mnemos.dev/requester'] === undefined ? 'it let a Job pass without naming who asked' : undefined
  } catch (error) {
    if (error instanceof KubeError) return `a Job that should be let in was refused: ${error.message}`
    throw error
  }
}
