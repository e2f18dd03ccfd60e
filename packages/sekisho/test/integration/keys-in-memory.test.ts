import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KeyObject } from 'node:crypto'
import { Keys } from '../../src/keyholder/keys.ts'
import { type Client, type Instance, openInstance, processesOf, startRun } from './instance.ts'

/**
 * Who has private keys in its memory, as root reads it out of the running processes. What is looked
 * for can be computed here from the keyholder's master key: that, and keys that are made of it.
 */

const PLAIN = { version: 1, name: 'plain', presets: 'none' }

let instance: Instance
let client: Client
let needles: readonly Needle[] = []
beforeAll(async () => {
  instance = await openInstance({ agents: { plain: PLAIN } })
  client = startRun(instance, ['sh', '-c', 'getent hosts nobody.test; echo up; exec sleep 600'], {
    flags: ['--agent', 'plain'],
  })
  await client.says('up')
  const master = readFileSync(join(instance.home, 'state/keyholder/keys/master.key'))
  const keys = new Keys(master)
  needles = [
    { name: 'master key', forms: [master] },
    { name: 'issuing key', forms: formsOf(keys.issuingAuthority(1)) },
    { name: 'root key', forms: formsOf(keys.rootAuthority()) },
  ]
})
afterAll(async () => {
  client?.process.kill('SIGTERM')
  await instance?.close()
})

type Needle = { name: string; forms: readonly Buffer[] }

test('the search finds keys where they are: in the keyholder', async () => {
  const { keyholder = 0 } = await processesOf(instance)
  expect(foundIn(keyholder)).toEqual(expect.arrayContaining(['master key', 'issuing key']))
})

test('no other process of the platform, and none of a session, has any of them', async () => {
  const { keyholder, ...others } = await processesOf(instance)
  const inside = sandboxed()
  expect(Object.keys(others)).toEqual(expect.arrayContaining(['supervisor', 'control', 'gate-0']))
  expect(inside.length).toBeGreaterThan(0)
  const found = [...Object.entries(others), ...inside.map((pid) => ['session', pid] as const)]
    .filter(([, pid]) => pid > 0 && pid !== keyholder)
    .map(([name, pid]) => [name, foundIn(pid)])
  expect(found).toEqual(found.map(([name]) => [name, []]))
})

test('nothing of the keyholder’s state is to be seen from inside', async () => {
  const state = join(instance.home, 'state')
  // /var/lib/sekisho has a tripwire of that name, in which there is nothing
  const script = `find / -path /var/lib/sekisho -prune -o -name master.key -print 2>/dev/null; ls ${state} 2>/dev/null
    cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[k]eyholder-main'`
  const seen = startRun(instance, ['sh', '-c', script], { flags: ['--agent', 'plain'] })
  const { stdout } = await seen.ended
  expect(stdout).toBe('0\n')
})

/** As it is exported, and as OpenSSL keeps it: 64-bit words, the least significant first. */
function formsOf(key: KeyObject): Buffer[] {
  const bigEndian = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')
  return [bigEndian, Buffer.from(bigEndian).reverse()]
}

function foundIn(pid: number): string[] {
  const found = new Set<string>()
  for (const region of regionsOf(pid)) {
    for (const { name, forms } of needles) {
      if (forms.some((form) => region.includes(form))) found.add(name)
    }
  }
  return [...found]
}

const PIECE_BYTES = 16 * 1024 * 1024
/** A needle may lie across two pieces. */
const OVERLAP_BYTES = 64

/** Every readable page that the process has in memory. */
function* regionsOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const piece = Buffer.alloc(PIECE_BYTES)
  try {
    for (const { start, end } of mappedBy(pid)) {
      for (let at = start; at < end; at += PIECE_BYTES - OVERLAP_BYTES) {
        const wanted = piece.subarray(0, Math.min(PIECE_BYTES, end - at))
        yield wanted.subarray(0, readAt(memory, wanted, at))
      }
    }
  } finally {
    closeSync(memory)
  }
}

function readAt(memory: number, into: Buffer, at: number): number {
  try {
    return readSync(memory, into, 0, into.length, at)
  } catch {
    return 0 // the kernel's own page, which nobody reads
  }
}

function mappedBy(pid: number): { start: number; end: number }[] {
  const blocks = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)
  return blocks.flatMap((block) => {
    const [, start = '', end = '', rights = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(block) ?? []
    const isThere = !/^Rss: +0 kB$/m.test(block) && rights.startsWith('r')
    return isThere ? [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) }] : []
  })
}

/** The command of the session, as the host sees it. */
function sandboxed(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isOfBerth(pid))
}

function isOfBerth(pid: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return command[0] === 'sleep' && /berth-\d+/.test(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
  } catch {
    return false // it has ended
  }
}
