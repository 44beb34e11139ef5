/** Compares the checksum in a Job's status with the bytes that are really there: inline, and stored. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { DevProcess } from './dev-process.ts'
import { kubectl } from './kubectl.ts'

interface Result {
  readonly uri: string
  readonly sha256: string
  readonly inline?: string
}

/**
 * Fetches the stored object through the server, hashes it, and hashes the inline copy.
 * @returns lines that show the comparison
 * @throws when any of the three differ
 */
export async function verifyResult(dev: DevProcess, name: string): Promise<readonly string[]> {
  const shown = await kubectl(dev, ['get', 'mnjob', name, '-o', 'json'])
  const job = JSON.parse(shown.stdout) as { status?: { result?: Result } } // as the API server printed it
  const result = job.status?.result
  if (result?.inline === undefined) throw new Error(`the Job ${name} has no inline result`)
  const stored = await fetchResult(dev, name)
  const sums = { status: result.sha256, inline: sha256(Buffer.from(result.inline)), stored: sha256(stored) }
  if (sums.inline !== sums.status || sums.stored !== sums.status) throw new Error(`the checksums differ: ${JSON.stringify(sums)}`)
  return [
    `status.result.uri      ${result.uri}`,
    `status.result.sha256   ${sums.status}`,
    `sha256(status inline)  ${sums.inline}`,
    `sha256(stored object)  ${sums.stored}  ✔ equal (${stored.length} bytes)`,
  ]
}

/** The stored object, as any user of the namespace gets it. */
export async function fetchResult(dev: DevProcess, name: string): Promise<Buffer> {
  const config = JSON.parse(await readFile(dev.record.kubeconfig, 'utf8')) as { users: readonly [{ user: { token: string } }] } // hack/cluster wrote it
  const headers = { authorization: `Bearer ${config.users[0].user.token}` }
  const response = await fetch(`${dev.record.server}/v1/jobs/${name}/result?namespace=default`, { headers })
  if (!response.ok) throw new Error(`the server answered ${response.status} for the result of ${name}: ${await response.text()}`)
  return Buffer.from(await response.arrayBuffer())
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
