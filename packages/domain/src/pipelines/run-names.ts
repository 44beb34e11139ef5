/** Names and labels of what a run makes: functions of the run, the step and the item, so that making one twice is making one. */

/** On Jobs and runs that a run made: the name of that run, or what `labelOf` makes of a long one. */
export const runLabel = 'mnemos.dev/pipeline-run'
export const pipelineLabel = 'mnemos.dev/pipeline'
export const stepLabel = 'mnemos.dev/step'
/** Place of the item, of an instance of a step with forEach. */
export const itemLabel = 'mnemos.dev/item'
/** Annotation of an alias Model: what it was before it was moved. */
export const previousAnnotation = 'mnemos.dev/previous'
