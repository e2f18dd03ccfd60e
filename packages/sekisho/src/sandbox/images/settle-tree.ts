import { chmodSync, lchownSync, rmSync } from 'node:fs'
import { SekishoError } from '../../core/error.ts'
import { AGENT_ID } from '../layout.ts'
import { listAttributes, readAttribute, removeAttribute } from './attributes.ts'
import { type TreeEntry, walkTree } from './tree-walk.ts'

/** umoci's, of an unpacking without privilege: who owns the entry in the image */
const OWNER_ATTRIBUTE = 'user.rootlesscontainers'
const MAX_ATTRIBUTE_BYTES = 64

export type Settled = {
  /** sockets, FIFOs and device nodes, which no root file system of ours needs */
  removed: readonly string[]
}

/**
 * Makes an unpacked image something that may lie on this machine: root's, without set-user-id
 * bits, special files and extended attributes (file capabilities, and what an overlay would take
 * for its own notes), and writable for root alone.
 *
 * In a session there is one user, `agent`. What the image lets uid 1000 read and run, everybody may
 * read and run afterwards; what it does not, nobody but root may.
 *
 * @param root host path of a tree that no other process changes
 */
export async function settleTree(root: string): Promise<Settled> {
  const removed: string[] = []
  await walkTree(root, (entry) => {
    const { path, name, status } = entry
    if (status.isSymbolicLink()) return lchownSync(path, 0, 0)
    if (status.isDirectory() || status.isFile()) return settle(entry)
    rmSync(path)
    removed.push(name)
  })
  return { removed }
}

function settle({ path, name, status }: TreeEntry): void {
  const owner = ownerOf(path)
  for (const attribute of listAttributes(path)) removeAttribute(path, attribute)
  const bits = agentBits(Number(status.mode), owner)
  // the root itself belongs to the layer above; a closed one would shut out everything
  const open = name === '/' ? 0o5 : bits
  lchownSync(path, 0, 0)
  // root may write where the owner might: what `cp` makes of a copy is to be writable
  const forRoot = open | 0o4 | ((Number(status.mode) >> 6) & 0o2)
  chmodSync(path, (forRoot << 6) | (open << 3) | open)
}

/** What the kernel would let uid and gid 1000 do, writing aside. */
function agentBits(mode: number, { uid, gid }: Owner): number {
  const shift = uid === AGENT_ID ? 6 : gid === AGENT_ID ? 3 : 0
  return (mode >> shift) & 0o5
}

type Owner = { uid: number; gid: number }

/** Root's when nothing is noted. @throws SekishoError ROOTFS_INVALID for a note that is none */
function ownerOf(path: Buffer): Owner {
  const note = readAttribute(path, OWNER_ATTRIBUTE, MAX_ATTRIBUTE_BYTES)
  if (note === undefined) return { uid: 0, gid: 0 }
  return parseOwnerNote(note)
}

/**
 * Two numbers in the encoding of protocol buffers: field 1 is the uid, field 2 the gid, both
 * varints. An image may bring such an attribute itself, so anything may be in it.
 *
 * @see https://rootlesscontaine.rs/proto/rootlesscontainers.proto
 */
export function parseOwnerNote(note: Buffer): Owner {
  const owner: Owner = { uid: 0, gid: 0 }
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = note[at++]
      if (byte === undefined) throw badNote()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw badNote()
  }
  while (at < note.length) {
    const field = varint()
    const value = varint()
    if (field === 0x08) owner.uid = value
    else if (field === 0x10) owner.gid = value
    else throw badNote()
  }
  return owner
}

function badNote(): SekishoError {
  return new SekishoError('ROOTFS_INVALID', `a ${OWNER_ATTRIBUTE} that names no owner`)
}
