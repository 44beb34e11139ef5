/** Sixteen policies of every type of rule, none of which has anything against the Jobs of the benchmarks. */
import { apiVersion, type ClusterPolicyInput } from '@mnemos/api'

type Spec = ClusterPolicyInput['spec']
type Rule = Spec['rules'][number]

const rules: readonly Omit<Rule, 'name'>[] = [
  { pii: { default: 'Block' } },
  { pii: { default: 'Redact', entities: { IP: 'Warn' } } },
  { license: { allow: ['Apache-2.0', 'MIT', 'GPL-2.0-only WITH Classpath-exception-2.0'] } },
  { license: { denyClasses: ['NonCommercial', 'Copyleft'] } },
  { sources: { allow: ['s3://models/*', 'file:///*', 'hf://*'] } },
  { sources: { deny: ['https://*.evil.example/*'] } },
  { models: { allow: ['smollm', 'shared/*'] } },
  { images: { allow: ['registry.example.com/*'] } },
  { requireDigest: true },
  { limits: { maxPriority: 'high', maxTokens: 4096, maxRunSeconds: 3600, maxRetries: 5 } },
  { limits: { resources: { 'nvidia.com/gpu': 4, memory: '64Gi' } } },
  { cost: { prices: [{ models: ['smollm'], perMillionOutputTokens: '2' }], warnAbove: '1', denyAbove: '5' } },
  { rateLimit: { requests: 1_000_000, windowSeconds: 60, per: 'Namespace' } },
  { expression: "object.spec.queue != 'forbidden' && size(object.spec.dependsOn) < 10" },
  { expression: "request.user.matches('^[a-z]+$') && object.metadata.labels['team'] == 'research'" },
  { expression: "!has(object.spec.container) || object.spec.container.image.startsWith('registry.example.com/')" },
]

export const sixteenPolicies: readonly ClusterPolicyInput[] = rules.map((rule, index) => ({
  apiVersion,
  kind: 'ClusterPolicy',
  metadata: { name: `policy-${index}` },
  spec: { match: index % 2 === 0 ? {} : { kinds: ['Job', 'Model'] }, rules: [{ name: 'rule', ...rule }] },
}))
