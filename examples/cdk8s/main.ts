/** `node examples/cdk8s/main.ts`: renders the app into examples/cdk8s/rendered, one file a chart; fails when an object is wrong. */
import { join } from 'node:path'
import { app } from './app.ts'

app(join(import.meta.dirname, 'rendered')).synth()
