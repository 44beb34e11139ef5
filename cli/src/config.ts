/**
 * The only place where the CLI reads its environment. Flags win over the environment, the environment over defaults.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

const schema = z.object({
  KUBECONFIG: z.string().optional().describe('Path of the kubeconfig, when --kubeconfig is not given.'),
  MNEMOS_SERVER: z
    .union([z.literal(''), z.url()])
    .optional()
    .describe('URL of the MNEMOS server, when --server is not given.'),
  MNEMOS_CACHE: z.string().optional().describe('Where compiled programs and models are kept; default ~/.cache/mnemos.'),
  XDG_CACHE_HOME: z.string().optional().describe('Parent of the cache folder, when MNEMOS_CACHE is not set.'),
  NO_COLOR: z.string().optional().describe('Any value turns colours off.'),
})

export interface CliConfig {
  readonly server?: string
  readonly colour: boolean
  /** Compiled programs and downloaded models, kept between checkouts. */
  readonly cacheFolder: string
  /** All variables, for the child processes of `mnemos dev` and for the configuration of a process run by name. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** @throws ZodError when a variable has a value that it cannot have */
export function parseCliConfig(environment: Readonly<Record<string, string | undefined>> = process.env): CliConfig {
  const read = schema.parse(environment)
  return {
    colour: read.NO_COLOR === undefined || read.NO_COLOR === '',
    cacheFolder: read.MNEMOS_CACHE ?? join(read.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mnemos'),
    environment,
    ...(read.MNEMOS_SERVER === undefined || read.MNEMOS_SERVER === '' ? {} : { server: read.MNEMOS_SERVER }),
  }
}
