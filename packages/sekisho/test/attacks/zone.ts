import dgram from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { parseIpv4, parseIpv6 } from '../../src/core/address.ts'

const TYPE = { A: 1, CNAME: 5, AAAA: 28 }
/** a pointer to it (RFC 1035 §4.1.4) */
const QUESTION_NAME = Buffer.from([0xc0, 12])

/** What a name leads to; a function is called for each question, and may answer anew each time. */
export type Answer = readonly string[] | (() => readonly string[])

/** The resolver outside. It is the attacker's: it sees every question and answers as it likes. */
export class Zone {
  /** names asked for, in order */
  readonly asked: string[] = []
  readonly answers = new Map<string, Answer>()
  /** name → the name it is an alias of */
  readonly aliases = new Map<string, string>()
  readonly #socket: dgram.Socket

  static async open(): Promise<Zone> {
    const socket = dgram.createSocket('udp4').bind(53, '0.0.0.0')
    await once(socket, 'listening')
    return new Zone(socket)
  }

  private constructor(socket: dgram.Socket) {
    this.#socket = socket
    socket.on('message', (query, from) => {
      socket.send(this.#answer(query), from.port, from.address)
    })
  }

  close(): void {
    this.#socket.close()
  }

  #answer(query: Buffer): Buffer {
    const { name, type, end } = readQuestion(query)
    this.asked.push(name)
    const alias = this.aliases.get(name)
    const known = this.answers.get(alias ?? name)
    const addresses = (typeof known === 'function' ? known() : (known ?? [])).filter(
      (address) => (isIPv6(address) ? TYPE.AAAA : TYPE.A) === type,
    )
    const owner = alias === undefined ? QUESTION_NAME : nameBytes(alias)
    const records = addresses.map((address) => record(owner, type, bytesOf(address)))
    if (alias !== undefined) records.unshift(record(QUESTION_NAME, TYPE.CNAME, nameBytes(alias)))
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2) // NXDOMAIN for what is not there
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records.length, 6)
    return Buffer.concat([head, query.subarray(12, end), ...records])
  }
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  const fixed = Buffer.from([0, type, 0, 1, 0, 0, 0, 0, 0, data.length])
  return Buffer.concat([owner, fixed, data])
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => {
    return Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])
  })
  return Buffer.concat([...labels, Buffer.from([0])])
}

function bytesOf(address: string): Buffer {
  const value = isIPv6(address) ? parseIpv6(address) : parseIpv4(address)
  if (value === undefined) throw new Error(`${address} is no address`)
  const hex = value.toString(16).padStart(isIPv6(address) ? 32 : 8, '0')
  return Buffer.from(hex, 'hex')
}
