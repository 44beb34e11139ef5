import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const cases: Record<string, { name: string; candidates: readonly string[]; want: string | undefined }> = {
  'one letter too many': { name: 'smolllm', candidates: ['llama', 'smollm'], want: 'smollm' },
  'two neighbours swapped': { name: 'reserach', candidates: ['research', 'reserve'], want: 'research' },
  'a name cut short': { name: 'smollm', candidates: ['smollm2-135m-instruct'], want: 'smollm2-135m-instruct' },
  'nothing alike': { name: 'gpt', candidates: ['smollm2', 'mistral'], want: undefined },
  'no candidates': { name: 'gpt', candidates: [], want: undefined },
  'an empty name': { name: '', candidates: ['smollm'], want: undefined },
}

for (const [sentence, { name, candidates, want }] of Object.entries(cases)) {
  test(sentence, () => assert.equal(nearest(name, candidates), want))
}
