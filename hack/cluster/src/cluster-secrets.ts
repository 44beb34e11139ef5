/** The static tokens by which users are known to a test cluster's API server, and the keys of its service accounts. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterUser } from './cluster.ts'

/** Writes the static tokens and the service-account keys; what a folder already has is kept. */
export async function writeSecrets(folder: string, users: readonly ClusterUser[]): Promise<Map<string, string>> {
  const tokens = new Map<string, string>()
  const file = join(folder, 'tokens.csv')
  const known = await readFile(file, 'utf8').catch(() => '')
  for (const line of known.split('\n')) {
    const [token = '', user = ''] = line.split(',')
    if (user !== '') tokens.set(user, token)
  }
  const rows = [{ name: 'admin', groups: ['system:masters'] }, ...users].map(({ name, groups }) => {
    const token = tokens.get(name) ?? randomBytes(24).toString('hex')
    tokens.set(name, token)
    return `${token},${name},${name}${groups.length === 0 ? '' : `,"${groups.join(',')}"`}`
  })
  await writeFile(file, `${rows.join('\n')}\n`, { mode: 0o600 })
  const key = join(folder, 'service-account.key')
  if ((await readFile(key, 'utf8').catch(() => '')) === '') {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await writeFile(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    await writeFile(join(folder, 'service-account.pub'), pair.publicKey.export({ type: 'spki', format: 'pem' }))
  }
  return tokens
}
