export { webhookAccess } from './access.ts'
export { parseWebhookConfig, type WebhookConfig, webhookSettings } from './config.ts'
export { configurationName } from './registration.ts'
export { runWebhook, type WebhookPorts } from './run-webhook.ts'
