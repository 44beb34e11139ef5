export { operatorAccess } from './access.ts'
export { type OperatorConfig, operatorSettings, parseOperatorConfig } from './config.ts'
export { type OperatorPorts, runOperator } from './run-operator.ts'
