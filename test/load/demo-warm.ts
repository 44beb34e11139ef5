/** `demo-warm`: from the command to the first token, with the programs built and the model fetched. Aim: ≤ 60 s. */
import { runDemo } from '../../hack/demo.ts'

/** @returns `first_token_s`, counted from the start of `mnemos dev` */
export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const { firstTokenSeconds, tokens } = await runDemo({
    say: log,
    write: () => undefined,
    keep: false,
    signal: new AbortController().signal,
  })
  return {
    first_token_s: Number(firstTokenSeconds.toFixed(2)),
    conditions: { model: 'SmolLM2-135M-Instruct.Q4_1.gguf', includes: 'control plane, processes, import, load', pieces: tokens },
  }
}
