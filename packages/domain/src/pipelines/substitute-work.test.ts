import assert from 'node:assert/strict'
import { test } from 'node:test'
import { substituteWork } from './substitute-work.ts'

const sly = '$(HOME) ${HOME} $$(HOME) $(inputs.other) $(params.x) $5 $$'
/** What Kubernetes makes of a text of a container (third_party/forked/golang/expansion). */
const inContainer = (text: string): string =>
  text.replaceAll(/\$(\$|\(([^)]*)\))/g, (_all, kind: string, name: string) => (kind === '$' ? '$' : `<${name}>`))
/** What a Job makes of a prompt that is given texts. */
const inPrompt = (text: string): string =>
  text.replaceAll(/\$(\$\()|\$\(inputs\.([a-z0-9-]{1,63})\)/g, (_all, plain: string | undefined, name: string) => plain ?? `<${name}>`)

function made(spec: Readonly<Record<string, unknown>>): unknown {
  const done = substituteWork(spec, () => ({ value: sly }))
  assert.ok('value' in done)
  return done.value
}

test('a value that is put into a container arrives as it is, and what the pipeline says there is read by Kubernetes', () => {
  const container = { image: '$(params.x)', args: ['$(params.x)', 'of $(HOME): $(params.x)'], env: [{ name: 'A', value: '$(params.x)' }] }
  const done = made({ container }) as { container: { image: string; args: string[]; env: { value: string }[] } }
  assert.equal(done.container.image, sly, 'nobody reads it again there')
  assert.deepEqual(done.container.args.map(inContainer), [sly, `of <HOME>: ${sly}`])
  assert.deepEqual(
    done.container.env.map(({ value }) => inContainer(value)),
    [sly],
  )
})

test('a value that is put into a prompt names no text of the Job, and the pipeline does', () => {
  const inference = { inputs: [{ name: 'page', from: 'artifact://x' }], prompt: '$(inputs.page): $(params.x)' }
  assert.equal(inPrompt((made({ inference }) as { inference: { prompt: string } }).inference.prompt), `<page>: ${sly}`)
})

test('a prompt without texts is not read again, and stays as it is', () => {
  assert.deepEqual(made({ inference: { prompt: '$(params.x)' } }), { inference: { prompt: sly } })
})

test('a list that becomes JSON arrives as it is, too', () => {
  const done = substituteWork({ container: { args: ['$(params.x)'] } }, () => ({ value: [sly, { [sly]: 1 }] }))
  assert.ok('value' in done)
  const [list] = (done.value as { container: { args: unknown[] } }).container.args
  assert.deepEqual(JSON.parse(inContainer(JSON.stringify(list))), [sly, { [sly]: 1 }])
})
