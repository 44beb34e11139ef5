/** The commands that judge without a cluster, from their arguments to their exit codes. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { after, test } from 'node:test'
import { lint } from './commands/lint.ts'
import { testPolicies } from './commands/policies-test.ts'
import { checkSchemas } from './commands/schemas-check.ts'
import { parseCliConfig } from './config.ts'
import { exitCodes } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { junitXml } from './junit.ts'
import { createTerminal } from './terminal.ts'

const folder = await mkdtemp(join(tmpdir(), 'mnemos-cli-'))
after(() => rm(folder, { recursive: true, force: true }))
const file = async (name: string, content: unknown): Promise<string> => {
  await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return join(folder, name)
}

interface Ran extends Invocation {
  readonly out: () => string
}

function invocation(globals: Partial<Invocation['globals']> = {}): Ran {
  const written: string[] = []
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      done()
    },
  })
  const terminal = createTerminal({ stdout, stderr: stdout, colour: false })
  return {
    globals: { color: false, ...globals },
    config: parseCliConfig({}),
    terminal,
    signal: new AbortController().signal,
    out: () => written.join(''),
  }
}

const noFlags = { policies: [], group: [] }
const mail = await file('mail.yaml', {
  ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name: 'mail', labels: { owner: 'ada' } } },
  spec: { inference: { modelRef: { name: 'm' }, prompt: 'Charge 4111 1111 1111 1111.' } },
})

test('all cases of the examples of policies are as expected, and each policy has one', async () => {
  const call = invocation({ output: 'json' })
  assert.equal(await testPolicies(call, 'examples/policy-tests', {}), exitCodes.ok, call.out())
  const text = await readFile('examples/policy-tests/examples.yaml', 'utf8')
  for (const rule of ['open-licence', 'known-places', 'pinned', 'pii', 'ceilings', 'rate', 'cost', 'owner', 'registry', 'deadline']) {
    assert.match(text, new RegExp(`rule: .*\\b${rule}\\b`), `no case shows the rule ${rule}`)
  }
})

test('a case that is not as expected exits 1, says why, and fails in JUnit XML', async () => {
  const name = 'is <"quoted"> & not \u0001 as expected'
  const policies = [join(process.cwd(), 'examples/policies/no-personal-data.yaml')]
  const cases = [
    { name, file: 'mail.yaml', expect: 'Allowed' },
    { name: 'is refused', file: 'mail.yaml', expect: 'Refused', rule: 'pii' },
  ]
  const relative = policies.map((path) => join('/', path))
  const fixture = await file('cases.yaml', { policies: relative.map((path) => `${'../'.repeat(20)}${path}`), cases })
  const call = invocation()
  const junit = join(folder, 'junit.xml')
  assert.equal(await testPolicies(call, fixture, { junit }), exitCodes.failed)
  assert.match(call.out(), /it is Refused and should be Allowed/)
  assert.match(call.out(), /2 cases in 1 files, 1 failed/)
  const xml = await readFile(junit, 'utf8')
  assert.match(xml, /tests="2" failures="1" errors="0"/)
  assert.match(xml, /name="is &lt;&quot;quoted&quot;&gt; &amp; not \uFFFD as expected"/)
  assert.doesNotMatch(xml, /4111/)
})

test('JUnit XML holds no character that XML does not', () => {
  const failure = 'a\u0000\ud800\ufffe]]>\n'
  const xml = junitXml(
    [{ name: 's', cases: [{ name: 'c', classname: 's', seconds: 0, failure, details: failure }] }],
    '2026-01-02T03:04:05.678Z',
  )
  assert.match(xml, /<failure type="verdict" message="a\uFFFD\uFFFD\uFFFD\]\]&gt;&#10;">a\uFFFD\uFFFD\uFFFD\]\]&gt;\n<\/failure>/)
  assert.match(xml, /timestamp="2026-01-02T03:04:05"/)
})

test('a folder without cases, a file of another form, and policies that are none, are wrong usage', async () => {
  const empty = await file('none.yaml', { policies: ['x'] })
  const wrong = await file('wrong.yaml', { policies: [], cases: [{ name: 'x', expekt: 'Allowed' }] })
  await assert.rejects(testPolicies(invocation(), empty, {}), { exitCode: exitCodes.usage, message: /holds no cases/ })
  await assert.rejects(testPolicies(invocation(), wrong, {}), { exitCode: exitCodes.usage, message: /is no file of cases/ })
  await assert.rejects(lint(invocation(), [mail], { ...noFlags, policies: [mail] }), {
    exitCode: exitCodes.usage,
    message: /holds no Policy/,
  })
})

test('lint judges by the policies it is given, in the namespace it is given, and never prints what it found', async () => {
  assert.equal(await lint(invocation(), [mail], noFlags), exitCodes.ok)
  const call = invocation()
  assert.equal(await lint(call, [mail], { ...noFlags, policies: ['examples/policies/no-personal-data.yaml'] }), exitCodes.failed)
  assert.match(call.out(), /spec\.inference\.prompt: holds personal data \(Card\)/)
  assert.doesNotMatch(call.out(), /4111/)
  const images = { ...noFlags, policies: ['examples/policies/trusted-images.yaml'] }
  const container = await file('image.yaml', {
    ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name: 'c', labels: { owner: 'ada' } } },
    spec: { container: { image: 'busybox' } },
  })
  assert.equal(await lint(invocation({ namespace: 'default' }), [container], images), exitCodes.failed)
  // Policies that name no namespace are in that of the flag.
  const named = {
    ...noFlags,
    policies: [await file('p.yaml', (await readFile(images.policies[0] ?? '', 'utf8')).replace(/\n {2}namespace: .*/, ''))],
  }
  assert.equal(await lint(invocation({ namespace: 'elsewhere' }), [container], named), exitCodes.failed)
  assert.equal(await lint(invocation({ namespace: 'elsewhere' }), [container], images), exitCodes.ok)
})

test('schemas check says what breaks, with a document that shows it', async () => {
  const older = await file('v1.json', { type: 'object', properties: { count: { type: 'integer', maximum: 10 } } })
  const newer = await file('v2.yaml', 'kind: Schema\nspec: {document: {type: object, properties: {count: {type: integer, maximum: 5}}}}\n')
  const call = invocation()
  assert.equal(await checkSchemas(call, { older, newer }, { compatibility: 'BACKWARD' }), exitCodes.failed)
  assert.match(call.out(), /^BACKWARD \/count: /)
  assert.match(call.out(), /accepted by .*v1\.json, refused by .*v2\.yaml: \{"count":\d+\}/)
  assert.equal(await checkSchemas(invocation(), { older, newer }, { compatibility: 'FORWARD' }), exitCodes.ok)
  assert.equal(await checkSchemas(invocation(), { older, newer }, { compatibility: 'NONE' }), exitCodes.ok)
})

test('schemas check names the file that is no JSON Schema', async () => {
  const older = await file('good.json', {})
  const newer = await file('bad.json', { type: 'strnig' })
  const call = invocation()
  assert.equal(await checkSchemas(call, { older, newer }, { compatibility: 'BACKWARD' }), exitCodes.failed)
  assert.match(call.out(), /bad\.json: \/type: /)
})
