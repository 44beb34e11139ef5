import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inputReference } from '@mnemos/api'
import fc from 'fast-check'
import { withValues } from './step-values.ts'

const work = (params: Record<string, unknown>, spec: Record<string, unknown>): unknown => {
  const made = withValues(spec, (reference) => ({ value: reference.from === 'params' ? params[reference.name] : undefined }))
  return 'value' in made ? made.value : made.missing
}

/** What a Job makes of a prompt: an input is shown as `<name>`. */
const readByJob = (prompt: string): string => prompt.replaceAll(inputReference, (_, plain?: string, name = '') => plain ?? `<${name}>`)

/** What Kubernetes makes of an argument, as k8s.io/kubernetes/third_party/forked/golang/expansion does; a variable is shown as `<name>`. */
function readByKubernetes(text: string): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (all, name?: string) => (all === '$$' ? '$' : `<${name ?? ''}>`))
}

const hostile = fc.array(
  fc.constantFrom('$', '$(', '(', ')', '$(inputs.secret)', '$$(inputs.secret)', '$(HOME)', `\${RUN_ID}`, '(inputs.secret)', 'x'),
  {
    maxLength: 6,
  },
)

test('whatever a value holds, the Job reads no input in it, and the inputs of the pipeline stay', () => {
  fc.assert(
    fc.property(hostile, hostile, (one, two) => {
      const params = { a: one.join(''), b: two.join('') }
      const prompt = 'of $(inputs.page): $(params.a)$(params.b)!'
      const made = work(params, { inference: { prompt, inputs: [], modelRef: { name: 'm' } } }) as { inference: { prompt: string } }
      assert.equal(readByJob(made.inference.prompt), `of <page>: ${params.a}${params.b}!`)
    }),
  )
})

test('whatever a value holds, Kubernetes reads no variable in it, and those of the pipeline stay', () => {
  fc.assert(
    fc.property(hostile, hostile, (one, two) => {
      const params = { a: one.join(''), b: two.join(''), list: [one.join('')] }
      const container = {
        image: 'x',
        command: '$(params.list)',
        args: ['$(HOME)', '$(params.a)$(params.b)'],
        env: [{ name: 'A', value: '$(params.a)' }],
      }
      const made = work(params, { container }) as { container: { command: string[]; args: string[]; env: { value: string }[] } }
      assert.deepEqual(made.container.args.map(readByKubernetes), ['<HOME>', `${params.a}${params.b}`])
      assert.deepEqual([...made.container.command, made.container.env[0]?.value ?? ''].map(readByKubernetes), [params.a, params.a])
    }),
  )
})

test('without inputs a prompt is nobody else’s, and stays as it is', () => {
  assert.deepEqual(work({ a: '$(inputs.x) $$' }, { queue: 'q', inference: { prompt: '$(params.a)' } }), {
    queue: 'q',
    inference: { prompt: '$(inputs.x) $$' },
  })
})

test('names of members are quoted, too, where an object becomes JSON', () => {
  const made = work({ o: { '$(HOME)': '$(HOME)' } }, { container: { image: 'x', args: ['$(params.o)'] } }) as {
    container: { args: unknown[] }
  }
  assert.equal(readByKubernetes(JSON.stringify(made.container.args[0])), '{"$(HOME)":"$(HOME)"}')
})
