import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * A character device in front of a software TPM, as the kernel has one in front of a chip: a write is
 * a command, a read its whole answer. It can claim another maker.
 */
const BRIDGE = `
import os, pty, socket, sys, tty
path, maker = sys.argv[1], sys.argv[2].encode()
master, slave = pty.openpty()
tty.setraw(slave)
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(path)
print(os.ttyname(slave), flush=True)
def whole(read):
    held = b''
    while len(held) < 10 or len(held) < int.from_bytes(held[2:6], 'big'):
        more = read(4096)
        if not more: sys.exit(0)
        held += more
    return held
while True:
    tpm.sendall(whole(lambda n: os.read(master, n)))
    os.write(master, whole(tpm.recv).replace(b'IBM\\0', maker.ljust(4, b'\\0')))
`

export class TpmDevice {
  readonly #process: ChildProcess
  readonly path: string

  private constructor(child: ChildProcess, path: string) {
    this.#process = child
    this.path = path
  }

  /** @param maker four characters at most */
  static async open(socket: string, maker: string): Promise<TpmDevice> {
    const child = spawn('python3', ['-c', BRIDGE, socket, maker], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface(child.stdout)
    const [path]: unknown[] = await once(lines, 'line')
    return new TpmDevice(child, String(path))
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }
}
