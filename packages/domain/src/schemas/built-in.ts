/**
 * The Schemas that come with MNEMOS: the strict forms of Model, Pipeline, Policy and Job. Loaded by the operator, switched off
 * until an administrator sets `mode` to Warn or Enforce, and then theirs: families, patterns and bounds are data.
 */
import { apiVersion, type SchemaInput } from '@mnemos/api'
import { dialect } from '@mnemos/json-schema'
import { strictJob, strictModel, strictPipeline, strictPolicy } from './built-in-documents.ts'

/** Label of what was made here. */
const builtInLabel = { 'mnemos.dev/built-in': 'true' }

function builtIn(name: string, kind: string, document: Readonly<Record<string, unknown>>): SchemaInput {
  return {
    apiVersion,
    kind: 'Schema',
    metadata: { name, labels: builtInLabel },
    spec: { document: { $schema: dialect, ...document }, appliesTo: [{ kind }], mode: 'Off', compatibility: 'NONE' },
  }
}

/** The Schemas as they are made once; whatever an administrator changes stays changed. */
export function builtInSchemas(): readonly SchemaInput[] {
  return [
    builtIn('strict-model', 'Model', strictModel),
    builtIn('strict-job', 'Job', strictJob),
    builtIn('strict-policy', 'Policy', strictPolicy),
    builtIn('strict-pipeline', 'Pipeline', strictPipeline),
  ]
}
