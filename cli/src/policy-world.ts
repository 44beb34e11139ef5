/** The world that files describe: policies and Schemas in force, with the search for personal data that webhooks use. */
import { type ReviewContext, writtenWorld } from '@mnemos/domain'
import { findPii, redactPii } from '@mnemos/pii'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { readDocuments } from './yaml-files.ts'

const ruling = ['Policy', 'ClusterPolicy', 'Schema']

/** Documents to judge by. @throws CliError for a path without any: a mistyped path must not allow everything */
export async function readPolicies(path: string): Promise<unknown[]> {
  const documents = await readDocuments(path)
  if (documents.some((document) => ruling.includes(kindOf(document)))) return documents
  throw new CliError(`${path} holds no Policy, ClusterPolicy or Schema`, {
    code: 'MNEMOS_USAGE',
    hint: 'name a file or folder with the policies to judge by',
    exitCode: exitCodes.usage,
  })
}

export interface FileWorld {
  /** Policies and Schemas in force; Models and Namespaces may stand beside them. */
  readonly rules: readonly unknown[]
  /** Manifests, of which only Models and Namespaces are known to the policies. */
  readonly manifests?: readonly unknown[]
  readonly namespace?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The context that objects are judged in. */
export function fileWorld({ rules, manifests = [], namespace, now }: FileWorld): ReviewContext {
  const known = manifests.filter((document) => !ruling.includes(kindOf(document)))
  return writtenWorld([...rules, ...known], {
    ...{ namespace, now, findPii },
    redactPii: (text, entities) => redactPii(text, Object.fromEntries(entities.map((entity) => [entity, 'Redact' as const]))).text,
  })
}

function kindOf(document: unknown): string {
  return typeof document === 'object' && document !== null && 'kind' in document ? String(document.kind) : ''
}
