/** `node hack/cluster/src/main.ts up|down|build|base-image`: a control plane for people, kept in a folder until it is taken down. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBaseImage } from './base-image.ts'
import { startCluster } from './cluster.ts'
import { endByPid } from './process.ts'
import { clusterPrograms } from './programs.ts'

const usage = `usage: node hack/cluster/src/main.ts <up|down|build|base-image> [--folder FOLDER]

  up      start etcd, kube-apiserver, kube-controller-manager and kube-scheduler; prints the KUBECONFIG
  down    stop them (state in the folder is kept; --purge removes it)
  build   only compile the programs into the cache
  base-image
          make the image that the project's Dockerfiles build on (root, Debian); prints its name and its archive`

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { folder: { type: 'string', default: '.mnemos/cluster' }, purge: { type: 'boolean', default: false } },
})
const folder = resolve(values.folder)
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
  },
  'base-image': async () => {
    const { tag, archive } = await buildBaseImage(say)
    process.stdout.write(`${tag}\n${archive}\n`)
  },
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
  await command()
}
