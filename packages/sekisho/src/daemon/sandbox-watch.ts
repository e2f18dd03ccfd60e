import { listenForDescriptors } from '../kernel/descriptors.ts'
import { type Tripwires, watchTripwires } from '../kernel/fanotify.ts'
import type { Reactor } from '../kernel/reactor.ts'
import type { Box } from './box.ts'
import type { Platform } from './platform.ts'
import type { SessionTable } from './session-table.ts'
import { tripwiresBelow } from './tripwire-files.ts'

export type SandboxWatch = Pick<Platform, 'watchRoot'> & {
  watches: readonly { close(): void }[]
}

/** Decoys that deny by their mode, where the kernel tells nobody of who opens them. */
const SILENT: Tripwires = { add: () => undefined, remove: () => undefined, close: () => undefined }

/** What the kernel tells of sandboxes without being asked: forbidden calls and tripwires. */
export function watchSandboxes({
  box,
  reactor,
  table,
}: {
  box: Box
  reactor: Reactor
  table: SessionTable
}): SandboxWatch {
  const places = new Map(box.tripwires)
  const tripwires = box.tellsOpens
    ? watchTripwires({
        reactor,
        onOpen: ({ path, pid }) => table.takeTripwire(places.get(path) ?? path, pid),
      })
    : SILENT
  for (const path of places.keys()) tripwires.add(path)
  const seccomp = listenForDescriptors(box.seccompSocket, reactor, (payload, fds) =>
    table.takeSeccomp(payload, fds),
  )
  const watchRoot = (root: string): (() => void) => {
    const below = tripwiresBelow(root)
    for (const [path, inside] of below) {
      places.set(path, inside)
      tripwires.add(path)
    }
    return () => {
      for (const path of below.keys()) {
        tripwires.remove(path)
        places.delete(path)
      }
    }
  }
  return { watches: [tripwires, seccomp], watchRoot }
}
