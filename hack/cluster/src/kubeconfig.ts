/** Writes the kubeconfig of a test cluster. JSON is YAML, so no YAML library is needed. */
import { writeFile } from 'node:fs/promises'

/** @param access where the cluster is and who asks; `ca` is PEM */
export async function writeKubeconfig(path: string, access: { server: string; ca: string; token: string }): Promise<void> {
  const name = 'mnemos'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: access.server, 'certificate-authority-data': Buffer.from(access.ca).toString('base64') } }],
    users: [{ name, user: { token: access.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}
