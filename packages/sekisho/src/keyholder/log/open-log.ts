import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type LogProofs, type OpenEntry, parseVkey } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import { type CheckpointKeys, Checkpoints } from './checkpoints.ts'
import { type LogFiles, lockDirectory, nodeFiles, syncDirectory } from './files.ts'
import type { LeafSigner } from './leaf-text.ts'
import { recoverLog } from './recover.ts'
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
  /** writes what is queued and lets the directory go */
  close(): Promise<void>
}

export type LogOptions = CheckpointKeys & {
  dir: string
  now: () => Date
  files?: LogFiles
  /** monotonic, ms */
  elapsedMs?: () => number
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
  const recovered = await recoverLog(dir, parseVkey(signer.vkey))
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
    close: async () => {
      writer.close()
      await tiles.stop()
      lock.release()
    },
  }
}

function warnOnStderr(line: string): void {
  process.stderr.write(`keyholder: ${line}\n`)
}

function makeDirectory(dir: string): void {
  try {
    const made = mkdirSync(dir, { recursive: true, mode: 0o750 })
    if (made !== undefined) syncDirectory(dirname(dir))
  } catch (cause) {
    throw new SekishoError('LOG_UNWRITABLE', `cannot make ${dir}`, {
      hint: 'make the state directory writable for the keyholder',
      cause,
    })
  }
}
