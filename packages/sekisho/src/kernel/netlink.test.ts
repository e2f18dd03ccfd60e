import { expect, test } from 'vitest'
import { ERRNO } from './errno.ts'
import { errnoOf, libc } from './libc.ts'
import * as netlink from './netlink.ts'
import { inNewNamespace } from './network-namespace.ts'

const MACS = [Buffer.from('025365690001', 'hex'), Buffer.from('025365690002', 'hex')] as const
const VETH = netlink.createVeth(
  { name: 'gw0', index: 100, mac: MACS[0] },
  { name: 'eth0', index: 101, mac: MACS[1] },
  7,
)

/** Words of four bytes; compared by hand with what strace shows of iproute2's same commands. */
test.for([
  [
    netlink.setLink(1, { up: true }),
    '20000000 10000500 00000000 00000000 00000000 01000000 01000000 01000000',
  ],
  [
    netlink.setLink(100, { up: false }),
    '20000000 10000500 00000000 00000000 00000000 64000000 00000000 01000000',
  ],
  [
    VETH,
    '98000000 10000506 00000000 00000000 00000000 64000000 00000000 00000000 ' +
      '0a000100 02536569 00010000 08000300 67773000 08001f00 01000000 08002000 01000000 ' +
      '54001200 08000100 76657468 48000200 44000100 00000000 65000000 00000000 00000000 ' +
      '0a000100 02536569 00020000 09000300 65746830 00000000 08001f00 01000000 ' +
      '08002000 01000000 08001c00 07000000',
  ],
  [
    netlink.addAddress(100, '198.19.255.1', 30),
    '28000000 14000506 00000000 00000000 021e0000 64000000 08000200 c613ff01 08000100 c613ff01',
  ],
  [
    netlink.addAddress(100, 'fd53:656b:6973:686f::1', 64),
    '48000000 14000506 00000000 00000000 0a400000 64000000 14000200 fd53656b 6973686f 00000000 ' +
      '00000001 14000100 fd53656b 6973686f 00000000 00000001 08000800 02020000',
  ],
  [
    netlink.addNeighbourRoute(100, 'fd53:656b:6973:686f::2'),
    '38000000 18000506 00000000 00000000 0a800000 fe04fd01 00000000 14000100 fd53656b 6973686f ' +
      '00000000 00000002 08000400 64000000',
  ],
  [
    netlink.addLocalRoute(100, 'fd53:656b:6973:686f::2'),
    '38000000 18000506 00000000 00000000 0a800000 fe04fe02 00000000 14000100 fd53656b 6973686f ' +
      '00000000 00000002 08000400 64000000',
  ],
  [
    netlink.addNeighbour(100, '198.19.255.2', MACS[1]),
    '30000000 1c000506 00000000 00000000 02000000 64000000 80000000 08000100 c613ff02 0a000200 ' +
      '02536569 00020000',
  ],
  [
    netlink.addDefaultRoute(100, '198.19.255.1'),
    '2c000000 18000506 00000000 00000000 02000000 fe040001 00000000 08000500 c613ff01 08000400 ' +
      '64000000',
  ],
  [
    netlink.addDefaultRoute(100, '::1'),
    '38000000 18000506 00000000 00000000 0a000000 fe040001 00000000 14000500 00000000 00000000 ' +
      '00000000 00000001 08000400 64000000',
  ],
  [
    netlink.addAnyIpRoute(4),
    '24000000 18000506 00000000 00000000 02000000 fe04fe02 00000000 08000400 01000000',
  ],
  [
    netlink.addAnyIpRoute(6),
    '24000000 18000506 00000000 00000000 0a000000 fe040002 00000000 08000400 01000000',
  ],
] as const)('the bytes of: $0.what', ([request, words]) => {
  expect(request.bytes.toString('hex').replace(/.{8}(?=.)/g, '$& ')).toBe(words)
})

test('an IPv6 address without a gap keeps its eight groups', () => {
  const { bytes } = netlink.addNeighbourRoute(1, '1:2:3:4:5:6:7:8')
  expect(bytes.subarray(32, 48).toString('hex')).toBe('00010002000300040005000600070008')
})

test('a refused request throws its errno and says in words what the kernel minded', () => {
  inTrial((fd) => {
    const thrown = catchThrown(() =>
      netlink.applyRequests(fd, [
        netlink.setLink(netlink.LOOPBACK_INDEX, { up: true }),
        netlink.addDefaultRoute(netlink.LOOPBACK_INDEX, '192.0.2.1'),
      ]),
    )
    expect(thrown).toMatchObject({
      message: expect.stringMatching(/^netlink: add default route via 192\.0\.2\.1: E/),
      cause: { cause: { message: 'Nexthop has invalid gateway' } },
    })
  })
})

test('the first refused request of a batch is the one that is thrown', () => {
  inTrial((fd) => {
    const absent = netlink.setLink(999, { up: true })
    const twice = netlink.addAddress(netlink.LOOPBACK_INDEX, '192.0.2.1', 32)
    const thrown = catchThrown(() => netlink.applyRequests(fd, [twice, twice, absent]))
    expect(errnoOf(thrown)).toBe(ERRNO.EEXIST)
    expect(() => netlink.applyRequests(fd, [twice])).toThrow('EEXIST')
  })
})

const ANSWER_TO_3 = Buffer.alloc(36)
ANSWER_TO_3.writeUInt32LE(36, 0)
ANSWER_TO_3.writeUInt16LE(2, 4)
ANSWER_TO_3.writeUInt32LE(3, 8)

test('an answer without an errno is an acknowledgement', () => {
  expect(netlink.readAnswer(ANSWER_TO_3, { what: 'x', sequence: 3 })).toBeUndefined()
})

test.for([
  ['to another request', ANSWER_TO_3, 4],
  ['cut short', ANSWER_TO_3.subarray(0, 35), 3],
  ['of another kind', ANSWER_TO_3.with(4, 3), 3],
  ['that is empty', Buffer.alloc(0), 0],
] as const)('an answer %s is a violation', ([, answer, sequence]) => {
  expect(() => netlink.readAnswer(Buffer.from(answer), { what: 'x', sequence })).toThrow(
    'netlink: no answer to x',
  )
})

test('explaining attributes that overrun the answer are not read', () => {
  const answer = Buffer.concat([ANSWER_TO_3, Buffer.from([0xff, 0, 1, 0, 0x41])])
  answer.writeUInt16LE(0x200, 6)
  answer.writeInt32LE(-ERRNO.EINVAL, 16)
  const error = netlink.readAnswer(answer, { what: 'x', sequence: 3 })
  expect(error?.message).toBe('netlink: x: EINVAL (invalid argument)')
  expect(error?.cause).not.toHaveProperty('cause')
})

function inTrial(run: (netlinkFd: number) => void): void {
  const [namespaceFd, netlinkFd] = inNewNamespace((fd) => [fd, netlink.openNetlink()] as const)
  try {
    run(netlinkFd)
  } finally {
    libc.close(netlinkFd)
    libc.close(namespaceFd)
  }
}

function catchThrown(act: () => void): unknown {
  try {
    act()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}
