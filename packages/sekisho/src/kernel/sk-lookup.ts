import { SekishoError } from '../core/error.ts'
import { ERRNO, SystemCallError } from './errno.ts'
import { addressOf, attemptSyscall, check, libc, systemCallFailed } from './libc.ts'

const SYS_BPF = 321
const BPF = { MAP_CREATE: 0, MAP_UPDATE: 2, PROG_LOAD: 5, LINK_CREATE: 28 }
const MAP_TYPE_SOCKMAP = 15
const PROG_TYPE_SK_LOOKUP = 30
const ATTACH_SK_LOOKUP = 36
const ATTRIBUTE_BYTES = 128
/** what an operator reads in the output of bpftool */
const NAME = 'sekisho'
const INSTRUCTION_BYTES = 8
const LOAD_ATTEMPTS = 10
const LOG_BYTES = 64 * 1024
const HINT = 'Use a Linux kernel ≥ 5.9 with CONFIG_BPF_SYSCALL, and run the daemon as root.'

/** Bytes of an instruction, linux/bpf.h struct bpf_insn; a jump names its label instead. */
export type Instruction = {
  label?: string
  code: number
  dst?: number
  src?: number
  offset?: number
  imm?: number
  to?: string
}

const LOAD_U32 = 0x61
const STORE_U32 = 0x62
const COPY = 0xbf
const SET = 0xb7
const ADD = 0x07
const LOAD_IMM64 = 0x18
const PSEUDO_MAP_FD = 1
const JUMP_IF_EQUAL = 0x15
const JUMP_UNLESS_EQUAL = 0x55
const CALL = 0x85
const EXIT = 0x95
const HELPER = { mapLookup: 1, skRelease: 86, skAssign: 124 }
const FRAME = 10
/** struct bpf_sk_lookup: cookie u64, family u32, protocol u32, … */
const PROTOCOL_OFFSET = 12
const IPPROTO_TCP = 6
const VERDICT = { drop: 0, pass: 1 }

/**
 * The program that runs for each connection attempt in the namespace: TCP goes to the one
 * listener of the map, whatever it dialled, and is refused when there is none (fail closed).
 * Everything else is looked up as usual.
 */
export function steeringProgram(mapFd: number): readonly Instruction[] {
  return [
    { code: COPY, dst: 6, src: 1 }, // r6 = context
    { code: LOAD_U32, dst: 7, src: 6, offset: PROTOCOL_OFFSET },
    { code: JUMP_UNLESS_EQUAL, dst: 7, imm: IPPROTO_TCP, to: 'pass' },
    { code: STORE_U32, dst: FRAME, offset: -4, imm: 0 }, // the key: entry 0
    { code: LOAD_IMM64, dst: 1, src: PSEUDO_MAP_FD, imm: mapFd },
    { code: 0 }, // the upper half of the 64-bit load
    { code: COPY, dst: 2, src: FRAME },
    { code: ADD, dst: 2, imm: -4 },
    { code: CALL, imm: HELPER.mapLookup },
    { code: JUMP_IF_EQUAL, dst: 0, imm: 0, to: 'drop' },
    { code: COPY, dst: 7, src: 0 }, // r7 = the listener, with a reference
    { code: COPY, dst: 1, src: 6 },
    { code: COPY, dst: 2, src: 7 },
    { code: SET, dst: 3, imm: 0 },
    { code: CALL, imm: HELPER.skAssign },
    { code: COPY, dst: 8, src: 0 },
    { code: COPY, dst: 1, src: 7 },
    { code: CALL, imm: HELPER.skRelease },
    { code: JUMP_UNLESS_EQUAL, dst: 8, imm: 0, to: 'drop' },
    { label: 'pass', code: SET, dst: 0, imm: VERDICT.pass },
    { code: EXIT },
    { label: 'drop', code: SET, dst: 0, imm: VERDICT.drop },
    { code: EXIT },
  ]
}

/** @throws RangeError for a label that is missing or not ahead */
export function assembleProgram(program: readonly Instruction[]): Buffer {
  const labels = new Map(
    program.flatMap(({ label }, i) => (label === undefined ? [] : [[label, i]])),
  )
  const distance = (from: number, label: string): number => {
    const steps = (labels.get(label) ?? -1) - from - 1
    if (steps < 0) throw new RangeError(`instruction ${from} cannot jump to ${label}`)
    return steps
  }
  const code = Buffer.alloc(program.length * INSTRUCTION_BYTES)
  for (const [i, instruction] of program.entries()) {
    const { dst = 0, src = 0, offset = 0, imm = 0, to } = instruction
    code.writeUInt8(instruction.code, i * 8)
    code.writeUInt8((src << 4) | dst, i * 8 + 1)
    code.writeInt16LE(to === undefined ? offset : distance(i, to), i * 8 + 2)
    code.writeInt32LE(imm, i * 8 + 4)
  }
  return code
}

/**
 * Steers every TCP connection that reaches a namespace, to any address and port, IPv4 and IPv6,
 * to one listener; accepted sockets keep the dialled address and port as their local ones.
 *
 * @param listenerFd a listening, dual-stack TCP socket of that namespace
 * @returns the link: closing it (or the death of this process) ends the steering
 * @throws SekishoError HOST_UNSUPPORTED, PERMISSION_REQUIRED; the cause holds the verifier's log
 */
