/** Who we are to the API server, and how we know that it is the right one. Kubeconfig files are read elsewhere. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Credentials {
  /** Base URL, e.g. https://10.0.0.1:443. */
  readonly server: string
  readonly tls: {
    /** PEM; the system's authorities when absent. */
    readonly ca?: string
    /** PEM of a client certificate and its key. */
    readonly cert?: string
    readonly key?: string
    readonly serverName?: string
    /** Do not check the server's certificate. For development only. */
    readonly insecure?: boolean
  }
  /** Called for each request, so that a rotated token is picked up; undefined sends none. */
  readonly token?: () => Promise<string | undefined>
}

const mount = '/var/run/secrets/kubernetes.io/serviceaccount'
const rereadMs = 60_000

/**
 * The credentials of the pod that this process runs in. The kubelet rotates the token's file; it is read again every minute.
 * @throws when this is no pod, or it has no service account token
 */
export function inClusterCredentials(env: Readonly<Record<string, string | undefined>>, folder = mount): Credentials {
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443'
  if (host === undefined) throw new Error('not in a pod: KUBERNETES_SERVICE_HOST is not set; give a kubeconfig instead')
  let token = readFileSync(join(folder, 'token'), 'utf8').trim()
  let readAt = performance.now()
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca: readFileSync(join(folder, 'ca.crt'), 'utf8') },
    token: async () => {
      if (performance.now() - readAt > rereadMs) {
        token = (await readFile(join(folder, 'token'), 'utf8')).trim()
        readAt = performance.now()
      }
      return token
    },
  }
}
