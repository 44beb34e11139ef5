export * from './assignment.ts'
export * from './dispatch.ts'
