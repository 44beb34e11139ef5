/** Runs the kubectl that belongs to a `mnemos dev`, and shows what a user would see. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { DevProcess } from './dev-process.ts'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** @param input what it reads from stdin, with `-f -` */
export async function kubectl(dev: DevProcess, args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(dev.record.kubectl, args, { cwd: dev.root, env: environment(dev), stdio: 'pipe' })
  child.stdin.end(input)
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    }),
  ])
  return { code, stdout, stderr }
}

/** Prints the command and its output. @throws when it fails */
export async function kubectlShown(dev: DevProcess, say: (line: string) => void, args: readonly string[]): Promise<void> {
  say(`   $ kubectl ${args.join(' ')}`)
  const ran = await kubectl(dev, args)
  for (const line of `${ran.stdout}${ran.stderr}`.trimEnd().split('\n')) say(`   ${line}`)
  if (ran.code !== 0) throw new Error(`kubectl ${args[0] ?? ''} ended with ${ran.code ?? 'no code'}`)
}

/** Tells each line of `kubectl get -w` until it is stopped. */
export function watchLines(dev: DevProcess, args: readonly string[], onLine: (line: string) => void): { stop(): void } {
  const child = spawn(dev.record.kubectl, ['get', '--watch', ...args], {
    cwd: dev.root,
    env: environment(dev),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  child.once('error', () => undefined)
  createInterface({ input: child.stdout }).on('line', onLine)
  return { stop: () => void child.kill() }
}

export function environment(dev: DevProcess): NodeJS.ProcessEnv {
  return { ...process.env, KUBECONFIG: dev.record.kubeconfig, MNEMOS_SERVER: dev.record.server }
}
