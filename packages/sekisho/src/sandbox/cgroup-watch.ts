import { closeSync, openSync, readFileSync, readSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEventfd } from '../kernel/eventfd.ts'
import type { Reactor } from '../kernel/reactor.ts'
import { pauseMs } from './cgroup-end.ts'
import type { Place } from './cgroup-limits.ts'

/** After a signal, how often and how far apart the count of kills is looked at. */
const LOOKS = 20
const LOOK_MS = 5

/**
 * Tells at once when a session meets its memory limit and the kernel kills for it.
 *
 * Where the hierarchy is an old one the kernel kills one process only, and the rest of the session
 * is the caller's to kill; in the unified one it kills all of it (`memory.oom.group`).
 *
 * @param onHit may be called more than once
 * @returns a function that stops the watch; call it before the cgroup is removed
 * @throws SekishoError, or what the file system answers
 */
export function watchMemory(
  { version, directory }: Place,
  reactor: Pick<Reactor, 'watch'>,
  onHit: () => void,
): () => void {
  return version === 2 ? watchEvents(directory, onHit) : watchOom(directory, reactor, onHit)
}

/** A `file modified` event comes with each change of memory.events, other counts included. */
function watchEvents(directory: string, onHit: () => void): () => void {
  const file = join(directory, 'memory.events')
  const watcher = watch(file, { persistent: false }, () => {
    if (countOf(file, 'oom_kill') > 0) onHit()
  })
  watcher.on('error', () => watcher.close()) // the cgroup is gone: nothing is left to tell of
  return () => watcher.close()
}

/** @see Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control" */
function watchOom(
  directory: string,
  reactor: Pick<Reactor, 'watch'>,
  onHit: () => void,
): () => void {
  const file = join(directory, 'memory.oom_control')
  const event = createEventfd()
  const control = openSync(file, 'r')
  try {
    writeFileSync(join(directory, 'cgroup.event_control'), `${event} ${control}`)
  } catch (error) {
    closeSync(event)
    throw error
  } finally {
    closeSync(control)
  }
  let isWatched = true
  const unwatch = reactor.watch(event, async () => {
    readSync(event, Buffer.alloc(8))
    // Signalled before the kernel chooses whom to kill, and when the cgroup is being removed.
    for (let look = 0; look < LOOKS && isWatched; look++) {
      if (countOf(file, 'oom_kill') > 0) return onHit()
      await pauseMs(LOOK_MS)
    }
  })
  return () => {
    isWatched = false
    unwatch()
    closeSync(event)
  }
}

/** 0 for a file that is not there any more. */
function countOf(file: string, key: string): number {
  const text = readOrNothing(file)
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `))
  return line === undefined ? 0 : Number(line.slice(key.length + 1))
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && isGone(error.code)) return ''
    throw error
  }
}

/** A directory of a cgroup that is removed while its file is open answers ENODEV. */
function isGone(code: unknown): boolean {
  return code === 'ENOENT' || code === 'ENODEV'
}
