import { Worker } from 'node:worker_threads'
import { type ErrorCode, SekishoError } from '../core/error.ts'
import type { NetworkCounters } from './network-counters.ts'
import { asNetwork, type NetworkDescriptors, type SessionNetwork } from './network.ts'

/** `of`: the namespace whose counters are asked for */
export type ThreadRequest = { id: number; what: 'make' | 'probe' | 'count'; of?: number }
export type ThreadAnswer = {
  id: number
  network?: NetworkDescriptors
  lacking?: string[]
  counters?: NetworkCounters
  failed?: { code: ErrorCode; message: string; hint: string | undefined }
}

/** Makes session networks for a process that could not come back from one. */
export type NetworkThread = {
  /** as `createNetwork`, steered by `tproxy`. @throws SekishoError */
  create(): Promise<SessionNetwork>
  /** as `probeNetwork`, for the same steering */
  probe(): Promise<string[]>
  /** as `readNetworkCounters` */
  count(namespaceFd: number): Promise<NetworkCounters>
  close(): Promise<void>
}

/**
 * A thread with a network namespace of its own.
 *
 * Whoever is root in a user namespace alone may leave the host's network namespace and not enter it
 * again: the host's root owns that. Network namespaces belong to threads, descriptors to the process:
 * so one thread leaves for good, opens there what a session needs, and everybody else stays.
 *
 * @throws SekishoError HOST_UNSUPPORTED
 */
export async function openNetworkThread(): Promise<NetworkThread> {
  const worker = new Worker(new URL('network-thread-main.ts', import.meta.url), {
    trackUnmanagedFds: false, // what it opens is ours, also when it has ended
  })
  const waiting = new Map<number, PromiseWithResolvers<ThreadAnswer>>()
  let next = 1
  let ended: SekishoError | undefined
  const fail = (cause: unknown): void => {
    ended ??= new SekishoError('SANDBOX_FAILED', 'the network thread has ended', { cause })
    for (const one of waiting.values()) one.reject(ended)
    waiting.clear()
  }
  worker.on('message', (answer: ThreadAnswer) => {
    waiting.get(answer.id)?.resolve(answer)
    waiting.delete(answer.id)
  })
  worker.on('error', fail)
  worker.on('exit', fail)
  const ask = async (what: ThreadRequest['what'], of?: number): Promise<ThreadAnswer> => {
    if (ended !== undefined) throw ended
    const id = next++
    const answered = Promise.withResolvers<ThreadAnswer>()
    waiting.set(id, answered)
    worker.postMessage({ id, what, ...(of !== undefined && { of }) } satisfies ThreadRequest)
    const answer = await answered.promise
    if (answer.failed === undefined) return answer
    const { code, message, hint } = answer.failed
    throw new SekishoError(code, message, { hint })
  }
  return {
    create: async () => {
      const { network } = await ask('make')
      if (network === undefined) throw new SekishoError('INTERNAL', 'the thread made no network')
      return asNetwork(network)
    },
    probe: async () => (await ask('probe')).lacking ?? [],
    count: async (namespaceFd) => {
      const { counters } = await ask('count', namespaceFd)
      if (counters === undefined) throw new SekishoError('INTERNAL', 'the thread counted nothing')
      return counters
    },
    close: async () => void (await worker.terminate()),
  }
}
