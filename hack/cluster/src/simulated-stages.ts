/**
 * What the kubelets of simulated nodes would do, as data for kwok: a Node becomes Ready; a Pod that was bound runs at once, and one
 * that is not restarted ends at once, with exit code 0; what is deleted is gone.
 *
 * The templates are Go's, filled in by kwok with the object.
 */

/** Everything that kwok is told, as one file: JSON documents, which are YAML. @param server its own address, on loopback */
export function simulation(server: string): string {
  return [options(server), nodeReady, podRuns, podEnds, podGoes].map((document) => JSON.stringify(document)).join('\n---\n')
}

const apiVersion = 'kwok.x-k8s.io/v1alpha1'

function options(server: string): object {
  return {
    apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
    kind: 'KwokConfiguration',
    metadata: { name: 'kwok' },
    options: {
      manageAllNodes: true,
      serverAddress: server,
      cidr: '10.0.0.0/24',
      // The 4 of its own file would be what a benchmark measures.
      podPlayStageParallelism: 64,
      // A file given by --config takes the place of the one with its defaults.
      nodePlayStageParallelism: 4,
      nodeLeaseParallelism: 4,
      nodeLeaseDurationSeconds: 40,
      podsOnNodeSyncParallelism: 1,
    },
  }
}

type Match = readonly [key: string, operator: 'Exists' | 'DoesNotExist' | 'In' | 'NotIn', ...values: string[]]

function stage(name: string, kind: 'Node' | 'Pod', matches: readonly Match[], next: object): object {
  const matchExpressions = matches.map(([key, operator, ...values]) => ({ key, operator, ...(values.length === 0 ? {} : { values }) }))
  return {
    apiVersion,
    kind: 'Stage',
    metadata: { name },
    spec: { resourceRef: { apiGroup: 'v1', kind }, selector: { matchExpressions }, next },
  }
}

const isReady = '.status.conditions.[] | select( .type == "Ready" ) | .status'
const isThere: Match = ['.metadata.deletionTimestamp', 'DoesNotExist']

const nodeReady = stage('node-ready', 'Node', [[isReady, 'NotIn', 'True']], {
  statusTemplate: `
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
addresses:
- address: 127.0.0.1
  type: InternalIP
allocatable: { cpu: 1k, memory: 1Ti, pods: 1M }
capacity: { cpu: 1k, memory: 1Ti, pods: 1M }
phase: Running
`,
})

const podRuns = stage('pod-runs', 'Pod', [isThere, ['.status.phase', 'In', 'Pending'], [isReady, 'NotIn', 'True']], {
  statusTemplate: `
{{ $now := Now }}
conditions:
{{ range $type := list "Initialized" "Ready" "ContainersReady" }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ $type }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  started: true
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
`,
})

const podEnds = stage(
  'pod-ends',
  'Pod',
  [isThere, ['.status.phase', 'In', 'Running'], ['.spec.restartPolicy', 'In', 'Never', 'OnFailure']],
  {
    statusTemplate: `
{{ $now := Now }}
{{ $started := .status.startTime }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: false
  restartCount: 0
  started: false
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $started | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
phase: Succeeded
`,
  },
)

const podGoes = stage('pod-goes', 'Pod', [['.metadata.deletionTimestamp', 'Exists']], { delete: true })
