/** A webhook process on a test cluster, run inside the test, and the few things that its tests ask of kubectl. */
import assert from 'node:assert/strict'
import { eventually, type TestCluster } from '@mnemos/testkit'
import { parseWebhookConfig, runWebhook, type WebhookConfig } from '@mnemos/webhooks'
import { type Logger, pino } from 'pino'

export interface RunningWebhook {
  readonly port: number
  readonly healthPort: number
  /** As SIGTERM would; resolves when the last call is answered. */
  stop(): Promise<void>
}

export interface WebhookSurroundings {
  /** Called with its port before anybody calls it, e.g. to put it behind a balancer. */
  readonly reach?: (port: number) => void
  readonly logger?: Logger
}

/**
 * Starts a webhook and waits until the API server calls it.
 */
export async function startWebhook(
  cluster: TestCluster,
  overrides: Partial<WebhookConfig> = {},
  { reach, logger = pino({ level: process.env['MNEMOS_TEST_LOG'] ?? 'silent' }) }: WebhookSurroundings = {},
): Promise<RunningWebhook> {
  const stop = new AbortController()
  const config = parseWebhookConfig({}, { port: 0, healthPort: 0, drainMs: 0, ...overrides })
  let done: Promise<void> = Promise.resolve()
  const ports = await new Promise<{ port: number; healthPort: number }>((onListening, failed) => {
    done = runWebhook(config, { credentials: cluster.credentials(), signal: stop.signal, logger, onListening })
    done.catch(failed)
  })
  reach?.(ports.port)
  await eventually(async () => (await fetch(`http://127.0.0.1:${ports.healthPort}/readyz`)).ok, {
    timeoutMs: 60_000,
    message: 'the webhook is ready',
  })
  await eventually(
    async () => (await apply(cluster, jobYaml('probe', 'priority: hihg'), ['--dry-run=server'])).stderr.includes('did you mean'),
    {
      timeoutMs: 60_000,
      message: 'the API server calls the webhook',
    },
  )
  return {
    ...ports,
    stop: async () => {
      stop.abort()
      await done
    },
  }
}

export interface Printed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs kubectl and returns what it printed, whether it failed or not. */
export async function kubectl(cluster: TestCluster, args: readonly string[], input?: string): Promise<Printed> {
  try {
    return { code: 0, ...(await cluster.kubectlRun(args, input)) }
  } catch (error) {
    assert.ok(error instanceof Error && 'stderr' in error && 'stdout' in error && 'code' in error)
    return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) }
  }
}

export function apply(cluster: TestCluster, yaml: string, flags: readonly string[] = []): Promise<Printed> {
  return kubectl(cluster, ['apply', ...flags, '-f', '-'], yaml)
}

/** A Job that is right but for the lines added to its spec. */
export function jobYaml(name: string, ...specLines: readonly string[]): string {
  return `apiVersion: mnemos.dev/v1alpha1
kind: Job
metadata: {name: ${name}, namespace: default}
spec:
  inference: {modelRef: {name: smollm}, prompt: Say hello.}
${specLines.map((line) => `  ${line}\n`).join('')}`
}

export const modelYaml = `apiVersion: mnemos.dev/v1alpha1
kind: Model
metadata: {name: smollm, namespace: default}
spec:
  source: {uri: "file:///smollm.gguf", digest: "sha256:${'0'.repeat(64)}"}
`
