import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type tls from 'node:tls'
import type { TlsDoor } from './upstream-door.ts'

/** Connections to one origin; above, requests share them. */
const MAX_SESSIONS = 4
/** Requests on one of them, where the upstream allows as many. */
const MAX_STREAMS = 100
const IDLE_MS = 15_000

const SESSION_OPTIONS: http2.ClientSessionOptions = {
  settings: {
    enablePush: false,
    /** one reply may be so far ahead of its reader */
    initialWindowSize: 256 * 1024,
    maxHeaderListSize: 64 * 1024,
  },
  maxHeaderListPairs: 256,
  maxReservedRemoteStreams: 0,
  maxSessionMemory: 32,
  maxSettings: 16,
  peerMaxConcurrentStreams: MAX_STREAMS,
}

type Open = { session: ClientHttp2Session; streams: number }

/** HTTP/2 connections to one name at one address. */
export class Http2Origin {
  readonly #door: TlsDoor
  readonly #authority: string
  readonly #open = new Set<Open>()
  #opening: Promise<Open | undefined> | undefined
  #isHttp1 = false

  /** @param authority as a URL has it */
  constructor(door: TlsDoor, authority: string) {
    this.#door = door
    this.#authority = authority
  }

  /** The upstream did not agree on HTTP/2 when it was last asked. */
  get isHttp1(): boolean {
    return this.#isHttp1
  }

  /**
   * Begins a request.
   *
   * @param head pseudo-header fields first
   * @returns undefined when the upstream speaks HTTP/1.1 only
   * @throws as {@link TlsDoor.open}
   */
  async begin(head: string[], isWhole: boolean): Promise<ClientHttp2Stream | undefined> {
    const open = this.#withRoom() ?? (await this.#another())
    if (open === undefined) return undefined
    const stream = open.session.request(head, { endStream: isWhole })
    open.streams += 1
    stream.once('close', () => {
      open.streams -= 1
    })
    return stream
  }

  /** Requests under way finish. */
  retire(): void {
    for (const { session } of this.#open) session.close()
    this.#open.clear()
  }

  destroy(): void {
    for (const { session } of this.#open) session.destroy()
    this.#open.clear()
  }

  #withRoom(): Open | undefined {
    const [best] = [...this.#open].sort((one, other) => one.streams - other.streams)
    if (best === undefined) return undefined
    const { maxConcurrentStreams = MAX_STREAMS } = best.session.remoteSettings
    const max = Math.min(MAX_STREAMS, maxConcurrentStreams)
    return best.streams < max || this.#open.size >= MAX_SESSIONS ? best : undefined
  }

  /** Those that ask at once get the same. */
  async #another(): Promise<Open | undefined> {
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    const opened = await this.#opening
    return this.#withRoom() ?? opened
  }

  async #connect(): Promise<Open | undefined> {
    const socket = await this.#door.open(['h2', 'http/1.1'])
    this.#isHttp1 = socket.alpnProtocol !== 'h2'
    if (!this.#isHttp1) return this.#begin(socket)
    socket.destroy()
    return undefined
  }

  #begin(socket: tls.TLSSocket): Open {
    const session = http2.connect(`https://${this.#authority}`, {
      ...SESSION_OPTIONS,
      createConnection: () => socket,
    })
    const open: Open = { session, streams: 0 }
    const leave = (): void => void this.#open.delete(open)
    this.#open.add(open)
    session.on('error', leave) // each stream has its own
    session.once('close', leave)
    session.once('goaway', () => {
      leave() // RFC 9113 §6.8: what is under way may finish
      session.close()
    })
    session.setTimeout(IDLE_MS)
    session.on('timeout', () => {
      if (open.streams > 0) return
      leave()
      session.close()
    })
    return open
  }
}
