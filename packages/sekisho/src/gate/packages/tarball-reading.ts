import { NpmTarball, type TarballVerdict } from '../../detect/packages/npm-tarball.ts'
import { BodyReading } from '../inspection/body-reading.ts'

/** Of a file as it comes; unpacked it may be eight times that, twice if it is packed twice. */
export const MAX_TARBALL_BYTES = 64 * 1024 * 1024

/** Unpacks and reads the file of a package of npm as it goes by. */
export class TarballReading {
  readonly #tarball = new NpmTarball()
  /** undoes the coding of the reply, which is rarely there */
  readonly #outer: BodyReading
  /** undoes the file's own gzip; none for an archive that is not packed */
  #inner: BodyReading | undefined
  #magic = Buffer.alloc(0)
  #waiting: Promise<void> | undefined
  #bytes = 0
  #problem: string | undefined

  /** @param coding value of `content-encoding` */
  constructor(coding: string | undefined) {
    this.#outer = new BodyReading(coding, (piece) => this.#unpack(piece), MAX_TARBALL_BYTES)
  }

  /** known already, whatever else comes */
  get isDecided(): boolean {
    return this.#problem !== undefined || this.#tarball.isDecided
  }

  /** Resolves when the next piece may come. */
  write(piece: Buffer): Promise<void> | undefined {
    this.#bytes += piece.length
    if (this.#bytes > MAX_TARBALL_BYTES) this.#problem ??= 'it is too long to be looked at'
    if (this.isDecided) return undefined
    const looking = this.#outer.write(piece)
    const waiting = this.#waiting
    this.#waiting = undefined
    if (looking === undefined || waiting === undefined) return looking ?? waiting
    return Promise.all([looking, waiting]).then(() => undefined)
  }

  /** What the file shows, once all of it has been read. */
  async end(): Promise<TarballVerdict> {
    if (!this.isDecided) {
      await this.#outer.end()
      if (this.#magic.length > 0) this.#start(this.#magic)
      await this.#inner?.end()
    }
    const problem = this.#problem ?? (this.#outer.problem ?? this.#inner?.problem)?.reason
    if (problem === undefined) return this.#tarball.end()
    const known = this.#tarball.verdict()
    if (known.kind === 'scripts') return known
    return { kind: 'unreadable', reason: `its file cannot be read: ${problem}` }
  }

  destroy(): void {
    this.#outer.destroy()
    this.#inner?.destroy()
  }

  #unpack(piece: Buffer): void {
    if (this.#inner !== undefined) return this.#pass(piece)
    const head = Buffer.concat([this.#magic, piece])
    this.#magic = head
    if (head.length >= 2) this.#start(head)
  }

  /** npm unpacks what begins like gzip (RFC 1952 §2.3.1), and takes anything else for a tar. */
  #start(head: Buffer): void {
    const isGzip = head[0] === 0x1f && head[1] === 0x8b
    const see = (piece: Buffer): void => this.#tarball.push(piece)
    this.#inner = new BodyReading(isGzip ? 'gzip' : undefined, see, MAX_TARBALL_BYTES)
    this.#magic = Buffer.alloc(0)
    this.#pass(head)
  }

  #pass(piece: Buffer): void {
    const looking = this.#inner?.write(piece)
    if (looking !== undefined) this.#waiting = looking
  }
}
