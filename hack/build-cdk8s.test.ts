import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

const project = mkdtempSync(join(tmpdir(), 'mnemos-cdk8s-consumer-'))
after(() => rmSync(project, { recursive: true, force: true }))

/** A project of somebody else: the packed package, unpacked as npm would, beside what it declares and nothing more. */
before(() => {
  execFileSync(process.execPath, ['hack/build-cdk8s.ts'])
  const packed = execFileSync('npm', ['pack', './cdk8s/dist', '--json', '--pack-destination', project], { encoding: 'utf8' })
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: readonly { path: string }[] }]
  assert.deepEqual(
    files.map(({ path }) => path).filter((path) => !path.endsWith('.d.ts')),
    ['LICENSE', 'README.md', 'index.js', 'package.json'],
  )
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, '@mnemos/cdk8s'), { recursive: true })
  mkdirSync(join(modules, '@bufbuild'))
  execFileSync('tar', ['-xzf', join(project, filename), '--strip-components=1', '-C', join(modules, '@mnemos/cdk8s')])
  for (const name of ['cdk8s', 'constructs', 'zod', '@bufbuild/cel']) symlinkSync(resolve('node_modules', name), join(modules, name))
  writeFileSync(join(project, 'package.json'), '{"type": "module"}')
})

const source = (priority: string): string => `
import { Job, Model } from '@mnemos/cdk8s'
import { App, Chart, Duration } from 'cdk8s'
const app = new App()
const chart = new Chart(app, 'team', { disableResourceNameHashes: true })
const model = new Model(chart, 'm', { spec: { source: { uri: 's3://b/m.gguf' } } })
new Job(chart, 'j', { spec: { priority: '${priority}', inference: { modelRef: model, prompt: 'hi' }, ttlSecondsAfterFinished: Duration.hours(1) } })
console.log(app.synthYaml())
`

test('a project in JavaScript renders with the packed package', () => {
  writeFileSync(join(project, 'app.js'), source('high'))
  const printed = execFileSync(process.execPath, ['app.js'], { cwd: project, encoding: 'utf8' })
  assert.match(printed, /kind: Model\n[\s\S]*kind: Job\n[\s\S]*name: team-m\n[\s\S]*priority: high\n\s+ttlSecondsAfterFinished: 3600/)
})

test('the examples of the README render', () => {
  const examples = [...readFileSync('cdk8s/README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, example = '']) => example)
  const rendered = ['team', 'lines'].map((chart, at) => {
    for (const kind of ['js', 'ts']) writeFileSync(join(project, `readme-${chart}.${kind}`), examples[at] ?? '')
    execFileSync(process.execPath, [`readme-${chart}.js`], { cwd: project })
    return [...readFileSync(join(project, `dist/${chart}.k8s.yaml`), 'utf8').matchAll(/^kind: (.*)$/gm)].map(([, kind]) => kind)
  })
  assert.deepEqual(rendered, [
    ['Model', 'Queue', 'Job', 'Job'],
    ['Pipeline', 'PipelineRun'],
  ])
})

test('its rendering fails on a mistake', () => {
  writeFileSync(join(project, 'wrong.js'), source('hihg'))
  const { status, stderr } = spawnSync(process.execPath, ['wrong.js'], { cwd: project, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /spec\.priority: "hihg" is not supported; did you mean "high"\?/)
})

test('a project in TypeScript is checked against the packed declarations', () => {
  writeFileSync(join(project, 'right.ts'), source('high'))
  writeFileSync(join(project, 'wrong.ts'), source('hihg'))
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--typeRoots',
    resolve('node_modules/@types'),
  ]
  const { stdout } = spawnSync(
    process.execPath,
    [resolve('node_modules/typescript/bin/tsc'), ...flags, 'right.ts', 'wrong.ts', 'readme-team.ts', 'readme-lines.ts'],
    {
      cwd: project,
      encoding: 'utf8',
    },
  )
  assert.match(stdout, /^wrong\.ts\(\d+,\d+\): error TS2322: Type '"hihg"' is not assignable/)
  assert.doesNotMatch(stdout, /right\.ts|readme|@mnemos/)
})
