#!/usr/bin/env node
/**
 * The `mnemos` program. Everything behind this line is loaded through Node's compile cache, which saves a third of the
 * start of each command and of each process of `mnemos dev`; that is all this file is for.
 */
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { start } = await import('./start.ts')
await start()
