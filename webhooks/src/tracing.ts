/**
 * Traces of reviews, for OpenTelemetry: one span a review, one for each part of it that waits for somebody else.
 *
 * Guarantees: without a collector's URL nothing is loaded and nothing made; a span never holds a review up, and a collector that is
 * away, slow or refuses costs spans and nothing else. A span says of what kind, where and how it ended; it holds no text that a user
 * wrote, but for the name of the namespace.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ReviewRequest } from '@mnemos/domain'
import type { Logger } from 'pino'
import type { TraceConfig } from './trace-settings.ts'

/** How a review ended. Without `request` it was no review. */
export interface TracedOutcome {
  readonly statusCode: number
  readonly uid?: string
  readonly dryRun?: boolean
  readonly request?: Pick<ReviewRequest, 'kind' | 'operation' | 'namespace'>
  readonly allowed?: boolean
  readonly findings?: number
  readonly violations?: number
  readonly warnings?: number
}

export interface ReviewTrace {
  /** Times a part that waits for somebody else. */
  part<T>(name: string, work: Promise<T>): Promise<T>
  end(outcome: TracedOutcome): void
}

export interface Tracing {
  begin(headers: IncomingHttpHeaders, stage: ReviewRequest['stage']): ReviewTrace
  /** Hands over what is left, for a second at most. Never throws. */
  close(): Promise<void>
}

const untraced: ReviewTrace = { part: (_name, work) => work, end: () => undefined }
/** Makes no spans. */
export const noTracing: Tracing = { begin: () => untraced, close: () => Promise.resolve() }

/** Most spans that wait to be exported; more are dropped. */
const maxQueued = 2048
const exportTimeoutMs = 5000
const closeMs = 1000
/** Longest text of an attribute: names of namespaces and kinds are shorter. */
const maxAttributeLength = 253

export async function openTracing({ url, serviceName, sampler, ratio }: TraceConfig, logger: Logger): Promise<Tracing> {
  if (url === undefined) return noTracing
  // 10 MB of memory that only those pay for who trace.
  const [api, core, sdk, resources, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  api.diag.setLogger(quietly(logger), api.DiagLogLevel.WARN)
  const byRatio = new sdk.TraceIdRatioBasedSampler(ratio)
  const samplers = { always_on: new sdk.AlwaysOnSampler(), always_off: new sdk.AlwaysOffSampler(), traceidratio: byRatio } as const
  const root = samplers[sampler.replace('parentbased_', '') as keyof typeof samplers]
  const batches = new sdk.BatchSpanProcessor({
    exporter: new exporter.OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs }),
    maxQueueSize: maxQueued,
    exportTimeoutMillis: exportTimeoutMs,
  })
  const provider = new sdk.TracerProvider({
    resource: resources
      .detectResources({ detectors: [resources.resourceAttributesEnvDetector] })
      .merge(resources.resourceFromAttributes({ 'service.name': serviceName, 'service.namespace': 'mnemos' })),
    sampler: sampler.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root }) : root,
    spanLimits: { attributeValueLengthLimit: maxAttributeLength },
    spanProcessors: [batches],
  })
  const tracer = provider.getTracer('@mnemos/webhooks')
  const propagator = new core.W3CTraceContextPropagator()
  return {
    begin: (headers, stage) => {
      const parent = propagator.extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter)
      const span = tracer.startSpan(`admission ${stage}`, { kind: api.SpanKind.SERVER, attributes: { 'admission.stage': stage } }, parent)
      const within = api.trace.setSpan(parent, span)
      return {
        part: async (name, work) => {
          const part = tracer.startSpan(name, { kind: api.SpanKind.INTERNAL }, within)
          try {
            return await work
          } catch (error) {
            // Its message may quote what was looked at.
            part.setStatus({ code: api.SpanStatusCode.ERROR })
            throw error
          } finally {
            part.end()
          }
        },
        end: (outcome) => {
          span.setAttributes(attributesOf(outcome))
          if (outcome.statusCode >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR })
          span.end()
        },
      }
    },
    close: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, closeMs).unref())
      await Promise.race([provider.shutdown(), late]).catch(() => undefined)
    },
  }
}

/** Names follow the semantic conventions where they have one. */
function attributesOf({ statusCode, uid, dryRun, request, allowed, findings, violations, warnings }: TracedOutcome) {
  return {
    'http.response.status_code': statusCode,
    'admission.uid': uid,
    'admission.dry_run': dryRun,
    'admission.kind': request?.kind,
    'admission.operation': request?.operation,
    'k8s.namespace.name': request?.namespace,
    'admission.allowed': allowed,
    'admission.findings': findings,
    'admission.violations': violations,
    'admission.warnings': warnings,
  }
}

/** A collector that is away would fill the log: each trouble is told once a minute. */
function quietly(logger: Logger) {
  const everyMs = 60_000
  let told = Number.NEGATIVE_INFINITY
  const tell = (): void => {
    if (performance.now() - told < everyMs) return
    told = performance.now()
    logger.warn('spans could not be handed to the collector; reviews go on without them')
  }
  const nothing = (): void => undefined
  return { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing }
}
