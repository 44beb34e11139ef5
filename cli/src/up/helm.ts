/** Helm as a program: found, asked, and run so that it can be stopped. Works with Helm 3 and 4. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

export interface HelmAccess {
  /** The program; `helm` on the PATH by default. */
  readonly program: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace: string
}

/** A release as `helm list` shows it. */
export interface Release {
  readonly name: string
  readonly namespace: string
  readonly revision: number
  readonly status: string
  readonly chart: string
}

/** How a run of Helm ended. */
export interface HelmEnd {
  readonly code: number | null
  /** The end of what it said. */
  readonly said: string
}

export interface Helm {
  /** E.g. v4.3.1; undefined when there is no such program. */
  version(): Promise<string | undefined>
  /** Releases of this name in any namespace, whatever their state. @throws with Helm's words */
  releases(name: string): Promise<readonly Release[]>
  /** The manifest that an installation would apply. @throws with Helm's words: a value that is wrong is named there */
  render(release: string, chart: string, values: readonly string[]): Promise<string>
  /** Runs a command to its end; never throws. */
  run(args: readonly string[], signal?: AbortSignal): Promise<HelmEnd>
}

export function helmOf({ program, kubeconfig, context, namespace }: HelmAccess): Helm {
  const access = [
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--kube-context', context]),
    ...['--namespace', namespace],
  ]
  const ask = async (args: readonly string[]): Promise<string> => {
    try {
      return (await promisify(execFile)(program, [...args, ...access], { maxBuffer: 64 * 1024 * 1024 })).stdout
    } catch (error) {
      throw new Error(saidBy(error), { cause: error })
    }
  }
  return {
    version: async () => {
      try {
        const { stdout } = await promisify(execFile)(program, ['version', '--template', '{{.Version}}'])
        return stdout.trim()
      } catch {
        return undefined
      }
    },
    releases: async (name) => {
      // Without --deployed and the like every state is listed, a failed or pending release too.
      const listed = await ask(['list', '--all-namespaces', '--filter', `^${name}$`, '--output', 'json'])
      const rows = JSON.parse(listed) as readonly (Omit<Release, 'revision'> & { revision: string })[] // Helm's own format
      return rows.map((row) => ({ ...row, revision: Number(row.revision) }))
    },
    render: (release, chart, values) => ask(['template', release, chart, '--no-hooks', ...values]),
    run: (args, signal) =>
      new Promise((resolve) => {
        const child = spawn(program, [...args, ...access], { stdio: ['ignore', 'pipe', 'pipe'] })
        let said = ''
        const hear = (chunk: Buffer): void => {
          said = (said + chunk.toString()).slice(-4096)
        }
        child.stdout.on('data', hear)
        child.stderr.on('data', hear)
        const stop = (): void => void child.kill('SIGTERM')
        signal?.addEventListener('abort', stop, { once: true })
        child.once('error', (error) => resolve({ code: null, said: error.message }))
        child.once('close', (code) => {
          signal?.removeEventListener('abort', stop)
          resolve({ code, said: said.trim() })
        })
      }),
  }
}

function saidBy(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string } // of execFile
  return (stderr ?? '').trim() === '' ? (message ?? 'helm failed') : (stderr ?? '').trim()
}
