/** ClientHellos that no TLS library would send (RFC 8446 §4.1.2). */

export const EXTENSION = { serverName: 0, alpn: 16, ech: 0xfe0d, oldEch: 0xfe08 }

export function extension(type: number, data: Buffer): Buffer {
  return Buffer.concat([uint16(type), sized(2, data)])
}

export function sized(lengthBytes: number, data: Buffer): Buffer {
  const size = Buffer.alloc(lengthBytes)
  size.writeUIntBE(data.length, 0, lengthBytes)
  return Buffer.concat([size, data])
}

/** @param type 0 is a host name; no other was ever defined */
export function serverNames(names: readonly string[], type = 0): Buffer {
  const entries = names.map((name) =>
    Buffer.concat([Buffer.from([type]), sized(2, Buffer.from(name, 'latin1'))]),
  )
  return extension(EXTENSION.serverName, sized(2, Buffer.concat(entries)))
}

export function protocols(...names: string[]): Buffer {
  const entries = names.map((name) => sized(1, Buffer.from(name)))
  return extension(EXTENSION.alpn, sized(2, Buffer.concat(entries)))
}

/** A whole hello in one record. */
export function hello(...extensions: Buffer[]): Buffer {
  return record(message(helloBody(extensions)))
}

export function helloBody(extensions: readonly Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 1])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ])
}

/** @param type 1 is a ClientHello */
export function message(body: Buffer, type = 1): Buffer {
  return Buffer.concat([Buffer.from([type]), sized(3, body)])
}

/** @param head content type and version; 22 is a handshake */
export function record(data: Buffer, head = [22, 3, 1]): Buffer {
  return Buffer.concat([Buffer.from(head), sized(2, data)])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value, 0)
  return bytes
}
