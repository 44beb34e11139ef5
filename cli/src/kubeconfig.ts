/**
 * Credentials from a kubeconfig: files, inline data, exec plugins and OIDC, as kubectl reads them.
 *
 * Guarantees that a token is asked for anew before it runs out (the plugins cache by their own expiry), and that no
 * token is ever part of an error. Loads @kubernetes/client-node only when called: it costs a third of a second.
 */
import { readFileSync } from 'node:fs'
import type { Credentials } from '@mnemos/kube'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

export interface KubeconfigOptions {
  /** Path; otherwise $KUBECONFIG, ~/.kube/config, then the pod's service account. */
  readonly kubeconfig?: string
  readonly context?: string
}

export interface KubeAccess {
  readonly credentials: Credentials
  /** The namespace of the context; `default` when it names none. */
  readonly namespace: string
  readonly context: string
}

/** What the plugins of client-node fill in for one connection. */
interface Applied {
  cert?: string | Buffer
  key?: string | Buffer
  auth?: string
  headers?: Record<string, unknown>
}

/** @throws CliError when there is no usable context */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<KubeAccess> {
  // Not the package's root: the generated clients behind it take as long again to load.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
  const config = new KubeConfig()
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault()
    else config.loadFromFile(options.kubeconfig)
  } catch (cause) {
    throw unusable(`the kubeconfig ${options.kubeconfig ?? ''} cannot be read`, cause)
  }
  if (options.context !== undefined) {
    const known = config.getContexts().map(({ name }) => name)
    if (!known.includes(options.context)) throw unusable(`there is no context ${options.context}; known are ${known.join(', ') || 'none'}`)
    config.setCurrentContext(options.context)
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw unusable('the kubeconfig has no current context')
  const applied = await applyAuthentication(config)
  const ca = text(cluster.caFile === undefined ? decode(cluster.caData) : readFileSync(cluster.caFile))
  const cert = text(applied.cert)
  const key = text(applied.key)
  return {
    context: config.getCurrentContext(),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    credentials: {
      server: cluster.server,
      tls: {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
        ...(cluster.skipTLSVerify ? { insecure: true } : {}),
      },
      token: async () => bearerOf(await applyAuthentication(config)),
    },
  }
}

async function applyAuthentication(config: { applyToHTTPSOptions(options: object): Promise<void> }): Promise<Applied> {
  const applied: Applied = {}
  try {
    await config.applyToHTTPSOptions(applied)
  } catch (cause) {
    throw unusable('the credentials of the kubeconfig could not be had (exec plugin or OIDC)', cause)
  }
  return applied
}

function bearerOf(applied: Applied): string | undefined {
  const header = applied.headers?.['Authorization']
  return typeof header === 'string' && header.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined
}

const decode = (data: string | undefined): Buffer | undefined => (data === undefined ? undefined : Buffer.from(data, 'base64'))
const text = (data: string | Buffer | undefined): string | undefined => data?.toString()

function unusable(message: string, cause?: unknown): CliError {
  return new CliError(message, {
    code: 'MNEMOS_KUBECONFIG',
    hint: 'name another with --kubeconfig or --context, or start a cluster on this machine: mnemos dev',
    exitCode: exitCodes.denied,
    cause,
  })
}
