import { fstatSync } from 'node:fs'
import {
  type ExecAttempt,
  type ExecDecision,
  type ExecWatch,
  watchExecs,
} from '../kernel/fanotify-exec.ts'
import type { Reactor } from '../kernel/reactor.ts'
import { berthOfThread } from './exec-attempt.ts'

type Watched = {
  /** the session's cgroup */
  berth: string
  /** mount points of the file systems that are its alone */
  fileSystems: readonly string[]
  decide: (attempt: ExecAttempt) => Promise<ExecDecision>
}

type Shared = {
  watch: ExecWatch
  /** by berth */
  sessions: Map<string, Watched>
  /** by the device that its files are on, as it was first seen; one file system can have several */
  owners: Map<number, Watched>
}

/** The kernel gives a user 128 groups at most (max_user_groups), so all sessions share one. */
const shared = new WeakMap<Reactor, Shared>()

/**
 * From here on every exec of these file systems is decided here. Until the first exec of a process
 * of this berth, the platform's own (a runtime that enters) pass; another berth's, which has no way
 * there, is denied.
 *
 * @returns a function that ends it, once nothing of the session runs any more
 * @throws SekishoError PERMISSION_REQUIRED, HOST_UNSUPPORTED without fanotify, SANDBOX_FAILED when a
 *   file system is not the session's alone
 */
export function joinExecWatch(reactor: Reactor, watched: Watched): () => void {
  const { watch, sessions, owners } = shared.get(reactor) ?? openShared(reactor)
  const leave = (): void => {
    for (const path of watched.fileSystems) watch.removeFileSystem(path)
    sessions.delete(watched.berth)
    for (const [device, owner] of owners) if (owner === watched) owners.delete(device)
    if (sessions.size > 0) return
    shared.delete(reactor)
    watch.close()
  }
  sessions.set(watched.berth, watched)
  try {
    for (const path of watched.fileSystems) watch.addFileSystem(path)
  } catch (error) {
    leave()
    throw error
  }
  return leave
}

function openShared(reactor: Reactor): Shared {
  const watch = watchExecs({ reactor, decide: (attempt) => decide(made, attempt) })
  const made: Shared = { watch, sessions: new Map(), owners: new Map() }
  shared.set(reactor, made)
  return made
}

function decide(known: Shared, attempt: ExecAttempt): ExecDecision | Promise<ExecDecision> {
  if (attempt.tid === 0) return 'deny' // from outside our pid namespace: nobody we know
  const { dev } = fstatSync(attempt.fd)
  const owner = known.owners.get(dev)
  if (owner !== undefined) return owner.decide(attempt)
  const berth = berthOfThread(attempt.tid)
  if (berth === undefined) return 'allow'
  const session = known.sessions.get(berth)
  if (session === undefined) return 'deny'
  known.owners.set(dev, session)
  return session.decide(attempt)
}
