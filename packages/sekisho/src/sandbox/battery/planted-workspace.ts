import { chmodSync, chownSync, copyFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { syscall } from '../../kernel/libc.ts'
import { AGENT_ID } from '../layout.ts'

/** What a user's directory may hold that would do more than it should, were it followed or run. */
export function plantWorkspace(
  path: string,
  { idBase, secret }: { idBase: number; secret: string },
): void {
  chownSync(path, idBase + AGENT_ID, idBase + AGENT_ID)
  symlinkSync(secret, join(path, 'planted-link'))
  const program = (
    name: string,
    from: string,
    { owner, mode }: { owner: number; mode: number },
  ): void => {
    copyFileSync(from, join(path, name))
    chownSync(join(path, name), owner, owner)
    chmodSync(join(path, name), mode)
  }
  program('setuid-host-root', '/usr/bin/id', { owner: 0, mode: 0o4755 })
  program('setuid-session-root', '/usr/bin/id', { owner: idBase, mode: 0o4755 })
  program('setgid-session-root', '/usr/bin/id', { owner: idBase, mode: 0o2755 })
  program('capable', '/usr/bin/cat', { owner: idBase, mode: 0o755 })
  setCapability(join(path, 'capable'), idBase)
}

const SYS_SETXATTR = 188
const CAP_NET_RAW = 13

/** A v3 file capability (capabilities(7)): CAP_NET_RAW, effective, of the session's own root. */
function setCapability(path: string, rootUid: number): void {
  const value = Buffer.alloc(24)
  value.writeUInt32LE(0x0300_0001, 0)
  value.writeUInt32LE(1 << CAP_NET_RAW, 4)
  value.writeUInt32LE(rootUid, 20)
  const text = (word: string): Buffer => Buffer.from(`${word}\0`)
  syscall('setxattr', SYS_SETXATTR, text(path), text('security.capability'), value, value.length, 0)
}
