export { serverAccess } from './access.ts'
export { parseServerConfig, type ServerConfig, serverSettings } from './config.ts'
export { runServer, type ServerPorts } from './run-server.ts'
