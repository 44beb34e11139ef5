/** What one team declares: its namespace, who may do what there, how much, a Model and Jobs that build on one another. */
import { Job, Model, type Queue } from '@mnemos/cdk8s'
import { Chart, Duration } from 'cdk8s'
import { ClusterRole, Group, k8s, Namespace, RoleBinding } from 'cdk8s-plus-34'
import type { Construct } from 'constructs'

export interface TeamProps {
  /** Namespace of the team. */
  readonly name: string
  /** Where its Jobs wait. */
  readonly queue: Queue
}

export class Team extends Chart {
  readonly model: Model

  constructor(scope: Construct, id: string, { name, queue }: TeamProps) {
    super(scope, id, { disableResourceNameHashes: true, namespace: name })
    new Namespace(this, 'namespace', { metadata: { name, labels: { 'example.com/department': 'research' } } })
    this.#rights(name)
    // Objects of MNEMOS count like any other: nobody floods the API server by mistake.
    new k8s.KubeResourceQuota(this, 'quota', {
      metadata: { name: 'mnemos' },
      spec: {
        hard: { 'count/mnemosjobs.mnemos.dev': k8s.Quantity.fromNumber(500), 'count/mnemosmodels.mnemos.dev': k8s.Quantity.fromNumber(20) },
      },
    })
    this.model = this.#work(queue)
  }

  #rights(name: string): void {
    // The chart adds Models and Jobs to the ClusterRole `edit` that every cluster has.
    const binding = new RoleBinding(this, 'authors', {
      metadata: { name: 'mnemos-authors' },
      role: ClusterRole.fromClusterRoleName(this, 'edit', 'edit'),
    })
    binding.addSubjects(Group.fromName(this, 'group', `${name}-authors`))
  }

  #work(queue: Queue): Model {
    const model = new Model(this, 'model', {
      metadata: { name: 'smollm2' },
      spec: {
        source: {
          uri: 's3://models/SmolLM2-135M-Instruct.Q4_1.gguf',
          digest: 'sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
        },
        license: 'Apache-2.0',
      },
    })
    const ask = (called: string, prompt: string): Job =>
      new Job(this, called, {
        metadata: { name: called },
        spec: {
          queue,
          inference: { modelRef: model, prompt },
          ttlSecondsAfterFinished: Duration.days(7),
          deadlines: { runSeconds: Duration.minutes(10) },
        },
      })
    const outline = ask('outline', 'In three points, why is the sky blue?')
    ask('title', 'A title for an essay on why the sky is blue.').dependsOn(outline)
    return model
  }
}
