/** placeholder */
import type { JobsApi } from './session.ts'
export declare function jobsOver(o: { server: string; token: () => Promise<string>; namespace: string }): JobsApi