export function steerConnections(listenerFd: number, namespaceFd: number): number {
  const opened: number[] = []
  try {
    const mapFd = createSocketMap()
    opened.push(mapFd)
    putSocket(mapFd, listenerFd)
    const programFd = loadProgram(assembleProgram(steeringProgram(mapFd)))
    opened.push(programFd)
    const memory = Buffer.alloc(ATTRIBUTE_BYTES)
    writeWords(memory, [programFd, namespaceFd, ATTACH_SK_LOOKUP])
    return bpf('attach to a namespace', BPF.LINK_CREATE, memory)
  } finally {
    for (const fd of opened) libc.close(fd) // the link keeps the program, the program the map
  }
}

function createSocketMap(): number {
  const memory = Buffer.alloc(ATTRIBUTE_BYTES)
  const [keyBytes, valueBytes, entries] = [4, 8, 1]
  writeWords(memory, [MAP_TYPE_SOCKMAP, keyBytes, valueBytes, entries])
  memory.write(NAME, 28, 'latin1')
  return bpf('create a socket map', BPF.MAP_CREATE, memory)
}

function putSocket(mapFd: number, socketFd: number): void {
  const value = Buffer.alloc(8)
  value.writeBigUInt64LE(BigInt(socketFd))
  const { memory, addresses } = layOut([Buffer.alloc(4), value])
  writeWords(memory, [mapFd])
  writeAddresses(memory, 8, addresses)
  bpf('put the listener into the map', BPF.MAP_UPDATE, memory)
}

/**
 * The verifier writes its log only on request, so a refused program is tried again with one.
 *
 * @returns a descriptor that the caller closes
 * @throws SekishoError whose cause's cause is the verifier's log
 */
export function loadProgram(code: Buffer): number {
  const quiet = attemptLoad(programRequest(code, 0))
  if (quiet >= 0) return quiet
  const memory = programRequest(code, LOG_BYTES)
  const explained = attemptLoad(memory)
  if (explained >= 0) return explained
  const log = memory.subarray(-LOG_BYTES).toString('latin1').replace(/\0+$/, '')
  const call = 'bpf: load a program'
  if (log === '') throw systemCallFailed(call, -explained, { hint: HINT })
  // the verifier's EACCES is about the program, not about the daemon's rights
  const refused = new SystemCallError(call, -explained, { cause: new Error(log) })
  throw new SekishoError('HOST_UNSUPPORTED', refused.message, { hint: HINT, cause: refused })
}

/** The verifier gives up with EAGAIN when a signal, such as SIGCHLD, comes in meanwhile. */
function attemptLoad(memory: Buffer): number {
  let answer = -ERRNO.EAGAIN
  for (let left = LOAD_ATTEMPTS; left > 0 && answer === -ERRNO.EAGAIN; left--) {
    answer = attemptBpf(BPF.PROG_LOAD, memory)
  }
  return answer
}

function programRequest(code: Buffer, logBytes: number): Buffer {
  const license = Buffer.from('Apache-2.0\0')
  const { memory, addresses } = layOut([code, license, Buffer.alloc(logBytes)])
  writeWords(memory, [PROG_TYPE_SK_LOOKUP, code.length / INSTRUCTION_BYTES])
  writeAddresses(memory, 8, addresses.slice(0, 2))
  if (logBytes > 0) {
    memory.writeUInt32LE(1, 24) // log level
    memory.writeUInt32LE(logBytes, 28)
    writeAddresses(memory, 32, addresses.slice(2))
  }
  memory.write(NAME, 48, 'latin1')
  memory.writeUInt32LE(ATTACH_SK_LOOKUP, 68)
  return memory
}

/**
 * Puts what a request points at behind the request, into one buffer: as that is an argument of
 * the call, nothing that the kernel reads can be collected meanwhile.
 */
function layOut(parts: readonly Buffer[]): { memory: Buffer; addresses: readonly bigint[] } {
  const memory = Buffer.concat([Buffer.alloc(ATTRIBUTE_BYTES), ...parts])
  let address = addressOf(memory) + BigInt(ATTRIBUTE_BYTES)
  const addresses = parts.map((part) => {
    const own = address
    address += BigInt(part.length)
    return own
  })
  return { memory, addresses }
}

function writeWords(memory: Buffer, words: readonly number[]): void {
  for (const [i, word] of words.entries()) memory.writeUInt32LE(word, i * 4)
}

function writeAddresses(memory: Buffer, offset: number, addresses: readonly bigint[]): void {
  for (const [i, address] of addresses.entries()) memory.writeBigUInt64LE(address, offset + i * 8)
}

function bpf(what: string, command: number, memory: Buffer): number {
  return check(`bpf: ${what}`, attemptBpf(command, memory), HINT)
}

/** Bytes behind the request are not part of it; those of it that a kernel does not know are 0. */
function attemptBpf(command: number, memory: Buffer): number {
  return attemptSyscall(SYS_BPF, command, memory, ATTRIBUTE_BYTES)
}
