/** The certificates of a node's cluster, by openssl: one authority that lives as long as the node, and a leaf per server. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiServiceAddress, clusterDomain, hostAddress, nodeAddress, nodeName } from './addresses.ts'
import { run } from './run.ts'

const days = '30'

interface Leaf {
  /** Also the file's name: `<name>.crt`, `<name>.key`. */
  readonly name: string
  readonly subject: string
  readonly usage: 'serverAuth' | 'clientAuth'
  readonly names: readonly string[]
}

const leaves: readonly Leaf[] = [
  {
    name: 'apiserver',
    subject: '/CN=kube-apiserver',
    usage: 'serverAuth',
    names: [
      ...['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${clusterDomain}`].map(
        (name) => `DNS:${name}`,
      ),
      ...['127.0.0.1', nodeAddress, apiServiceAddress].map((address) => `IP:${address}`),
    ],
  },
  {
    name: 'kubelet',
    subject: `/O=system:nodes/CN=system:node:${nodeName}`,
    usage: 'serverAuth',
    names: [`DNS:${nodeName}`, `IP:${nodeAddress}`],
  },
  // The API server as the kubelet's client: logs, exec, port-forward.
  {
    name: 'kubelet-client',
    subject: '/O=system:masters/CN=kube-apiserver-kubelet-client',
    usage: 'clientAuth',
    names: [`IP:${hostAddress}`],
  },
]

/** Writes the authority (`ca.crt`) and the leaves into a folder. Returns the authority's certificate as PEM. */
export async function writeCertificates(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const at = (file: string): string => join(folder, file)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = ['-x509', '-subj', '/CN=mnemos-node', '-days', days, '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  await run('openssl', ['req', ...key, ...authority, '-keyout', at('ca.key'), '-out', at('ca.crt')])
  for (const { name, subject, usage, names } of leaves) {
    await run('openssl', ['req', ...key, '-subj', subject, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)])
    await writeFile(at(`${name}.ext`), `extendedKeyUsage=${usage}\nsubjectAltName=${names.join(',')}\n`)
    const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', days, '-extfile', at(`${name}.ext`)]
    await run('openssl', ['x509', '-req', '-in', at(`${name}.csr`), ...signer, '-out', at(`${name}.crt`)])
  }
  return readFile(at('ca.crt'), 'utf8')
}
