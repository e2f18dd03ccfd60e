import { expect, test } from 'vitest'
import { SystemCallError } from './errno.ts'
import { assembleProgram, loadProgram, steerConnections, steeringProgram } from './sk-lookup.ts'

test('the bytes of the program', () => {
  expect(assembleProgram(steeringProgram(9)).toString('hex').match(/.{16}/g)).toEqual([
    'bf16000000000000', //  0 r6 = r1
    '61670c0000000000', //  1 r7 = *(u32 *)(r6 + 12)
    '5507100006000000', //  2 if r7 != 6 goto 19
    '620afcff00000000', //  3 *(u32 *)(r10 − 4) = 0
    '1811000009000000', //  4 r1 = map 9
    '0000000000000000', //  5
    'bfa2000000000000', //  6 r2 = r10
    '07020000fcffffff', //  7 r2 += −4
    '8500000001000000', //  8 call bpf_map_lookup_elem
    '15000b0000000000', //  9 if r0 == 0 goto 21
    'bf07000000000000', // 10 r7 = r0
    'bf61000000000000', // 11 r1 = r6
    'bf72000000000000', // 12 r2 = r7
    'b703000000000000', // 13 r3 = 0
    '850000007c000000', // 14 call bpf_sk_assign
    'bf08000000000000', // 15 r8 = r0
    'bf71000000000000', // 16 r1 = r7
    '8500000056000000', // 17 call bpf_sk_release
    '5508020000000000', // 18 if r8 != 0 goto 21
    'b700000001000000', // 19 r0 = pass
    '9500000000000000', // 20 exit
    'b700000000000000', // 21 r0 = drop
    '9500000000000000', // 22 exit
  ])
})

test('a jump back or to nowhere cannot be assembled', () => {
  const back = [
    { label: 'a', code: 0x95 },
    { code: 0x15, to: 'a' },
  ]
  expect(() => assembleProgram(back)).toThrow('instruction 1 cannot jump to a')
  expect(() => assembleProgram([{ code: 0x15, to: 'b' }])).toThrow('instruction 0 cannot jump to b')
})

test('a program that the verifier refuses throws with the verifier’s log as the cause', () => {
  const readsTooFar = assembleProgram([
    { code: 0x61, dst: 0, src: 1, offset: 4096 },
    { code: 0x95 },
  ])
  let thrown: unknown
  try {
    loadProgram(readsTooFar)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({
    code: 'HOST_UNSUPPORTED',
    message: 'bpf: load a program: EACCES (permission denied)',
    cause: expect.any(SystemCallError),
  })
  expect(thrown).toMatchObject({
    cause: { cause: { message: expect.stringContaining('invalid bpf_context access off=4096') } },
  })
})

test('a descriptor that is no socket cannot be steered to', () => {
  expect(() => steerConnections(999_999, 999_999)).toThrow(
    'bpf: put the listener into the map: EBADF',
  )
})
