/** What the example app of @mnemos/cdk8s renders, on a real API server: taken as it is, and a second time nothing differs. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { judge } from '@mnemos/api'
import { checkPipeline } from '@mnemos/domain'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { Yaml } from 'cdk8s'
import { app } from '../../examples/cdk8s/app.ts'
import { kubectl, startWebhook } from './webhook.fixture.ts'

const cluster = await startTestCluster({ crds: true, controllers: true })
await kubectl(cluster, ['create', 'namespace', 'mnemos-system'])
const webhook = await startWebhook(cluster)
after(() => webhook.stop())

for (const chart of app('unused').charts) {
  const rendered = Yaml.stringify(...(chart.toJson() as unknown[])) // cdk8s says any

  test(`${chart.node.id} renders to the same bytes each time, as they are kept in the repository`, async () => {
    assert.equal(rendered, await readFile(`examples/cdk8s/rendered/${chart.node.id}.yaml`, 'utf8'))
  })

  test(`${chart.node.id} is applied, strictly, and does not differ afterwards`, async () => {
    // Applied again until it goes through, as GitOps tools do: a new quota counts nothing until its controller has seen it.
    await eventually(
      async () => {
        const applied = await kubectl(cluster, ['apply', '--server-side', '--validate=strict', '-f', '-'], rendered)
        assert.equal(applied.code, 0, applied.stderr)
        return true
      },
      { timeoutMs: 60_000, message: `${chart.node.id} is applied` },
    )
    for (const flags of [['--server-side'], []]) {
      const diff = await kubectl(cluster, ['diff', ...flags, '-f', '-'], rendered)
      assert.deepEqual([diff.code, diff.stdout], [0, ''], `${flags.join(' ')} ${diff.stderr}`)
    }
  })
}

test('what is rendered of pipelines is right as a whole, too: references, conditions, the order of steps', () => {
  const objects = app('unused').charts.flatMap((chart) => chart.toJson() as Readonly<Record<string, unknown>>[])
  const pipelines = objects.filter(({ kind }) => kind === 'Pipeline')
  assert.equal(pipelines.length, 1)
  for (const pipeline of pipelines) {
    assert.deepEqual(judge('Pipeline', pipeline), [])
    const { findings, graph } = checkPipeline(pipeline['spec'])
    assert.deepEqual(findings, [])
    assert.deepEqual(graph?.order, ['draft', 'best', 'said', 'ok', 'translate'])
  }
})

test('whatever one of its objects says wrong is refused by the API server too', async () => {
  const wrong = (await readFile('examples/cdk8s/rendered/team-sky.yaml', 'utf8')).replace('queue: research', 'priority: hihg')
  const applied = await kubectl(cluster, ['apply', '--server-side', '--dry-run=server', '-f', '-'], wrong)
  assert.notEqual(applied.code, 0)
  assert.match(applied.stderr, /did you mean "high"/)
})
