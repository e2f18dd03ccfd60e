import { SekishoError } from '../core/error.ts'
import { countOwnIds } from '../kernel/own-ids.ts'
import { AGENT_ID } from '../sandbox/layout.ts'

/** A range of ids: `containerID + n` inside is `hostID + n` in the supervisor's user namespace. */
type IdRange = { containerID: number; hostID: number; size: number }

/** The ids of one session. */
export type SessionIds = {
  /** first of its block, and root inside */
  idBase: number
  agentUid: number
  map: readonly IdRange[]
}

/**
 * The ids that this process may hand out, in its own user namespace.
 *
 * On the host they are plain numbers between the 16-bit ids that Debian and systemd hand out and
 * systemd's container ranges (from 524,288): nothing is added to /etc/passwd and nothing is left
 * behind (docs/adr/0002-processes.md). In a user namespace they are what is mapped there.
 */
export type IdPlan = {
  /** one uid per kind of process, so that none can signal, trace or read another kind */
  uids: Uids
  /** each session's own, one block after the other */
  blocks: { first: number; size: number; count: number }
  /**
   * An agent that writes to files of the user who runs the platform has that user's uid: only the
   * host's root can show files as owned by somebody else.
   */
  agentIsUser: boolean
}

type Uids = Readonly<
  Record<'keyholder' | 'control' | 'gate' | 'importer' | 'solver' | 'exporter' | 'root', number>
>

function uidsFrom(base: number): Uids {
  return {
    keyholder: base + 1,
    control: base + 2,
    gate: base + 3,
    importer: base + 4,
    solver: base + 5,
    exporter: base + 6,
    root: base + 7,
  }
}

const HOST: IdPlan = {
  uids: uidsFrom(70_900),
  // above systemd-nspawn's container range (0x00080000–0x6FFFFFFF)
  blocks: { first: 0x7000_0000, size: 65_536, count: 30_000 },
  agentIsUser: false,
}
/** Enough for a root, the tty group and the agent; 65,536 mapped ids hold 63 such blocks. */
const SMALL_BLOCK = 1024
const FEWEST_BLOCKS = 4

/**
 * @param mapped of {@link countOwnIds}
 * @throws SekishoError HOST_UNSUPPORTED where too few ids are mapped for a few sessions
 */
export function planIds(mapped: number): IdPlan {
  if (mapped === Infinity) return HOST
  const count = Math.floor(mapped / SMALL_BLOCK) - 1
  if (count >= FEWEST_BLOCKS) {
    return {
      uids: uidsFrom(900),
      blocks: { first: SMALL_BLOCK, size: SMALL_BLOCK, count },
      agentIsUser: true,
    }
  }
  throw new SekishoError('HOST_UNSUPPORTED', `only ${mapped} ids are mapped here`, {
    hint: 'give your user a range of 65536 ids in /etc/subuid and /etc/subgid (usermod(8))',
  })
}

const OWN = planIds(countOwnIds())

export const UIDS = OWN.uids
/** Root in a user namespace of its own, with none of the host's rights. */
export const IS_ROOTLESS = OWN !== HOST

/**
 * @param idBase from {@link HostIdBlocks}
 * @param writes whether the agent is to write to files of the user's own
 */
export function idsOf(
  idBase: number,
  { writes }: { writes: boolean },
  { blocks, agentIsUser }: IdPlan = OWN,
): SessionIds {
  const agentUid = writes && agentIsUser ? 0 : idBase + AGENT_ID
  const whole = { containerID: 0, hostID: idBase, size: blocks.size }
  if (agentUid !== 0) return { idBase, agentUid, map: [whole] }
  const after = AGENT_ID + 1
  return {
    idBase,
    agentUid,
    map: [
      { ...whole, size: AGENT_ID },
      { containerID: AGENT_ID, hostID: agentUid, size: 1 },
      { containerID: after, hostID: idBase + after, size: blocks.size - after },
    ],
  }
}

/** Of the sandbox that is created once, to try the runtime, and never runs. */
export const PROBE_IDS = idsOf(OWN.blocks.first, { writes: false })

/**
 * Hands out a block of host ids that no running session of this instance has. A released block is
 * the next to be given again: what was prepared for it (an id-mapped namespace) still fits.
 */
export class HostIdBlocks {
  readonly #released: number[] = []
  readonly #blocks: IdPlan['blocks']
  #next: number
  #used = 0

  /** @param seed spreads instances of the platform on one machine over the range */
  constructor(seed: number, { blocks }: IdPlan = OWN) {
    this.#blocks = blocks
    this.#next = (seed * 61) % blocks.count
  }

  /** @throws SekishoError SANDBOX_FAILED when every block is in use */
  take(): number {
    const { first, size, count } = this.#blocks
    const again = this.#released.pop()
    if (again !== undefined) return again
    if (this.#used >= count) {
      throw new SekishoError('SANDBOX_FAILED', `all ${count} blocks of ids are in use`, {
        hint: 'end a session; an ordinary user can be given more ids in /etc/subuid and /etc/subgid',
      })
    }
    const slot = this.#next
    this.#next = (slot + 1) % count
    this.#used += 1
    return first + slot * size
  }

  release(base: number): void {
    this.#released.push(base)
  }
}
