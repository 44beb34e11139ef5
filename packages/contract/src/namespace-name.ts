/** Names of namespaces, as queries carry them. */
import { z } from 'zod'

export const namespaceName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
