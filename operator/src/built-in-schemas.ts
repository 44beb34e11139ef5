/**
 * Makes the built-in Schemas, switched off, when they are not there.
 *
 * Guarantees: one that exists is left as it is, whoever made or changed it. Goes on trying until all are there or the signal;
 * never throws before it.
 */
import { builtInSchemas } from '@mnemos/domain'
import { type Client, type Clock, isAlreadyExists, type Logger, sleptThrough } from '@mnemos/kube'
import { fieldManager, schemas } from './resources.ts'

const firstRetryMs = 500
const longestRetryMs = 15_000

export interface BuiltInOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
}

/** Runs until everything is there, or the signal. */
export async function makeBuiltInSchemas({ client, clock, logger }: BuiltInOptions, signal: AbortSignal): Promise<void> {
  for (let delayMs = 0; await sleptThrough(clock, delayMs, signal); ) {
    try {
      for (const schema of builtInSchemas()) {
        // Most leaders find them made.
        if ((await client.get(schemas, { name: schema.metadata.name }, { signal })) !== undefined) continue
        await client.create(schemas, schema, { signal, fieldManager }).catch((error: unknown) => {
          if (!isAlreadyExists(error)) throw error
        })
      }
      return
    } catch (error) {
      // Most often the webhook does not serve yet.
      if (!signal.aborted) logger.info({ error: String(error) }, 'the built-in Schemas wait for the API server to take them')
      delayMs = Math.min(longestRetryMs, Math.max(firstRetryMs, 2 * delayMs))
    }
  }
}
