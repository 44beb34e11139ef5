/** examples/cdk8s/rendered: what the example app renders, so that a change of the constructs shows in a diff. */
import { Yaml } from 'cdk8s'

export async function generate(): Promise<ReadonlyMap<string, string>> {
  // Loaded late: the constructs that the app is made of may have been written a moment ago.
  const { app } = await import('../../examples/cdk8s/app.ts')
  const made = app('unused')
  // synthYaml validates the whole app; the charts are then written one by one, as synth() does.
  made.synthYaml()
  return new Map(
    made.charts.map((chart) => [`examples/cdk8s/rendered/${chart.node.id}.yaml`, Yaml.stringify(...(chart.toJson() as unknown[]))]),
  )
}
