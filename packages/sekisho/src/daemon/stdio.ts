import { createReadStream, createWriteStream, fchownSync } from 'node:fs'
import net from 'node:net'
import type { Readable, Writable } from 'node:stream'
import tty from 'node:tty'
import { createPipe } from '../kernel/pipes.ts'
import { describeDescriptor } from '../kernel/pidfd.ts'

/**
 * The command's standard streams. Nothing the user has open enters the sandbox: the command gets
 * pipes (or a terminal) of its own and the bytes are carried across, so a file behind `>` cannot
 * be reopened, a socket behind stdin cannot pass descriptors, and a terminal cannot be driven.
 */
export type Stdio = {
  /** descriptors to give the command; the caller closes them once it has started */
  inner: readonly [number, number, number]
  /** resolves when all that the command wrote has been handed on */
  drained: Promise<void>
  destroy(): void
}

type Outer = readonly [number, number, number]

/** Takes over the descriptors of `outer`. @param ownerUid host id that owns the pipes' inner ends */
export function relayPipes(outer: Outer, ownerUid: number): Stdio {
  const streams: (Readable | Writable)[] = []
  const flushed: Promise<void>[] = []
  const inner = outer.map((fd, i) => {
    const pipe = createPipe()
    const [own, theirs] = i === 0 ? [pipe.write, pipe.read] : [pipe.read, pipe.write]
    // so that /dev/stdout can be opened inside, as shell scripts do
    fchownSync(theirs, ownerUid, ownerUid)
    const ours = new net.Socket({ fd: own, readable: i !== 0, writable: i === 0 })
    const users = i === 0 ? readFrom(fd) : writeTo(fd)
    streams.push(ours, users)
    if (i === 0) carry(users as Readable, ours)
    else flushed.push(carry(ours, users as Writable))
    return theirs
  })
  return {
    inner: [inner[0] ?? 0, inner[1] ?? 0, inner[2] ?? 0],
    drained: Promise.all(flushed).then(() => undefined),
    destroy: () => {
      for (const stream of streams) stream.destroy()
    },
  }
}

/** Joins the user's terminal with the sandbox's own, whose master side `master` is. */
export function relayTerminal(
  outer: { input: number; output: number },
  master: { input: number; output: number },
): { drained: Promise<void>; destroy(): void } {
  const keys = new tty.ReadStream(outer.input)
  const screen = new tty.WriteStream(outer.output)
  const toCommand = new tty.WriteStream(master.input)
  const fromCommand = new tty.ReadStream(master.output)
  void carry(keys, toCommand)
  const drained = carry(fromCommand, screen)
  return {
    drained,
    destroy: () => {
      for (const stream of [keys, screen, toCommand, fromCommand]) stream.destroy()
    },
  }
}

/** Resolves once either side is finished; the other side then learns of it as a pipe's would. */
function carry(from: Readable, to: Writable): Promise<void> {
  return new Promise((resolve) => {
    // Errors here are ends: EPIPE (the reader left), EIO (a terminal's other side closed).
    from.on('error', () => to.end())
    to.on('error', () => from.destroy())
    from.on('close', () => {
      if (!to.writableEnded) to.end()
    })
    to.on('close', () => {
      from.destroy()
      resolve()
    })
    to.on('finish', () => to.destroy())
    from.pipe(to)
  })
}

function readFrom(fd: number): Readable {
  const kind = describeDescriptor(fd)
  if (kind === 'tty') return new tty.ReadStream(fd)
  if (kind === 'pipe' || kind === 'socket') return new net.Socket({ fd, readable: true })
  return createReadStream('', { fd })
}

function writeTo(fd: number): Writable {
  const kind = describeDescriptor(fd)
  if (kind === 'tty') return new tty.WriteStream(fd)
  if (kind === 'pipe' || kind === 'socket') return new net.Socket({ fd, readable: false, writable: true })
  return createWriteStream('', { fd })
}
