/** `node hack/cluster/src/main.ts up|down|build|node|base-image`: clusters for people, and what they are made of. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBaseImage } from './base-image.ts'
import { startCluster } from './cluster.ts'
import { startNode } from './node.ts'
import { helmPrograms, nodePrograms } from './node-programs.ts'
import { cleanNode } from './node-record.ts'
import { endByPid } from './process.ts'
import { clusterPrograms } from './programs.ts'

const usage = `usage: node hack/cluster/src/main.ts <command>

  up          start etcd, kube-apiserver, kube-controller-manager and kube-scheduler; prints the KUBECONFIG
  down        stop them (state in the folder is kept; --purge removes it)
  build       only compile the programs into the cache; with --node those of a real node and Helm too
  node        start a control plane with a real node beside it and hold it until Ctrl-C; prints the KUBECONFIG (root, Linux)
                --gpus N      advertise N nvidia.com/gpu by a test device plugin
                --audit       keep an audit log in the folder
  node clean  remove what a node left whose driver was killed
  base-image  make the image that the project's Dockerfiles build on; prints its name and its archive (root, Debian)

  --folder FOLDER   where state is kept: up and down .mnemos/cluster; node a temporary folder, and when given the logs stay in it`

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    purge: { type: 'boolean', default: false },
    node: { type: 'boolean', default: false },
    gpus: { type: 'string', default: '0' },
    audit: { type: 'boolean', default: false },
  },
})
const folder = resolve(values.folder ?? '.mnemos/cluster')
const record = join(folder, 'pids.json')

const commands: Record<string, () => Promise<void>> = {
  up: async () => {
    await stopRecorded()
    const cluster = await startCluster({ folder, detached: true, log: say })
    await writeFile(record, JSON.stringify(cluster.pids()))
    say(`Ready at ${cluster.server}`)
    process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`)
  },
  down: async () => {
    await stopRecorded()
    if (values.purge) await rm(folder, { recursive: true, force: true })
  },
  build: async () => {
    process.stdout.write(`${await clusterPrograms(say)}\n`)
    if (!values.node) return
    for (const path of Object.values({ ...(await nodePrograms(say)), ...(await helmPrograms(say)) })) process.stdout.write(`${path}\n`)
  },
  node: async () => {
    if (positionals[1] === 'clean') say((await cleanNode()) ? 'Removed what a node had left.' : 'There is nothing to remove.')
    else await holdNode()
  },
  'base-image': async () => {
    const { tag, archive } = await buildBaseImage(say)
    process.stdout.write(`${tag}\n${archive}\n`)
  },
}

async function holdNode(): Promise<void> {
  const gpus = Number(values.gpus)
  if (!Number.isInteger(gpus) || gpus < 0 || gpus > 64) throw new Error(`--gpus ${values.gpus} is no number from 0 to 64`)
  const node = await startNode({
    log: say,
    gpus,
    audit: values.audit,
    ...(values.folder === undefined ? {} : { folder: resolve(values.folder) }),
  })
  say(`Ready at ${node.server}; kubectl is ${node.kubectl}; Ctrl-C takes everything down`)
  process.stdout.write(`export KUBECONFIG=${node.kubeconfig}\n`)
  await new Promise<void>((stop) => {
    // Servers are no reason for this process to stay; a timer is.
    const held = setInterval(() => undefined, 60_000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(held)
        stop()
      })
    }
  })
  say('Taking the node down …')
  await node.stop()
}

async function stopRecorded(): Promise<void> {
  const known = JSON.parse(await readFile(record, 'utf8').catch(() => '{}')) as Record<string, number>
  for (const [name, pid] of Object.entries(known).reverse()) await endByPid(pid, name)
  await rm(record, { force: true })
}

const command = commands[positionals[0] ?? '']
if (command === undefined) {
  say(usage)
  process.exitCode = 2
} else {
  await command().catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
