import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintText } from './lint-file.ts'
import { fileWorld } from './policy-world.ts'
import { documentsOf } from './yaml-files.ts'

const text = `apiVersion: mnemos.dev/v1alpha1
kind: Pipeline
metadata: {name: summaries}
spec:
  parameters:
    - {name: count, type: integer, default: three}
  steps:
    - name: draft
      inference: {modelRef: {name: smollm}, prompt: "$(params.cuont)", temprature: 1}
    - name: never
      when: "false"
      gate: {expression: "steps.draft.outputs.txt == 'x'"}
    - name: last
      dependsOn: [drfat]
      retry: {limit: -1}
      approval: {}
---
apiVersion: mnemos.dev/v1alpha1
kind: Pipeline
metadata: {name: round}
spec:
  steps:
    - {name: a, dependsOn: [b], approval: {}}
    - {name: b, dependsOn: [a], approval: {}}
---
apiVersion: mnemos.dev/v1alpha1
kind: PipelineRun
metadata: {name: summaries-1}
spec:
  pipelineRef: {name: round}
  parameters: {topic: sea}
  approvals:
    - {step: c}
`

test('mnemos lint tells everything that is wrong with a Pipeline and its run, each with its line', async () => {
  const manifests = await documentsOf(text, 'pipelines.yaml')
  const { findings } = lintText(text, { context: fileWorld({ rules: [], manifests, now: () => 0 }) })
  assert.deepEqual(
    findings.map(({ line, field, message, suggestion = '' }) => `${line} ${field}: ${message}; ${suggestion}`),
    [
      '6 spec.parameters[0].default: is a string and must be an integer; ',
      '9 spec.steps[0].inference.temprature: is not a field here; use one of modelRef, prompt, messages, inputs, parameters',
      '9 spec.steps[0].inference.prompt: $(params.cuont) names no parameter of the pipeline; did you mean "count"?',
      '11 spec.steps[1].when: is never true, so that the step is never reached; take the step out, or correct this',
      '12 spec.steps[1].gate.expression: steps.draft.outputs.txt names no output of step "draft"; did you mean "text"?',
      '14 spec.steps[2].dependsOn[0]: there is no step "drfat"; did you mean "draft"?',
      '15 spec.steps[2].retry.limit: -1 is less than 0; use a whole number from 0 to 100',
      '15 spec.steps[2].retry: says nothing of a step with approval; only steps with inference, container have it',
      '23 spec.steps[0].dependsOn[0]: steps wait for one another: a → b → a; take one of these dependencies out',
      '31 spec.parameters.topic: the pipeline has no such parameter; it has none',
      '33 spec.approvals[0].step: there is no step "c" in the Pipeline; did you mean "a"?',
    ],
  )
})
