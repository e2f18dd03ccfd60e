import { SekishoError } from '../core/error.ts'

/** The TPM's structures as bytes: big-endian, and sized buffers (TCG TPM 2.0 Library, Part 2 §10.4). */

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** TPM2B: a length of two bytes, then so many. */
export function sized(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([u16(content.length), content])
}

/** Reads what a TPM answered; a length that leads outside is an error and no read. */
export class TpmReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** @throws SekishoError ROOT_KEY_UNUSABLE */
  take(length: number): Buffer {
    if (length > this.left) {
      throw new SekishoError('ROOT_KEY_UNUSABLE', 'the TPM’s answer ends too soon', {
        cause: new Error(`${length} bytes where ${this.left} are left`),
      })
    }
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  u8(): number {
    return this.take(1).readUInt8()
  }

  u16(): number {
    return this.take(2).readUInt16BE()
  }

  u32(): number {
    return this.take(4).readUInt32BE()
  }

  sized(): Buffer {
    return this.take(this.u16())
  }
}
