import { networkInterfaces } from 'node:os'
import { type Argument, call } from './native.ts'
import { codeOf, fact, type Probe, type Probes } from './probe.ts'

const ENOSYS = -38
const EPERM = -1

/** A call that ordinary programs need: whatever it answers, it was made. */
const works = (nr: number, ...args: Argument[]): Probe =>
  fact(() => {
    const value = call(nr, ...args)
    return value === ENOSYS || value === EPERM ? `errno ${-value}` : undefined
  })

/** One call of each group that the list allows: a filter that is too tight is broken, too. */
export const ordinaryWork: Probes = {
  'works-descriptors': works(32, 2),
  'works-files': works(137, '/tmp', Buffer.alloc(120)),
  'works-directories': works(83, '/tmp/works', 0o700),
  'works-watches': works(294, 0),
  'works-memory': works(319, 'works', 0),
  'works-processes': works(121, 0),
  'works-identity': works(102),
  'works-signals': works(290, 0, 0),
  'works-scheduling': works(24),
  'works-time': works(96, Buffer.alloc(16), 0),
  'works-waiting': works(291, 0),
  'works-sockets': works(50, -1, 1),
  'works-ipc': works(29, 0, 4096, 0o1600),
  'works-limits': works(63, Buffer.alloc(400)),
  'works-unix-socket': works(41, 1, 1, 0),
  'works-internet-socket': works(41, 2, 1, 6),
  'works-internet6-socket': works(41, 10, 2, 17),
  'works-socketpair': works(53, 1, 1, 0, Buffer.alloc(8)),
  'works-ioctl': works(16, 0, 0x541b, Buffer.alloc(8)),
  'works-personality': works(135, 0xffffffff),
  'works-interfaces': () => {
    try {
      return { held: Object.keys(networkInterfaces()).length >= 0, detail: '' }
    } catch (error) {
      return { held: false, detail: codeOf(error) }
    }
  },
}
