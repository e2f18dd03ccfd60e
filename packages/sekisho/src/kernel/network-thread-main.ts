import { parentPort } from 'node:worker_threads'
import { toSekishoError } from '../core/error.ts'
import { libc } from './libc.ts'
import { readNetworkCounters } from './network-counters.ts'
import { openNetwork } from './network.ts'
import { probeNetwork } from './network-probe.ts'
import type { ThreadAnswer, ThreadRequest } from './network-thread.ts'

const CLONE_NEWNET = 0x40000000

/** From here on this thread's own network namespace is one that it can come back to. */
libc.unshare(CLONE_NEWNET)

parentPort?.on('message', (request: ThreadRequest) => {
  parentPort?.postMessage({ id: request.id, ...answer(request) } satisfies ThreadAnswer)
})

function answer({ what, of = -1 }: ThreadRequest): Omit<ThreadAnswer, 'id'> {
  try {
    if (what === 'count') return { counters: readNetworkCounters(of) }
    return what === 'probe'
      ? { lacking: probeNetwork('tproxy') }
      : { network: openNetwork('tproxy') }
  } catch (thrown) {
    const { code, message, hint } = toSekishoError(thrown)
    return { failed: { code, message, hint } }
  }
}
