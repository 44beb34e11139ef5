/** OpenAPI 3.1 from the routes. */
import { z } from 'zod'
import { errorBody } from './errors.ts'
import { allRoutes, type Route } from './routes.ts'

/** The description of the whole HTTP API. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, route] of Object.entries(allRoutes)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'MNEMOS',
      version,
      description: 'Jobs for language models on Kubernetes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', description: 'A token that the cluster accepts; its RBAC decides.' },
        assignment: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The token of one attempt, which its worker has.' },
      },
      schemas: { Error: jsonSchema(errorBody) },
    },
  }
}

function operationOf(operationId: string, route: Route): object {
  return {
    operationId,
    summary: route.summary,
    ...(route.auth === 'none' ? {} : { security: [{ [route.auth]: [] }] }),
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [route.body.contentType]: { schema: jsonSchema(route.body.schema) } } } }),
    responses: {
      [route.response.status]: {
        description: 'Success.',
        content: { [route.response.contentType]: { schema: jsonSchema(route.response.schema) } },
      },
      default: { description: 'Refused.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    },
  }
}

function pathParameters({ path }: Route): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function queryParameters({ query }: Route): object[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(query) as {
    properties?: Record<string, { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description,
    schema,
  }))
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
  return rest
}
