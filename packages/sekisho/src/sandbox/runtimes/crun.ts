import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { probeable, requireProgram, runProbe, withBundle } from './probe-command.ts'
import type { RunRequest, Runtime, RuntimeProbe, RuntimeProbeOptions } from './runtime.ts'

const CRUN = '/usr/bin/crun'
/** 1.8 is the first that connects a seccomp listener before it drops into the container */
const OLDEST = [1, 8] as const

/** The default: starts in a fraction of runc's time, and takes the filter compiled. */
export const crun: Runtime = {
  name: 'crun',
  isolation: 'standard',
  takesLateMounts: true,
  takesMountsInProc: true,
  takesSignals: 'init',
  command,
  adapt: (spec) => spec,
  probe,
}

function command(request: RunRequest): readonly [string, ...string[]] {
  const { id, bundle, root, pidFile, consoleSocket } = request
  const run = ['run', '--bundle', bundle, '--pid-file', pidFile]
  const terminal = consoleSocket === null ? [] : ['--console-socket', consoleSocket]
  return [CRUN, '--root', root, '--cgroup-manager=disabled', ...run, ...terminal, id]
}

/** Compiling the filter costs 2 ms, each time: done here once, later sessions carry the result. */
async function probe(options: RuntimeProbeOptions): Promise<RuntimeProbe> {
  await requireProgram(CRUN, 'crun')
  const version = checkVersion(await run(options, ['--version']))
  const seccompProgram = await withBundle(options.directory, probeable(options.spec), () =>
    compile(options),
  )
  return { version, seccompProgram, degraded: [] }
}

async function compile(options: RuntimeProbeOptions): Promise<string> {
  const id = 'probe'
  await run(options, ['create', '--bundle', options.directory, id])
  try {
    return (await readFile(join(options.root, id, 'seccomp.bpf'))).toString('base64')
  } finally {
    await run(options, ['delete', '--force', id])
  }
}

function run(options: RuntimeProbeOptions, args: readonly string[]): Promise<string> {
  return runProbe({
    wrap: options.wrap ?? [],
    command: [CRUN, '--root', options.root, '--cgroup-manager=disabled', ...args],
    package: 'crun',
    hint: 'the kernel must allow user namespaces; /sys/fs/cgroup must be one plain hierarchy',
    leavesContainer: args[0] === 'create',
  })
}

/**
 * @returns the version, such as `1.8.1`
 * @throws SekishoError DEPENDENCY_MISSING when it cannot hold a session
 */
export function checkVersion(output: string): string {
  const version = /^crun version (\d+)\.(\d+)\S*/m.exec(output)
  if (version === null || !output.includes('+SECCOMP')) {
    throw new SekishoError('DEPENDENCY_MISSING', 'this crun cannot filter system calls', {
      hint: 'install the Debian package crun',
    })
  }
  const [text, major = '0', minor = '0'] = version
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
    throw new SekishoError('DEPENDENCY_MISSING', `${text} is older than ${OLDEST.join('.')}`, {
      hint: 'install a newer crun',
    })
  }
  return text.slice('crun version '.length)
}
