export { cleanupAccess, prepareAccess } from './release/objects.ts'
