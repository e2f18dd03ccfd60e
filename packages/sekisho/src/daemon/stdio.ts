import { closeSync, createReadStream, createWriteStream, openSync } from 'node:fs'
import net from 'node:net'
import { type Readable, Writable } from 'node:stream'
import tty from 'node:tty'
import { duplicateDescriptor } from '../kernel/duplicate.ts'
import { describeDescriptor } from '../kernel/pidfd.ts'
import type { CommandStreams } from './launcher.ts'

/**
 * The command's standard streams. Nothing the user has open enters the sandbox: the command gets
 * pipes (or a terminal) of its own and the bytes are carried across, so a file behind `>` cannot
 * be reopened, a socket behind stdin cannot pass descriptors, and a terminal cannot be driven.
 */
export type Relay = {
  /** resolves when all that the command wrote has been handed on */
  drained: Promise<void>
  destroy(): void
  /** of what it wrote, so far; where nothing is dropped, absent */
  readonly droppedBytes?: number
}

type Outer = readonly [stdin: number, stdout: number, stderr: number]

/**
 * For a command before the one that was asked for, whose input and output those are: it reads
 * nothing, and what it says goes where errors go. Takes over the descriptors given.
 */
export function aside([stdin, stdout, stderr]: Outer): Outer {
  for (const fd of [stdin, stdout]) closeSync(fd)
  return [openSync('/dev/null', 'r'), duplicateDescriptor(stderr), stderr]
}

/** Takes over the descriptors of `outer`, which the user's process shares. */
export function relayPipes(outer: Outer, command: CommandStreams): Relay {
  const input = readFrom(outer[0])
  const output = writeTo(outer[1])
  const error = writeTo(outer[2])
  void carry(input, command.stdin)
  const flushed = [carry(command.stdout, output), carry(command.stderr, error)]
  return {
    drained: Promise.all(flushed).then(() => undefined),
    destroy: () => {
      for (const stream of [input, output, error]) stream.destroy()
    },
  }
}

/** Joins the user's terminal with the sandbox's own, whose master side `master` is. */
export function relayTerminal(
  [input, output, error]: readonly [number, number, number],
  master: { input: number; output: number },
): Relay {
  closeSync(error) // a terminal has one stream for both
  const keys = readTerminal(input)
  const screen = writeTerminal(output)
  const toCommand = writeTerminal(master.input)
  const fromCommand = readTerminal(master.output)
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
  if (kind === 'tty') return readTerminal(fd)
  if (kind === 'pipe' || kind === 'socket') {
    // half open: at the end of input, a socket that is also the user's stdout goes on
    return new net.Socket({ fd, readable: true, writable: false, allowHalfOpen: true })
  }
  return createReadStream('', { fd })
}

function writeTo(fd: number): Writable {
  const kind = describeDescriptor(fd)
  if (kind === 'tty') return writeTerminal(fd)
  if (kind === 'pipe') return new net.Socket({ fd, readable: false, writable: true })
  if (kind === 'socket') return writeToSocket(fd)
  return createWriteStream('', { fd })
}

function readTerminal(fd: number): tty.ReadStream {
  return takeOver(new tty.ReadStream(fd), fd)
}

function writeTerminal(fd: number): tty.WriteStream {
  return takeOver(new tty.WriteStream(fd), fd)
}

/**
 * libuv opens a terminal anew by its path and leaves the descriptor that it was given open, for
 * good: the user's terminal would never hang up. What it cannot open anew (a master side) it uses
 * and closes itself. Node tells which only on its handle.
 */
function takeOver<T extends tty.ReadStream | tty.WriteStream>(stream: T, fd: number): T {
  const handle: unknown = Reflect.get(stream, '_handle')
  const used: unknown = typeof handle === 'object' && handle !== null && Reflect.get(handle, 'fd')
  if (typeof used === 'number' && used >= 0 && used !== fd) closeSync(fd)
  return stream
}

/**
 * `end` of a net.Socket is shutdown(2), which ends the connection for everybody who shares it: the
 * client could not say why its session ended, nor the caller's next command write a line.
 */
function writeToSocket(fd: number): Writable {
  const socket = new net.Socket({ fd, readable: false, writable: true, allowHalfOpen: true })
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, (error) => done(error)),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('error', (error) => stream.destroy(error))
  return stream
}
