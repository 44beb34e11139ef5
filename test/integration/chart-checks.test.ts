/**
 * What other projects' programs say about what we make: every render of the chart, and the pods that processes make. kubeconform with
 * the schemas of a real API server, kube-score without anything critical, checkov without a failed check, promtool for the alerts.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { helmPrograms } from '@mnemos/cluster'
import { startTestCluster } from '@mnemos/testkit'
import { parse, stringify } from 'yaml'
import { matrix, monitoringKinds, objectsOf, render, tryOut } from './chart.fixture.ts'
import { excuses } from './chart-checks.excuses.ts'
import { criticalOf, type Finding, failedChecksOf, ruleErrorsOf, schemaErrorsOf } from './judges.fixture.ts'
import { writeKindSchemas } from './openapi-schemas.fixture.ts'
import { madeByProcesses } from './own-pods.fixture.ts'

const { v4 } = await helmPrograms()
const schemas = await mkdtemp(join(tmpdir(), 'mnemos-schemas-'))
after(() => rm(schemas, { recursive: true, force: true }))
const cluster = await startTestCluster()
await cluster.kubectlRun(['apply', '--server-side', ...(await monitoringKinds()).flatMap((path) => ['-f', path])])
await cluster.kubectlRun(['wait', '--for=condition=Established', 'crd', '--all'])
const document = JSON.parse((await cluster.kubectlRun(['get', '--raw', '/openapi/v2'])).stdout) as Parameters<typeof writeKindSchemas>[0]
await writeKindSchemas(document, schemas)
const { major, minor } = JSON.parse((await cluster.kubectlRun(['get', '--raw', '/version'])).stdout) as { major: string; minor: string }

const used = new Set<string>()
/** @param row of the matrix */
function unexcused(findings: readonly Finding[], { row = '', allowed = excuses } = {}): readonly string[] {
  return findings
    .filter(({ check, object }) => {
      const excuse = allowed.find((each) => each.check === check && each.of.test(object) && (each.row ?? row) === row)
      if (excuse !== undefined) used.add(excuse.check)
      return excuse === undefined
    })
    .map(({ check, object }) => `${object}: ${check}`)
}
const judged = async (manifest: string): Promise<readonly Finding[]> =>
  (await Promise.all([criticalOf(manifest, `v${major}.${minor}`), failedChecksOf(manifest)])).flat()

for (const [sentence, values] of Object.entries(matrix)) {
  test(`the chart with ${sentence}: kubeconform knows every field, kube-score and checkov find nothing that is not excused`, async () => {
    const manifest = await render(v4, values)
    const { valid, errors } = await schemaErrorsOf(manifest, schemas)
    assert.deepEqual(errors, [])
    assert.equal(valid, objectsOf(manifest).length)
    assert.deepEqual(unexcused(await judged(manifest), { row: sentence }), [])
  })
}

test('images by digest that are always pulled need no excuse', async () => {
  const images = ['image', 'workerImage', 'gpuWorkerImage', 'tryOut.redis.image', 'tryOut.s3.image']
  const values = [...images.map((image) => `${image}.digest=sha256:${'0'.repeat(64)}`), 'imagePullPolicy=Always', ...tryOut]
  const allowed = excuses.filter(({ check }) => !/pull|digest/i.test(check))
  assert.deepEqual(unexcused(await judged(await render(v4, values)), { allowed }), [])
})

test('pods of pools and of container Jobs', async () => {
  const manifest = madeByProcesses()
    .map((object) => stringify(object))
    .join('---\n')
  assert.deepEqual((await schemaErrorsOf(manifest, schemas)).errors, [])
  assert.deepEqual(unexcused(await judged(manifest)), [])
})

test('every excuse is needed', () => {
  assert.deepEqual(
    excuses.map(({ check }) => check).filter((check) => !used.has(check)),
    [],
  )
})

test('the judges do find what is wrong', async () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i', hostPort: 1 }] } }
  assert.match((await schemaErrorsOf(stringify(pod), schemas)).errors.join(), /Pod p: statusInvalid: .*hostPort/)
  const checks = (await judged(stringify(pod))).map(({ check }) => check.split(':')[0])
  assert.ok(checks.some((check) => check?.startsWith('kube-score')) && checks.some((check) => check?.startsWith('checkov')), checks.join())
  assert.match(await ruleErrorsOf('groups: [{name: g, rules: [{alert: A, expr: "sum("}]}]'), /parse error/)
})

test('promtool takes the alerts, from the file and from the render, and each asks for a metric that there is', async () => {
  const file = await readFile('charts/mnemos/files/rules.yaml', 'utf8')
  assert.equal(await ruleErrorsOf(file), '')
  const rule = objectsOf(await render(v4, ['monitoring.rules.enabled=true'])).find(({ kind }) => kind === 'PrometheusRule')
  assert.equal(await ruleErrorsOf(stringify(rule?.spec)), '')
  const { groups } = parse(file) as { groups: readonly { rules: readonly { expr: string }[] }[] } // ours
  const metrics = groups.flatMap(({ rules }) =>
    rules.flatMap(({ expr }) => [...expr.matchAll(/\b(?:mnemos|controller|leader)_\w+/g)].map(String)),
  )
  const sources = globSync('{packages/*,operator,webhooks,server,recorder}/src/**/*.ts').map((path) => readFileSync(path, 'utf8'))
  const isKnown = (metric: string): boolean => sources.some((text) => text.includes(`'${metric.replace(/_(count|sum|bucket)$/, '')}'`))
  assert.ok(metrics.length >= 5)
  assert.deepEqual(
    metrics.filter((metric) => !isKnown(metric)),
    [],
  )
})
