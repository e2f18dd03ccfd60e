import { open } from 'node:fs/promises'
import net from 'node:net'
import { SekishoError } from '../core/error.ts'

/** TPM 2.0 commands and responses are no longer than that on any TPM we know (TPM_PT_MAX_RESPONSE_SIZE). */
const MAX_BYTES = 4096
const HEADER_BYTES = 10
/** A TPM of firmware can take seconds for a primary key. */
const COMMAND_TIMEOUT_MS = 15_000

/** Commands to one TPM, and what it answers: one at a time. */
export type TpmChannel = {
  /** a socket leads to a program, whatever that says it is */
  readonly isDevice: boolean
  /** @throws SekishoError ROOT_KEY_UNUSABLE, TIMEOUT */
  exchange(command: Buffer): Promise<Buffer>
  close(): Promise<void>
}

/** @param path of the kernel's resource manager, /dev/tpmrm0: it keeps users apart @throws SekishoError ROOT_KEY_UNUSABLE */
export async function openDevice(path: string): Promise<TpmChannel> {
  const file = await open(path, 'r+').catch((cause: unknown) => {
    throw new SekishoError('ROOT_KEY_UNUSABLE', `the TPM ${path} cannot be opened`, {
      hint: 'enable it in the firmware; give its group as identity.root.group if it has none of its own',
      cause,
    })
  })
  return {
    isDevice: true,
    exchange: (command) =>
      inTime(async () => {
        await file.write(command)
        const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, null)
        return buffer.subarray(0, bytesRead)
      }),
    close: () => file.close(),
  }
}

/** @param path unix socket of an emulator that takes bare commands, as swtpm's `--server type=unixio` */
export async function openSocket(path: string): Promise<TpmChannel> {
  const socket = net.connect(path)
  const arrived = new Arrivals(socket)
  await inTime(() => arrived.connected()).catch((cause: unknown) => {
    socket.destroy()
    throw new SekishoError('ROOT_KEY_UNUSABLE', `no TPM answers at ${path}`, {
      hint: 'start the emulator, and let the uid of the root process connect to its socket',
      cause,
    })
  })
  return {
    isDevice: false,
    exchange: (command) =>
      inTime(() => {
        const answer = arrived.response()
        socket.write(command)
        return answer
      }),
    close: async () => void socket.destroy(),
  }
}

/** Puts responses together: their header says how long they are. */
class Arrivals {
  #held = Buffer.alloc(0)
  #ended: Error | undefined
  #changed: () => void = () => undefined
  readonly #connected: Promise<void>

  constructor(socket: net.Socket) {
    this.#connected = new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    this.#connected.catch(() => undefined) // whoever waits has it
    socket.on('data', (bytes: Buffer) => {
      this.#held = Buffer.concat([this.#held, bytes])
      if (this.#held.length > MAX_BYTES) socket.destroy(new Error('an answer without an end'))
      this.#changed()
    })
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('it has hung up')))
  }

  connected(): Promise<void> {
    return this.#connected
  }

  async response(): Promise<Buffer> {
    for (;;) {
      const { length } = this.#held
      const size = length < HEADER_BYTES ? Infinity : this.#held.readUInt32BE(2)
      if (size !== Infinity && (size < HEADER_BYTES || size < length || size > MAX_BYTES)) {
        throw new Error('an answer that is not one')
      }
      if (size === length) {
        const response = this.#held
        this.#held = Buffer.alloc(0)
        return response
      }
      if (this.#ended !== undefined) throw this.#ended
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#changed()
  }
}

/** What comes later is nobody's: after a time-out, the channel is of no further use. */
async function inTime<T>(work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new SekishoError('TIMEOUT', `the TPM has not answered in ${COMMAND_TIMEOUT_MS} ms`, {
            hint: 'see whether another program keeps it busy; restart the emulator if it is one',
          }),
        ),
      COMMAND_TIMEOUT_MS,
    )
  })
  try {
    return await Promise.race([work(), late])
  } catch (cause) {
    if (cause instanceof SekishoError) throw cause
    throw new SekishoError('ROOT_KEY_UNUSABLE', 'the TPM does not answer as one', { cause })
  } finally {
    clearTimeout(timer)
  }
}
