/** containerd of the node: its configuration, the network of its pods, and the images that it is given. */
import { join } from 'node:path'
import { bridge, podRange } from './addresses.ts'
import { pauseImage } from './node-programs.ts'
import { run } from './run.ts'

/** The socket that kubelet and ctr speak to. */
export function containerdSocket(folder: string): string {
  return join(folder, 'containerd', 'containerd.sock')
}

/** The configuration file, as TOML. */
export function containerdConfiguration(folder: string): string {
  const at = (name: string): string => JSON.stringify(join(folder, name))
  return `version = 3
root = ${at('containerd/root')}
state = ${at('containerd/state')}
imports = []
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt", "io.containerd.image-verifier.v1.bindir", "io.containerd.internal.v1.tracing"]

[grpc]
address = ${JSON.stringify(containerdSocket(folder))}

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${pauseImage}"

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = ${at('containerd/registries')}

[plugins.'io.containerd.cri.v1.runtime']
# Where this process may not lower the score of a process (no CAP_SYS_RESOURCE), every sandbox would fail.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
disable_apparmor = true

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = "runc"
Root = ${at('containerd/runc')}
SystemdCgroup = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = ${at('cni')}
`
}

/** The network of pods: a bridge, an address from the range, and the bridge as their way to Services. No way out. */
export function podNetwork(folder: string): object {
  return {
    cniVersion: '1.0.0',
    name: 'mnemos',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        // A pod that reaches itself through its Service.
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: join(folder, 'cni-addresses'),
        },
      },
    ],
  }
}

/** Takes the images of a tar (docker-archive or OCI) into the store of the kubelet. */
export async function importArchive(options: { readonly ctr: string; readonly folder: string; readonly tar: string }): Promise<void> {
  await run(options.ctr, ['--address', containerdSocket(options.folder), '--namespace', 'k8s.io', 'images', 'import', options.tar])
}
