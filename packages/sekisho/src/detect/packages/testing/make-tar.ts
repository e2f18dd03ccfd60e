/** One entry of an archive that a test makes, well-formed unless it says otherwise. */
export type TarEntry = {
  path: string
  content?: string | Buffer
  /** ustar's type flag */
  type?: string
  /** in place of the content's own */
  size?: string
  checksum?: string
}

const BLOCK = 512

/** @param tail in place of the two empty blocks of an archive's end */
export function makeTar(
  entries: readonly TarEntry[],
  tail: Buffer = Buffer.alloc(2 * BLOCK),
): Buffer {
  return Buffer.concat([...entries.flatMap(renderEntry), tail])
}

function renderEntry(entry: TarEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  const header = Buffer.alloc(BLOCK)
  header.write(entry.path, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(entry.size ?? `${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write(entry.type ?? '0', 156)
  header.write('ustar\x0000', 257)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(entry.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]
}

/** `LENGTH KEY=VALUE\n`, the length with its own digits. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest) + 1
  while (`${length}${rest}`.length !== length) length += 1
  return `${length}${rest}`
}
