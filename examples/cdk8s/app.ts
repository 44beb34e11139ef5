/** Which charts there are, and how they know one another. */
import { App } from 'cdk8s'
import { Platform } from './platform.ts'
import { Summaries } from './summaries.ts'
import { Team } from './team.ts'

/** @param outdir folder for one YAML file a chart; only `synth()` writes there */
export function app(outdir: string): App {
  const made = new App({ outdir, outputFileExtension: '.yaml' })
  const platform = new Platform(made, 'platform')
  const { model } = new Team(made, 'team-sky', { name: 'team-sky', queue: platform.research })
  new Summaries(made, 'summaries', { namespace: 'team-sky', model, queue: platform.research })
  return made
}
