/** Files of cases for `mnemos policies test`: which policies, what exists, and what should become of which object. */
import { dirname, join } from 'node:path'
import { caseOutcomes, type PolicyCase } from '@mnemos/domain'
import { z } from 'zod'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { readDocuments } from './yaml-files.ts'

const object = z.record(z.string(), z.unknown())

const policyCase = z
  .strictObject({
    name: z.string().min(1),
    object: object.optional(),
    file: z.string().min(1).optional(),
    oldObject: object.optional(),
    user: z.string().optional(),
    groups: z.array(z.string()).optional(),
    now: z.iso.datetime({ offset: true }).optional(),
    expect: z.enum(caseOutcomes),
    rule: z.string().optional(),
    message: z.string().optional(),
  })
  .refine((value) => (value.object === undefined) !== (value.file === undefined), { error: 'a case has either object or file' })

const caseFile = z.strictObject({
  policies: z.array(z.string().min(1)).min(1),
  objects: z.array(object).default([]),
  cases: z.array(policyCase).min(1),
})

export interface CaseFile {
  readonly path: string
  /** Files and folders, found from where we are. */
  readonly policies: readonly string[]
  readonly objects: readonly unknown[]
  readonly cases: readonly PolicyCase[]
}

/** Whether a document means to be a file of cases; manifests beside it do not. */
export function hasCases(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'cases' in document
}

/** @throws CliError that names file and field for another form, or for an object's file that is not one object */
export async function readCaseFile(path: string, document: unknown): Promise<CaseFile> {
  const read = caseFile.safeParse(document)
  if (!read.success) {
    const [issue] = read.error.issues
    const where = (issue?.path ?? []).join('.')
    throw wrong(`${path} is no file of cases: ${where}${where === '' ? '' : ': '}${issue?.message ?? ''}`)
  }
  const beside = (file: string): string => join(dirname(path), file)
  const cases = await Promise.all(
    read.data.cases.map(async ({ file, now, object: written, oldObject, user, groups, rule, message, ...rest }) => ({
      ...rest,
      object: file === undefined ? written : await onlyObject(beside(file)),
      ...(oldObject === undefined ? {} : { oldObject }),
      ...(user === undefined ? {} : { user }),
      ...(groups === undefined ? {} : { groups }),
      ...(now === undefined ? {} : { now: Date.parse(now) }),
      ...(rule === undefined ? {} : { rule }),
      ...(message === undefined ? {} : { message }),
    })),
  )
  return { path, policies: read.data.policies.map(beside), objects: read.data.objects, cases }
}

async function onlyObject(path: string): Promise<unknown> {
  const documents = (await readDocuments(path)).filter((document) => document !== null)
  if (documents.length === 1) return documents[0]
  throw wrong(`${path} holds ${documents.length} objects, and a case is about one`)
}

function wrong(message: string): CliError {
  return new CliError(message, { code: 'MNEMOS_USAGE', hint: 'docs/policies.md shows the form', exitCode: exitCodes.usage })
}
