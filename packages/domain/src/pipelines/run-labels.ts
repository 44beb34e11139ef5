/** Labels on everything that a run makes: by them it is found. Values are what `labelOf` makes of names. */
export const pipelineLabel = 'mnemos.dev/pipeline'
export const pipelineRunLabel = 'mnemos.dev/pipeline-run'
export const stepLabel = 'mnemos.dev/step'
/** Place in the list of a step with forEach, from 0 on. */
export const itemLabel = 'mnemos.dev/item'
