import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PackError, packObjects } from './pack.ts'

const MAX = 1e6
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-pack-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const git = (input: string, ...args: string[]): Buffer =>
  execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@x.invalid', ...args], {
    cwd: directory,
    input,
    maxBuffer: 1e8,
  })

const texts = (body: Buffer): string[] =>
  [...packObjects(body, MAX)].map((object) => object.toString('latin1'))

const command = Buffer.from(
  `0069${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/x\0 x`.padEnd(0x69, 'x'),
)
const push = (pack: Buffer): Buffer => Buffer.concat([command, Buffer.from('0000'), pack])

test('the objects of a pack that git has made are all there, and what differences add', () => {
  git('', 'init', '-q', '-b', 'x', '.')
  const common = Array.from({ length: 400 }, (_, index) => `line ${index}`).join('\n')
  writeFileSync(join(directory, 'a.txt'), common)
  git('', 'add', '.')
  git('', 'commit', '-qm', 'the first message')
  writeFileSync(join(directory, 'a.txt'), `${common}\nwhat the second version adds`)
  git('', 'commit', '-qam', 'the second message')
  const pack = git('HEAD\n', 'pack-objects', '--revs', '--stdout', '-q', '--delta-base-offset')
  const all = texts(push(pack))
  expect(all).toHaveLength(6)
  expect(all.filter((text) => text.includes('the first message'))).toHaveLength(1)
  expect(all.join()).toContain('what the second version adds')
  expect(all.join()).toContain('line 399')
})

const object = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x30 | text.length]), deflateSync(text)])
const packOf = (count: number, ...parts: Buffer[]): Buffer => {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0')
  head.writeUInt32BE(count, 8)
  return Buffer.concat([head, ...parts, Buffer.alloc(20)])
}

test('a push without a pack has no objects', () => {
  expect(texts(Buffer.concat([command, Buffer.from('0000')]))).toEqual([])
})

test('two objects, one of them a difference to a named one', () => {
  const delta = Buffer.concat([Buffer.from([0x70 | 5]), Buffer.alloc(20), deflateSync('delta')])
  expect(texts(push(packOf(2, object('one'), delta)))).toEqual(['one', 'delta'])
})

test.for([
  ['no packet line', Buffer.from('hello')],
  ['a packet line that is cut off', Buffer.from('00ffabc')],
  ['another version', push(Buffer.concat([Buffer.from('PACK\0\0\0\x09'), Buffer.alloc(24)]))],
  ['fewer objects than it says', push(packOf(3, object('one')))],
  ['more objects than it says', push(packOf(1, object('one'), object('two')))],
  ['an object that is no zlib', push(packOf(1, Buffer.from([0x33, 1, 2, 3, 4])))],
  ['a number without an end', push(packOf(1, Buffer.alloc(30, 0xff)))],
  ['a bomb', push(packOf(1, Buffer.concat([Buffer.from([0x3f]), deflateSync(Buffer.alloc(2e6))])))],
] as const)('a push with %s is refused', ([, body]) => {
  expect(() => texts(body)).toThrow(PackError)
})
