/**
 * The pod of one attempt of an inference with `placement.dedicated`: the worker's image, told one attempt and nothing else. What it is to
 * do it asks the server by the token of its pod, so no prompt stands in the Pod; how it ended it says as its termination message.
 */
import type { Job, PersonalDataActions } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import { containerResources, podTokenAudience, usesDevices } from '../workers/worker-pod.ts'
import { containerSecurity, mainContainer, podFor } from './dedicated-pod.ts'
import { uidOf } from './job-status.ts'
import type { SidecarSettings } from './sidecar.ts'

const user = 65_532
const tokenFolder = '/var/run/secrets/mnemos'
const stateFolder = '/var/lib/mnemos'
const defaultRequests = { cpu: '500m', memory: '1Gi' }
/** An answer takes no longer: the token is not read anew. */
const tokenSeconds = 86_400

/** Undefined while nobody has named an image of workers. */
export function inferencePod(
  job: Job,
  attempt: number,
  settings: SidecarSettings & { readonly personalData?: PersonalDataActions | undefined },
): (KubeObject & { readonly spec: object }) | undefined {
  const { workerImage, gpuWorkerImage, imagePullPolicy, imagePullSecrets, serverUrl, authority, personalData } = settings
  const image = usesDevices({ resources: job.spec.resources }) ? (gpuWorkerImage ?? workerImage) : workerImage
  if (image === undefined) return undefined
  return podFor(job, attempt, {
    securityContext: {
      runAsNonRoot: true,
      ...{ runAsUser: user, runAsGroup: user, fsGroup: user },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    containers: [
      {
        name: mainContainer,
        image,
        imagePullPolicy,
        args: ['attempt'],
        env: [
          { name: 'MNEMOS_ATTEMPT_SERVER_URL', value: serverUrl },
          { name: 'MNEMOS_ATTEMPT_TOKEN_FILE', value: `${tokenFolder}/token` },
          { name: 'MNEMOS_ATTEMPT_UID', value: uidOf(job) },
          { name: 'MNEMOS_ATTEMPT_NAMESPACE', value: job.metadata.namespace ?? '' },
          { name: 'MNEMOS_ATTEMPT_JOB', value: job.metadata.name },
          { name: 'MNEMOS_ATTEMPT_NUMBER', value: `${attempt}` },
          { name: 'MNEMOS_ATTEMPT_FOLDER', value: stateFolder },
          // Here and not with the work: people who may edit pods cannot change the variables of one that exists.
          ...(personalData === undefined ? [] : [{ name: 'MNEMOS_ATTEMPT_PERSONAL_DATA', value: JSON.stringify(personalData) }]),
          ...(authority === undefined ? [] : [{ name: 'MNEMOS_ATTEMPT_CA', value: authority }]),
        ],
        resources: containerResources(job.spec.resources ?? { requests: defaultRequests }),
        securityContext: { ...containerSecurity, readOnlyRootFilesystem: true },
        volumeMounts: [
          { name: 'state', mountPath: stateFolder },
          { name: 'tmp', mountPath: '/tmp' },
          { name: 'token', mountPath: tokenFolder, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'state', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
      {
        name: 'token',
        projected: { sources: [{ serviceAccountToken: { audience: podTokenAudience, expirationSeconds: tokenSeconds, path: 'token' } }] },
      },
    ],
  })
}
