import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, readFileSync } from 'node:fs'
import { call, callInChild, type Words, wordsOf } from './native.ts'
import { codeOf, fact, type Finding, type Probe, type Probes, told } from './probe.ts'

const WORKSPACE = '/workspace'
const SYS = {
  prctl: 157,
  setuid: 105,
  setgid: 106,
  setgroups: 116,
  capset: 126,
  setresuid: 117,
} as const
const PR = {
  setNoNewPrivileges: 38,
  capAmbient: 47,
  setSecurebits: 28,
  capBoundingDrop: 24,
} as const
const PR_CAP_AMBIENT_RAISE = 2
const CAP_NET_RAW = 13
const CAPABILITY_VERSION_3 = 0x20080522

/** In a child: a success would change who the battery is. */
function failsInChild(words: () => Words): Probe {
  return (): Finding => {
    const { values } = callInChild([words()])
    const value = values[0] ?? null
    return { held: value === null || value < 0, detail: told(value) }
  }
}

function everyCapability(): Words {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(CAPABILITY_VERSION_3, 0)
  return wordsOf(SYS.capset, [header, Buffer.alloc(24, 0xff)])
}

/** A v3 file capability of CAP_NET_RAW, effective, for the session's root. */
function fileCapability(): Buffer {
  const value = Buffer.alloc(24)
  value.writeUInt32LE(0x0300_0001, 0)
  value.writeUInt32LE(1 << CAP_NET_RAW, 4)
  return value
}

/** What a program that the host has planted with more rights says of itself. */
function planted(name: string, argument: string, refuse: RegExp): Probe {
  return fact(() => {
    const { stdout, error } = spawnSync(`${WORKSPACE}/${name}`, [argument], {
      encoding: 'utf8',
      timeout: 5000,
    })
    if (error !== undefined) return undefined // it does not even run
    return refuse.test(stdout) ? (refuse.exec(stdout)?.[0] ?? '') : undefined
  })
}

export const privileges: Probes = {
  'become-root': failsInChild(() => wordsOf(SYS.setuid, [0])),
  'become-root-group': failsInChild(() => wordsOf(SYS.setgid, [0])),
  'become-another-user': failsInChild(() => wordsOf(SYS.setresuid, [1001, 1001, 1001])),
  'take-groups': failsInChild(() => wordsOf(SYS.setgroups, [1, Buffer.alloc(4)])),
  'take-capabilities': failsInChild(everyCapability),
  'ambient-capability': failsInChild(() =>
    wordsOf(SYS.prctl, [PR.capAmbient, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0]),
  ),
  securebits: failsInChild(() => wordsOf(SYS.prctl, [PR.setSecurebits, 0, 0, 0, 0])),
  'no-new-privileges-off': failsInChild(() =>
    wordsOf(SYS.prctl, [PR.setNoNewPrivileges, 0, 0, 0, 0]),
  ),
  'setuid-root-in-workspace': planted('setuid-host-root', '-u', /^0$/m),
  'setuid-session-root-in-workspace': planted('setuid-session-root', '-u', /^0$/m),
  'setgid-in-workspace': planted('setgid-session-root', '-g', /^0$/m),
  'file-capability-in-workspace': planted(
    'capable',
    '/proc/self/status',
    /^Cap(Prm|Eff):\s*0*[1-9a-f].*$/m,
  ),
  'setuid-of-its-own-in-tmp': fact(() => {
    copyFileSync('/usr/bin/id', '/tmp/setuid')
    chmodSync('/tmp/setuid', 0o6755)
    const { stdout } = spawnSync('/tmp/setuid', ['-u'], { encoding: 'utf8', timeout: 5000 })
    return stdout.trim() === '0' ? 'root' : undefined
  }),
  'set-file-capability': fact(() => {
    copyFileSync('/usr/bin/true', '/tmp/capable')
    const value = fileCapability()
    const result = call(188, '/tmp/capable', 'security.capability', value, 20, 0)
    return result < 0 ? undefined : told(result)
  }),
  'setuid-of-the-host': runsAsItself,
}

/** su waits for a password, which is time enough to see whose it is. */
async function runsAsItself(): Promise<Finding> {
  const su = spawn('/usr/bin/su', [], { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = new Promise((resolve) => su.on('close', resolve).on('error', resolve))
  try {
    for (let look = 0; look < 100; look++) {
      const status = readFileSync(`/proc/${su.pid}/status`, 'utf8')
      const [, effective] = /^Uid:\s+\d+\s+(\d+)/m.exec(status) ?? []
      if (/^Name:\s+su$/m.test(status))
        return { held: effective === '1000', detail: `uid ${effective}` }
    }
    return { held: null, detail: 'su did not start' }
  } catch (error) {
    return { held: null, detail: codeOf(error) }
  } finally {
    su.kill('SIGKILL')
    await ended
  }
}
