/** Keeps the accepted versions of Schemas. Decides nothing itself: see domain/schemas/schema.ts. */
import { decideSchema } from '@mnemos/domain'
import { controller } from '@mnemos/kube'
import { schemas } from '../resources.ts'

export const schemaController = () =>
  controller(schemas, {
    observe: (_reader, schema) => ({ schema }),
    decide: decideSchema,
  })
