import { closeSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { listenForDescriptors } from '../../../kernel/descriptors.ts'
import { createReactor, type Reactor } from '../../../kernel/reactor.ts'
import { type InterceptedCall, watchSyscalls } from '../../../kernel/seccomp-notify.ts'
import { writeWindowSize } from '../../../kernel/terminal.ts'
import { seccompProfile } from '../../seccomp.ts'
import type { Bed, Running } from './bed.ts'

const EPERM = 1

async function withReactor<T>(use: (reactor: Reactor) => Promise<T>): Promise<T> {
  const errors: unknown[] = []
  const reactor = createReactor({ onError: (error) => errors.push(error) })
  try {
    const result = await use(reactor)
    if (errors.length > 0) throw new AggregateError(errors, 'the reactor has failed')
    return result
  } finally {
    reactor.close()
  }
}

/** Runs a command on a terminal of 33 by 99. @returns all that was written to it */
export function onTerminal(
  bed: Bed,
  argv: readonly string[],
): Promise<{ text: string; code: number | null }> {
  return withReactor(async (reactor) => {
    const socket = join(bed.directory, 'console.sock')
    const master = Promise.withResolvers<number>()
    const listener = listenForDescriptors(socket, reactor, (_payload, [fd = -1]) => {
      writeWindowSize(fd, { rows: 33, columns: 99 })
      master.resolve(fd)
    })
    try {
      const running = bed.start({ argv, terminal: true, consoleSocket: socket })
      const early = running.ended.then(({ stderr }) => {
        throw new Error(`it has ended without a terminal: ${stderr}`)
      })
      early.catch(() => undefined) // the race has been won by then
      const text = await readTerminal(await Promise.race([master.promise, early]), reactor)
      return { text, code: (await running.ended).code }
    } finally {
      listener.close()
    }
  })
}

/** Reads the terminal to its end, which is EIO once nobody has the other side open. */
function readTerminal(terminal: number, reactor: Reactor): Promise<string> {
  const ended = Promise.withResolvers<string>()
  let text = ''
  const unwatch = reactor.watch(terminal, () => {
    try {
      const chunk = Buffer.alloc(4096)
      text += chunk.toString('utf8', 0, readSync(terminal, chunk))
    } catch (error) {
      unwatch()
      closeSync(terminal)
      if (error instanceof Error && 'code' in error && error.code === 'EIO') ended.resolve(text)
      else ended.reject(error)
    }
  })
  return ended.promise
}

/** Runs a command whose forbidden calls a listener gets and refuses, as the supervisor does. */
export function withListener(
  bed: Bed,
  argv: readonly string[],
): Promise<{ calls: InterceptedCall[]; outcome: Awaited<Running['ended']> }> {
  return withReactor(async (reactor) => {
    const calls: InterceptedCall[] = []
    const watches: { close(): void }[] = []
    const listenerPath = join(bed.directory, 'seccomp.sock')
    watches.push(
      listenForDescriptors(listenerPath, reactor, (payload, [fd = -1]) => {
        const { metadata }: { metadata?: unknown } = JSON.parse(payload.toString())
        if (metadata !== 'this session') throw new Error(`whose calls? ${String(metadata)}`)
        const refuse = (call: InterceptedCall): { errno: number } => {
          calls.push(call)
          return { errno: EPERM }
        }
        watches.push(watchSyscalls(fd, reactor, refuse))
      }),
    )
    try {
      const seccomp = seccompProfile({ notify: true, listenerPath, metadata: 'this session' })
      const { seccompProgram } = bed.probed
      return { calls, outcome: await bed.run({ argv, seccomp, seccompProgram }) }
    } finally {
      for (const watch of watches) watch.close()
    }
  })
}
