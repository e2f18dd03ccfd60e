import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom, ROOTLESS_VARIABLE } from '../daemon/paths.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the platform in the foreground',
  usage: 'sekisho serve [--until-stdin-closes]',

  async run(argv) {
    const { values } = jsonFlag(serve.usage, argv, {
      'until-stdin-closes': { type: 'boolean', default: false },
    })
    if (!mayAdminister()) {
      throw new SekishoError('PERMISSION_REQUIRED', 'this root lacks CAP_SYS_ADMIN', {
        hint: 'run it outside of the container, or in one that has this capability',
      })
    }
    const paths = pathsFrom(process.env)
    // The supervisor lives in a mount namespace of its own: what it mounts, the host never sees,
    // and it is gone with the supervisor however that ends.
    const own = ['--mount', '--propagation', 'slave', ...(isRootless() ? ['--cgroup'] : [])]
    const flags = values['until-stdin-closes'] === true ? ['--until-stdin-closes'] : []
    const entry = join(paths.code, 'packages/sekisho/src/daemon/supervisor-main.ts')
    const command = ['unshare', ...own, process.execPath, '--disable-warning=ExperimentalWarning']
    if (process.execve === undefined)
      throw new SekishoError('HOST_UNSUPPORTED', 'execve is missing')
    return process.execve('/usr/bin/unshare', [...command, entry, ...flags], environment())
  },
}

/** Without a cgroup namespace of its own, an ordinary user's root may mount no cgroups. */
function isRootless(): boolean {
  return process.env[ROOTLESS_VARIABLE] !== undefined
}

const CAP_SYS_ADMIN = 21n

/** Root of a container is often root by name alone; no namespace can be made without this. */
function mayAdminister(): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n
}

function environment(): Record<string, string> {
  const defined = Object.entries(process.env).filter(
    (e): e is [string, string] => e[1] !== undefined,
  )
  // by this the supervisor tells that it really is in another namespace
  const outer = readlinkSync('/proc/self/ns/mnt')
  return { ...Object.fromEntries(defined), SEKISHO_OUTER_MOUNTS: outer }
}
