export { recorderAccess } from './access.ts'
export { parseRecorderConfig, type RecorderConfig, recorderSettings } from './config.ts'
export { type RecorderPorts, runRecorder } from './run-recorder.ts'
