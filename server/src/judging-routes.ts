/** What people ask about rules: whether an object would be admitted, what a change of a schema breaks, what a policy says to cases. */
import { clusterPolicyResource, policyResource, schemaResource } from '@mnemos/api'
import {
  batchBody,
  type caseResults,
  casesBody,
  type compatibility,
  compatibilityBody,
  namespaceQuery,
  routes,
  type validationBatch,
} from '@mnemos/contract'
import { checkCompatibility, documentInForce, type PolicyCase, runCase, writtenWorld } from '@mnemos/domain'
import { type KubeObject, resource } from '@mnemos/kube'
import { findPii, redactPii } from '@mnemos/pii'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { atOnce } from './at-once.ts'
import type { Caller, Callers } from './callers.ts'
import { Refusal, refusalOf } from './refusal.ts'
import { idOf, readBody, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'
import { validate } from './validation.ts'

type Stored = KubeObject & { readonly spec?: unknown; readonly status?: unknown }
type BatchResult = z.output<typeof validationBatch>['results'][number]

const schemas = resource<Stored>(schemaResource)
/** Dry runs of one batch at the API server at once. */
const dryRunsAtOnce = 8
/** Share of the usual work of a comparison: the loop also serves streams. */
const effort = 0.2

export function registerJudgingRoutes(app: FastifyInstance, callers: Callers): void {
  const callerOf = (request: FastifyRequest): Promise<Caller> => callers.identify(request.headers.authorization)

  app.post(routes.validate.path, async (request) => {
    const { namespace } = readQuery(namespaceQuery, request)
    return validate(await callerOf(request), request.body, namespace)
  })
  app.post(routes.validateBatch.path, async (request) => {
    const { namespace } = readQuery(namespaceQuery, request)
    const caller = await callerOf(request)
    const { objects } = readBody(batchBody, request)
    return batch(caller, objects, namespace)
  })
  app.post(routes.checkCompatibility.path, async (request) => {
    const caller = await callerOf(request)
    return compared(caller, readBody(compatibilityBody, request))
  })
  for (const [route, kind] of [
    [routes.testPolicy, policyResource],
    [routes.testClusterPolicy, clusterPolicyResource],
  ] as const) {
    app.post(fastifyPath(route.path), async (request): Promise<z.output<typeof caseResults>> => {
      const { namespace } = readQuery(namespaceQuery, request)
      const caller = await callerOf(request)
      const { cases, objects } = readBody(casesBody, request)
      const name = idOf(request)
      const policy = await caller.client.get(resource<Stored>(kind), kind.namespaced ? { namespace, name } : { name })
      if (policy === undefined)
        throw new Refusal('MNEMOS_NOT_FOUND', `There is no ${kind.kind} ${name}${kind.namespaced ? ` in namespace ${namespace}` : ''}.`)
      const context = writtenWorld([policy, ...objects], { namespace, now: () => Date.now(), ...personalData })
      const results = []
      for (const each of cases) {
        results.push({ name: each.name, ...runCase(caseOf(each), context, namespace) })
        // Others are served between two cases.
        await new Promise((resolve) => setImmediate(resolve))
      }
      const passed = results.filter((result) => result.passed).length
      return { passed, failed: results.length - passed, results: results.map(({ said, ...rest }) => ({ ...rest, said: [...said] })) }
    })
  }
}

const personalData: Pick<Parameters<typeof writtenWorld>[1], 'findPii' | 'redactPii'> = {
  findPii,
  redactPii: (text, entities) => redactPii(text, Object.fromEntries(entities.map((entity) => [entity, 'Redact' as const]))).text,
}

function caseOf({ now, user, groups, oldObject, rule, message, ...rest }: z.output<typeof casesBody>['cases'][number]): PolicyCase {
  return {
    ...rest,
    ...(now === undefined ? {} : { now: Date.parse(now) }),
    ...(user === undefined ? {} : { user }),
    ...(groups === undefined ? {} : { groups }),
    ...(oldObject === undefined ? {} : { oldObject }),
    ...(rule === undefined ? {} : { rule }),
    ...(message === undefined ? {} : { message }),
  }
}

async function batch(caller: Caller, objects: readonly unknown[], namespace: string): Promise<z.output<typeof validationBatch>> {
  const results = await atOnce(
    objects,
    dryRunsAtOnce,
    async (object, index): Promise<BatchResult> => ({ index, ...namesOf(object), ...(await oneOf(caller, object, namespace)) }),
  )
  const valid = results.filter((result) => result.valid).length
  return { valid, invalid: results.length - valid, results }
}

/** One that is no object of ours, or that the caller may not create, does not hide the others. */
async function oneOf(caller: Caller, object: unknown, namespace: string): ReturnType<typeof validate> {
  try {
    return await validate(caller, object, namespace)
  } catch (error) {
    const { code, message, status } = refusalOf(error)
    if (status >= 500 || status === 401 || status === 429) throw error
    return { valid: false, errors: [{ pointer: '', field: '', code, message }], warnings: [] }
  }
}

function namesOf(object: unknown): { readonly kind?: string; readonly name?: string } {
  if (typeof object !== 'object' || object === null) return {}
  const { kind, metadata } = object as { kind?: unknown; metadata?: { name?: unknown } | null } // only looked at
  return { ...(typeof kind === 'string' ? { kind } : {}), ...(typeof metadata?.name === 'string' ? { name: metadata.name } : {}) }
}

async function compared(caller: Caller, body: z.output<typeof compatibilityBody>): Promise<z.output<typeof compatibility>> {
  const { older, newer, mode } = 'older' in body ? body : await followed(caller, body)
  const answer = checkCompatibility(older, newer, mode, effort)
  if (!answer.readable) {
    const errors = (['older', 'newer'] as const).flatMap((document) =>
      answer[document].map(({ pointer, message }) => ({ document, pointer, message })),
    )
    return { compatible: false, result: 'unreadable', mode, differences: [], doubts: [], errors }
  }
  const { result, differences, doubts } = answer
  return {
    compatible: result === 'compatible',
    result,
    mode,
    differences: differences.map((each) => ({ ...each })),
    doubts: doubts.map((each) => ({ ...each })),
    errors: [],
  }
}

async function followed(
  { client }: Caller,
  { schema, document, mode }: Extract<z.output<typeof compatibilityBody>, { schema: string }>,
): Promise<{ older: unknown; newer: unknown; mode: NonNullable<typeof mode> }> {
  const stored = await client.get(schemas, { name: schema })
  const inForce = stored === undefined ? undefined : documentInForce(stored)
  if (inForce === undefined) throw new Refusal('MNEMOS_NOT_FOUND', `There is no Schema ${schema}; list them with GET /v1/schemas.`)
  return { older: inForce.document, newer: document, mode: mode ?? inForce.mode }
}
