/** Routes of the files that people put beside their Jobs, as data: `artifact://files/<namespace>/<path>`. */
import { z } from 'zod'
import { namespaceName } from './namespace-name.ts'
import type { Route } from './routes.ts'

/** Where the files of a namespace are in the artifact store. */
export const filesPrefix = (namespace: string): string => `files/${namespace}/`

const part = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9._/-]*$/, 'has letters, digits, dots, dashes, underscores and slashes')

export const filesQuery = z.object({ namespace: namespaceName.default('default').describe('Namespace of the file.') })

export const listFilesQuery = filesQuery.extend({
  prefix: part.default('').describe('Only files whose path begins so, e.g. books/.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most files to answer with.'),
  continue: part.optional().describe('`continue` of the page before.'),
})

const file = {
  path: z.string().describe('Path within the namespace.'),
  uri: z.string().describe('artifact://files/<namespace>/<path>, as inputs of Jobs name it.'),
  sizeBytes: z.int(),
}
export const storedFile = z.object({ ...file, sha256: z.string().describe('64 hex digits, of the bytes as they were read back.') })
export const listedFile = z.object({ ...file, modifiedAt: z.iso.datetime().describe('When it was put there.') })
export const filePage = z.object({
  items: z.array(listedFile),
  continue: z.string().optional().describe('Where to go on; absent at the end.'),
})
export type StoredFile = z.output<typeof storedFile>
export type ListedFile = z.output<typeof listedFile>
export type FilePage = z.output<typeof filePage>

const json = (schema: z.ZodType): Route['response'] => ({ status: 200, contentType: 'application/json', schema })
const bytes: Route['response'] = { status: 200, contentType: 'application/octet-stream', schema: z.string().describe('The bytes.') }
const path = '/v1/files/{key}'

export const fileRoutes = {
  putFile: {
    method: 'PUT',
    path,
    auth: 'user',
    summary:
      'Store a file, in the place of one that is there. `x-mnemos-sha256` is compared with what arrived. Needs `create` on `mnemosjobs/files`.',
    query: filesQuery,
    body: { contentType: 'application/octet-stream', schema: z.string() },
    response: json(storedFile),
  },
  getFile: {
    method: 'GET',
    path,
    auth: 'user',
    summary: 'The bytes of a file; understands Range. The ETag is the SHA-256. Needs `get` on `mnemosjobs/files`.',
    query: filesQuery,
    response: bytes,
  },
  headFile: { method: 'HEAD', path, auth: 'user', summary: 'Size and SHA-256 of a file.', query: filesQuery, response: bytes },
  deleteFile: {
    method: 'DELETE',
    path,
    auth: 'user',
    summary: 'Remove a file; the answer is what it was. Needs `delete` on `mnemosjobs/files`.',
    query: filesQuery,
    response: json(storedFile),
  },
  listFiles: {
    method: 'GET',
    path: '/v1/files',
    auth: 'user',
    summary: 'Files of a namespace, in pages. Needs `get` on `mnemosjobs/files`.',
    query: listFilesQuery,
    response: json(filePage),
  },
} as const satisfies Record<string, Route>
