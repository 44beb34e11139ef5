/** Whether and where reviews are traced: the standard variables of OpenTelemetry. */
import { z } from 'zod'

const url = z.url({ protocol: /^https?$/ }).optional()

/** Descriptions are what `--help` prints. `OTEL_EXPORTER_OTLP_HEADERS` (it may hold a secret) and `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK itself. */
export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: url.describe('Base URL of an OpenTelemetry collector (OTLP over HTTP); absent: reviews are not traced.'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.describe('The whole URL for traces, instead of <base>/v1/traces.'),
  OTEL_SERVICE_NAME: z.string().min(1).default('mnemos-webhook').describe('Name of the service in traces.'),
  OTEL_TRACES_SAMPLER: z
    .enum(['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'])
    .default('parentbased_always_on')
    .describe('Which reviews are traced; parentbased_*: what the API server has decided counts, when it traces.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('Share of reviews for the samplers with a ratio.'),
} as const

type Settings = z.output<z.ZodObject<typeof traceSettings>>

export interface TraceConfig {
  /** Absent: nothing is traced. */
  readonly url?: string
  readonly serviceName: string
  readonly sampler: Settings['OTEL_TRACES_SAMPLER']
  /** From 0 to 1. */
  readonly ratio: number
}

export function traceConfig(settings: Settings): TraceConfig {
  const base = settings.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, '')
  const own = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base === undefined ? undefined : `${base}/v1/traces`)
  return {
    ...(own === undefined ? {} : { url: own }),
    serviceName: settings.OTEL_SERVICE_NAME,
    sampler: settings.OTEL_TRACES_SAMPLER,
    ratio: settings.OTEL_TRACES_SAMPLER_ARG,
  }
}
