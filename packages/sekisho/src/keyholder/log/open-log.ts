import { dirname } from 'node:path'
import { makeDirectories } from '../../disk/make-directory.ts'
import { type LogProofs, type OpenEntry, openTiles, parseVkey } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import { type CheckpointKeys, Checkpoints } from './checkpoints.ts'
import { type LogFiles, lockDirectory, nodeFiles, syncDirectory } from './files.ts'
import type { LeafSigner } from './leaf-text.ts'
import { keepPromises, type KnownLog } from './promises.ts'
import { type Recovered, recoverLog } from './recover.ts'
import { TileKeeper } from './tile-keeper.ts'
import { LogWriter } from './writer.ts'

export type Log = {
  /** resolves with the leaf's index once it is durable and signed; see {@link LogWriter.append} */
  append(leaf: object, signer?: LeafSigner): Promise<number>
  /** durable leaves */
  readonly size: number
  /** whether a leaf may close it; false once one that does is queued or on the disk */
  isOpen(entry: OpenEntry): boolean
  /** sessions with a durable start and neither end nor gap */
  readonly openSessions: readonly string[]
  /** the last durable checkpoint, a signed note; null on an empty log */
  readonly checkpoint: string | null
  /** Ed25519, by which the log goes */
  readonly vkey: string
  /** all that sign checkpoints: Ed25519, then ML-DSA-44 where there is such a key */
  readonly vkeys: readonly string[]
  /** of the log as it is now. @throws SekishoError LOG_BROKEN when its leaves do not give its root */
  proofs(): Promise<LogProofs>
  /**
   * Holds the log to checkpoints of it that were kept elsewhere.
   *
   * @throws SekishoError LOG_BROKEN, "rolled back …", when it does not continue them all
   */
  promise(notes: readonly string[]): Promise<void>
  /** writes what is queued and lets the directory go */
  close(): Promise<void>
}

export type LogOptions = CheckpointKeys & {
  dir: string
  now: () => Date
  files?: LogFiles
  /** monotonic, ms */
  elapsedMs?: () => number
  /** as {@link Log.promise}, before anything is written */
  promised?: readonly string[]
  /** told what the log goes on without */
  warn?: (line: string) => void
}

/**
 * Opens the log in a directory for writing, alone, and makes it whole: what an interrupted flush
 * left is written again, and each intent that lost its outcome gets a gap leaf. Sessions stay open:
 * their supervisor may be alive and resume them.
 *
 * @throws SekishoError DAEMON_RUNNING, LOG_BROKEN (it is not continued), LOG_UNWRITABLE
 */
export async function openLog(options: LogOptions): Promise<Log> {
  makeDirectory(options.dir)
  const lock = lockDirectory(options.dir)
  try {
    return await openLocked(options, lock)
  } catch (thrown) {
    lock.release()
    throw thrown
  }
}

async function openLocked(options: LogOptions, lock: { release(): void }): Promise<Log> {
  const { dir, signer, now, files = nodeFiles, warn = warnOnStderr } = options
  const { elapsedMs = () => performance.now() } = options
  const verifier = parseVkey(signer.vkey)
  const recovered = await recoverLog(dir, verifier)
  await keepPromises(options.promised ?? [], { verifier, ...knownOf(dir, recovered) })
  const { size, root } = recovered.base
  const tiles = new TileKeeper({ dir, head: { size, root }, warn })
  const checkpoints = new Checkpoints(options, { now, elapsedMs })
  const onSealed: TileKeeper['take'] = (batch) => tiles.take(batch)
  const writer = new LogWriter({ dir, checkpoints, now, files, elapsedMs, onSealed }, recovered)
  try {
    await writer.settle()
  } catch (thrown) {
    await tiles.stop()
    throw thrown
  }
  return {
    append: (leaf, leafSigner) => writer.append(leaf, leafSigner),
    isOpen: (entry) => writer.isOpen(entry),
    get size() {
      return writer.size
    },
    get openSessions() {
      return writer.openSessions
    },
    get checkpoint() {
      return writer.checkpoint
    },
    vkey: signer.vkey,
    vkeys: checkpoints.vkeys,
    proofs: () => tiles.proofs(),
    promise: (notes) => {
      const rootOf = async (of: number): Promise<Buffer> => (await tiles.proofs()).root(of)
      return keepPromises(notes, { verifier, size: writer.size, rootOf })
    },
    close: async () => {
      await writer.close()
      await tiles.stop()
      lock.release()
    },
  }
}

/** Of what is on the disk before anything is written. */
function knownOf(dir: string, { whole }: Recovered): { size: number; rootOf: KnownLog['rootOf'] } {
  const { size, root } = whole
  return { size, rootOf: (of) => openTiles(dir, { size, root }).root(of) }
}

function warnOnStderr(line: string): void {
  process.stderr.write(`keyholder: ${line}\n`)
}

function makeDirectory(dir: string): void {
  try {
    const made = makeDirectories(dir, 0o750)
    if (made !== undefined) syncDirectory(dirname(dir))
  } catch (cause) {
    throw new SekishoError('LOG_UNWRITABLE', `cannot make ${dir}`, {
      hint: 'make the state directory writable for the keyholder',
      cause,
    })
  }
}
