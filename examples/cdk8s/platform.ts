/** What a platform team declares once: who pays, who may go first, where models run. */
import { Queue, WorkerPool } from '@mnemos/cdk8s'
import { Chart, Size } from 'cdk8s'
import { Namespace } from 'cdk8s-plus-34'
import type { Construct } from 'constructs'

export class Platform extends Chart {
  readonly research: Queue
  readonly gpus: WorkerPool

  constructor(scope: Construct, id: string) {
    super(scope, id, { disableResourceNameHashes: true, namespace: 'mnemos-pools' })
    new Namespace(this, 'namespace', {
      metadata: { name: 'mnemos-pools', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    })
    this.research = new Queue(this, 'queue', {
      metadata: { name: 'research' },
      spec: { namespaceSelector: { matchLabels: { 'example.com/department': 'research' } }, maxPriority: 'high' },
    })
    this.gpus = new WorkerPool(this, 'gpus', {
      metadata: { name: 'gpus' },
      spec: {
        queue: this.research,
        allowedNamespaces: { from: 'Selector', selector: { matchLabels: { 'example.com/department': 'research' } } },
        scaling: { minReplicas: 1, maxReplicas: 4 },
        resources: { requests: { cpu: 4, memory: Size.gibibytes(16) }, limits: { 'nvidia.com/gpu': 1 } },
        cache: { sizeLimit: Size.gibibytes(200) },
        podTemplate: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] },
        network: 'Sources',
      },
    })
  }
}
