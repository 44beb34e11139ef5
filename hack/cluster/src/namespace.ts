/**
 * The namespaces that a node lives in: a network of its own with `lo`, a bridge for pods and one pair of addresses to this
 * machine, and mounts of its own. There is no default route, so no packet can leave the machine; and whatever is mounted
 * inside is gone with the last process inside.
 *
 * A keeper process holds both; everything else enters through it and dies with the driver.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { access, mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bridge, bridgeAddress, hostAddress, hostLink, linkPrefix, nodeAddress, nodeLink, serviceRange } from './addresses.ts'
import { makeCgroups } from './cgroup.ts'
import { run } from './run.ts'

/** Paths that programs of the node have fixed in their code; inside they are folders of ours. */
const hiddenFolders = ['/var/lib/kubelet', '/run/containerd', '/var/lib/cni', '/var/log/containers'] as const

/**
 * Kernel settings that a kubelet changes when it finds others. Inside they already say what it wants, in files of ours, so
 * that the machine's own stay as they are.
 */
const shownSettings: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
}

export interface Namespace {
  /** A program and its arguments as they have to be started to run inside. */
  inside(program: string, args: readonly string[]): { readonly program: string; readonly args: readonly string[] }
  /** Runs a program inside to its end. */
  run(program: string, args: readonly string[], input?: string): Promise<string[]>
  readonly hasBridgeFilter: boolean
}

/** Makes the namespaces and the network in them. @param folder an empty folder of ours */
export async function makeNamespace(folder: string): Promise<Namespace> {
  await checkAddresses()
  const entries = await makeCgroups()
  const script = await keeperScript(folder)
  const keeper = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', 'sh', '-euc', `${enter(entries)}\n${script}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await said(keeper, 'ready')
  const pid = String(keeper.pid ?? 0)
  const inside: Namespace['inside'] = (program, args) => ({
    program: 'setpriv',
    args: [
      ...['--pdeathsig', 'KILL', 'nsenter', '--target', pid, '--net', '--mount'],
      ...['sh', '-euc', `${enter(entries)}\nexec "$@"`, 'sh', program, ...args],
    ],
  })
  const runInside: Namespace['run'] = (program, args, input) => {
    const call = inside(program, args)
    return run(call.program, call.args, input === undefined ? {} : { input })
  }
  await run('ip', ['link', 'add', hostLink, 'type', 'veth', 'peer', 'name', nodeLink, 'netns', pid])
  await writeFile(`/proc/sys/net/ipv6/conf/${hostLink}/disable_ipv6`, '1').catch(() => undefined)
  await run('ip', ['address', 'add', `${hostAddress}/${linkPrefix}`, 'dev', hostLink])
  await run('ip', ['link', 'set', hostLink, 'up'])
  const answers = await runInside('sh', ['-euc', networkScript])
  return { inside, run: runInside, hasBridgeFilter: answers.includes('bridge filter') }
}

/** Which folders this machine lacks and a namespace has to make, to have something to mount over. */
export async function foldersToMake(): Promise<readonly string[]> {
  const missing = hiddenFolders.map((path) =>
    access(path).then(
      () => [],
      () => [path],
    ),
  )
  return (await Promise.all(missing)).flat()
}

/** Removes what a namespace leaves on the machine once its processes are gone. @param made folders that were made for it */
export async function removeNamespaceTraces(made: readonly string[]): Promise<void> {
  await run('ip', ['link', 'delete', hostLink]).catch(() => undefined)
  // One that somebody else uses by now is not empty.
  for (const path of made) await rmdir(path).catch(() => undefined)
}

/** Shell lines by which a process enters the node's control groups before anything else. */
function enter(entries: readonly string[]): string {
  return entries.map((entry) => `echo $$ > ${entry}`).join('\n')
}

async function keeperScript(folder: string): Promise<string> {
  const lines = ['mount --make-rshared /']
  for (const path of hiddenFolders) {
    const own = join(folder, 'hidden', path)
    await mkdir(own, { recursive: true })
    await mkdir(path, { recursive: true })
    lines.push(`mount --bind '${own}' ${path}`)
  }
  for (const [name, value] of Object.entries(shownSettings)) {
    const own = join(folder, 'settings', name)
    await mkdir(join(own, '..'), { recursive: true })
    await writeFile(own, `${value}\n`)
    lines.push(`if [ -e /proc/sys/${name} ]; then mount --bind '${own}' /proc/sys/${name}; fi`)
  }
  return [...lines, 'echo ready', 'exec sleep infinity'].join('\n')
}

// Pods may not reach this machine, nor this machine pods: forwarding between bridge and link is refused.
const networkScript = `
[ ! -e /proc/sys/net/ipv6/conf/all/disable_ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
ip link set lo up
ip address add ${nodeAddress}/${linkPrefix} dev ${nodeLink}
ip link set ${nodeLink} up
ip link add ${bridge} type bridge
ip address add ${bridgeAddress}/24 dev ${bridge}
ip link set ${bridge} up
ip route add ${serviceRange} dev ${bridge}
echo 1 > /proc/sys/net/ipv4/ip_forward
nft add table inet mnemos-node
nft 'add chain inet mnemos-node forward { type filter hook forward priority filter ; }'
nft add rule inet mnemos-node forward oifname ${nodeLink} reject
nft add rule inet mnemos-node forward iifname ${nodeLink} reject
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
  echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
  echo 'bridge filter'
fi
`

/** @throws when the machine uses the link's addresses for something else */
async function checkAddresses(): Promise<void> {
  const routes = await run('ip', ['-oneline', 'route', 'show', 'root', `${hostAddress.replace(/\d+$/, '0')}/24`])
  if (routes.length > 0)
    throw new Error(`this machine already has a route where the node's link would be: ${routes[0] ?? ''}; remove it first`)
}

async function said(child: ChildProcess, word: string): Promise<void> {
  const text: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      reject(new Error(`the node's namespaces could not be made (${code ?? 'killed'}): ${text.join('').trim()}`))
    })
    child.stderr?.on('data', (chunk: Buffer) => text.push(chunk.toString()))
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(word)) resolve()
    })
  })
}
