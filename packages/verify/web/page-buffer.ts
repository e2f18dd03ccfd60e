/**
 * As much of Node's Buffer as the verifier uses, for a page: bytes with a few words more. Installed
 * before anything else is loaded.
 */
class PageBuffer extends Uint8Array {
  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, at) => byte === other[at])
  }

  copy(target: Uint8Array, at = 0): number {
    target.set(this, at)
    return this.length
  }

  readUInt32BE(at: number): number {
    return new DataView(this.buffer, this.byteOffset).getUint32(at)
  }

  writeUInt32BE(value: number, at: number): number {
    new DataView(this.buffer, this.byteOffset).setUint32(at, value)
    return at + 4
  }

  override indexOf(wanted: number | string | Uint8Array, from = 0): number {
    if (typeof wanted === 'number') return super.indexOf(wanted, from)
    const bytes = typeof wanted === 'string' ? new TextEncoder().encode(wanted) : wanted
    const [first] = bytes
    if (first === undefined) return from
    for (let at = super.indexOf(first, from); at >= 0; at = super.indexOf(first, at + 1)) {
      if (bytes.every((byte, i) => this[at + i] === byte)) return at
    }
    return -1
  }

  override includes(wanted: number | string | Uint8Array, from = 0): boolean {
    return this.indexOf(wanted, from) >= 0
  }

  override toString(encoding = 'utf8'): string {
    switch (encoding) {
      case 'utf8':
        // as Node: what is no UTF-8 becomes U+FFFD, and a mark at the start stays
        return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this)
      case 'hex':
        return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('')
      case 'latin1':
        return latin1(this)
      case 'base64':
        return btoa(latin1(this))
      default:
        throw new TypeError(`no encoding ${encoding}`)
    }
  }
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  // a call takes only so many arguments
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096))
  }
  return text
}

type Given = string | ArrayLike<number> | ArrayBuffer

function from(given: Given, second?: string | number, length?: number): PageBuffer {
  if (typeof given === 'string') return fromText(given, String(second ?? 'utf8'))
  if (given instanceof ArrayBuffer) {
    return new PageBuffer(given, typeof second === 'number' ? second : 0, length)
  }
  return new PageBuffer(Array.from(given))
}

function fromText(text: string, encoding: string): PageBuffer {
  switch (encoding) {
    case 'utf8':
      return new PageBuffer(new TextEncoder().encode(text))
    case 'hex':
      return new PageBuffer((text.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16)))
    case 'latin1':
      return new PageBuffer(Array.from(text, (character) => character.charCodeAt(0)))
    case 'base64':
      return fromBase64(text)
    default:
      throw new TypeError(`no encoding ${encoding}`)
  }
}

/** Node skips what is no base64; every reader here compares what comes back with what was given. */
function fromBase64(text: string): PageBuffer {
  try {
    return new PageBuffer(Array.from(atob(text), (character) => character.charCodeAt(0)))
  } catch {
    return new PageBuffer(0)
  }
}

function concat(parts: readonly Uint8Array[]): PageBuffer {
  const whole = new PageBuffer(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const alloc = (size: number, fill = 0): PageBuffer => new PageBuffer(size).fill(fill)

/** Puts it where Node has its own. */
export function installBuffer(): void {
  for (const [name, value] of Object.entries({ from, concat, alloc, allocUnsafe: alloc })) {
    Object.defineProperty(PageBuffer, name, { value })
  }
  Object.defineProperty(globalThis, 'Buffer', { value: PageBuffer })
}
