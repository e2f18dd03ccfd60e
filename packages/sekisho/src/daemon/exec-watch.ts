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

type Shared = { watch: ExecWatch; sessions: Map<string, Watched> }

/** The kernel gives a user 128 groups at most (max_user_groups), so all sessions share one. */
const shared = new WeakMap<Reactor, Shared>()

/**
 * From here on every exec of these file systems by this berth's processes is decided here. Others
 * are of the platform's own making (a runtime that enters) and pass; another berth's, which has no
 * way there, is denied.
 *
 * @returns a function that ends it, once nothing of the session runs any more
 * @throws SekishoError PERMISSION_REQUIRED, HOST_UNSUPPORTED without fanotify, SANDBOX_FAILED when a
 *   file system is not the session's alone
 */
export function joinExecWatch(reactor: Reactor, watched: Watched): () => void {
  const { watch, sessions } = shared.get(reactor) ?? openShared(reactor)
  const leave = (): void => {
    for (const path of watched.fileSystems) watch.removeFileSystem(path)
    sessions.delete(watched.berth)
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
  const sessions = new Map<string, Watched>()
  const watch = watchExecs({ reactor, decide: (attempt) => decide(sessions, attempt) })
  const made = { watch, sessions }
  shared.set(reactor, made)
  return made
}

function decide(
  sessions: ReadonlyMap<string, Watched>,
  attempt: ExecAttempt,
): ExecDecision | Promise<ExecDecision> {
  if (attempt.tid === 0) return 'deny' // from outside our pid namespace: nobody we know
  const berth = berthOfThread(attempt.tid)
  if (berth === undefined) return 'allow'
  return sessions.get(berth)?.decide(attempt) ?? 'deny'
}
