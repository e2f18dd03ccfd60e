import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NpmTarball, type TarballVerdict } from './npm-tarball.ts'
import { makeTar, paxRecord, type TarEntry } from './testing/make-tar.ts'

const QUIET = { path: 'package/package.json', content: '{"name":"x","version":"1.0.0"}' }
const LOUD = { path: 'package/package.json', content: '{"scripts":{"postinstall":"x"}}' }
const SCRIPTS = { kind: 'scripts', reason: 'the package.json in its file has install scripts' }
const GYP = { kind: 'scripts', reason: 'its file has a binding.gyp, which npm builds' }
const unreadable = (why: string): TarballVerdict => ({
  kind: 'unreadable',
  reason: `its file cannot be read: ${why}`,
})

function look(archive: Buffer, pieceBytes = 100): TarballVerdict {
  const tarball = new NpmTarball()
  for (let at = 0; at < archive.length; at += pieceBytes) {
    tarball.push(archive.subarray(at, at + pieceBytes))
  }
  return tarball.end()
}

test.for([
  ['no scripts is quiet', [QUIET], { kind: 'quiet' }],
  [
    'scripts that no install runs is quiet',
    [{ ...QUIET, content: '{"scripts":{"test":"x"}}' }],
    { kind: 'quiet' },
  ],
  ['an install script', [LOUD], SCRIPTS],
  ['another first directory', [{ ...LOUD, path: 'x-1.0.0/package.json' }], SCRIPTS],
  ['a binding.gyp', [QUIET, { path: 'package/binding.gyp', content: '{}' }], GYP],
  ['a second package.json', [QUIET, { path: 'package/a.js', content: 'x' }, LOUD], SCRIPTS],
  ['a first one that is replaced', [LOUD, QUIET], SCRIPTS],
  ['a package.json in capitals', [QUIET, { ...LOUD, path: 'package/Package.JSON' }], SCRIPTS],
  ['a path with more slashes', [QUIET, { ...LOUD, path: './package//./package.json' }], SCRIPTS],
  ['a backslash', [QUIET, { ...LOUD, path: 'package\\package.json' }], SCRIPTS],
  [
    'a package.json of something inside',
    [QUIET, { ...LOUD, path: 'package/node_modules/a/package.json' }],
    { kind: 'quiet' },
  ],
  [
    'a path in an attribute',
    [
      QUIET,
      { path: 'PaxHeader', type: 'x', content: paxRecord('path', 'package/package.json') },
      { ...LOUD, path: 'package/a.js' },
    ],
    SCRIPTS,
  ],
  [
    'a long name',
    [
      QUIET,
      { path: '././@LongLink', type: 'L', content: 'package/package.json\0' },
      { ...LOUD, path: 'package/a.js' },
    ],
    SCRIPTS,
  ],
  [
    'no package.json',
    [{ path: 'package/a.js' }],
    { kind: 'unreadable', reason: 'its file has no package.json' },
  ],
  [
    'a package.json that is no JSON',
    [{ ...QUIET, content: '{' }],
    unreadable('its package.json is no JSON'),
  ],
  [
    'a package.json that is too long',
    [{ ...QUIET, content: ' '.repeat(1024 * 1024 + 1) }],
    unreadable('its package.json is too long'),
  ],
  [
    'a wrong checksum',
    [QUIET, { path: 'a', checksum: '000000\0 ' }],
    unreadable('a wrong checksum'),
  ],
  [
    'a size that is no octal number',
    [QUIET, { path: 'a', size: '\x80\0\0\0\0\0\0\0\0\0\0\0' }],
    unreadable('a size that is no number'),
  ],
  [
    'an unknown kind of entry',
    [QUIET, { path: 'a', type: 'Z' }],
    unreadable('an entry of type "Z"'),
  ],
  [
    'a link with content',
    [QUIET, { path: 'a', type: '2', content: 'x' }],
    unreadable('content where there is no file'),
  ],
  [
    'a directory by its name, with content',
    [QUIET, { path: 'a/', content: 'x' }],
    unreadable('content where there is no file'),
  ],
  [
    'a path for all entries',
    [QUIET, { path: 'a', type: 'g', content: paxRecord('path', 'package/package.json') }],
    unreadable('a path or size for all entries'),
  ],
  [
    'broken attributes',
    [QUIET, { path: 'a', type: 'x', content: '99 path=x\n' }],
    unreadable('broken attributes'),
  ],
] as const)('a tarball with %s', ([, entries, want]) => {
  expect(look(makeTar(entries))).toEqual(want)
})

test('a size in an attribute moves where the next entry begins', () => {
  const hidden = Buffer.from(makeTar([LOUD], Buffer.alloc(0)))
  // a reader that took the header's own size would see the hidden entry as an entry of its own
  const entries: TarEntry[] = [
    QUIET,
    { path: 'PaxHeader', type: 'x', content: paxRecord('size', String(hidden.length)) },
    { path: 'package/a.js', size: '00000000000\0' },
  ]
  const archive = Buffer.concat([makeTar(entries, hidden), Buffer.alloc(1024)])
  expect(look(archive)).toEqual({ kind: 'quiet' })
})

test('bytes after the end are no archive', () => {
  expect(look(makeTar([QUIET], Buffer.concat([Buffer.alloc(1024), makeTar([LOUD])])))).toEqual(
    unreadable('bytes after its end'),
  )
  expect(look(makeTar([QUIET], Buffer.concat([Buffer.alloc(512), makeTar([LOUD])])))).toEqual(
    unreadable('an entry after its end'),
  )
})

test('an archive that breaks off, or is none, is unreadable', () => {
  const archive = makeTar([{ ...QUIET, content: `${QUIET.content}${' '.repeat(2000)}` }])
  expect(look(archive.subarray(0, 1000))).toEqual(unreadable('it breaks off'))
  expect(look(archive.subarray(0, 300))).toEqual(unreadable('it breaks off'))
  expect(look(Buffer.alloc(0))).toEqual(unreadable('it is empty'))
  expect(look(Buffer.from('x'.repeat(600)))).toEqual(unreadable('a wrong checksum'))
})

test('what is found does not depend on how the archive was cut', () => {
  const entry = fc.record({
    path: fc.constantFrom(
      'package/a.js',
      'package/b/c.js',
      'package/package.json',
      'package/binding.gyp',
    ),
    content: fc.constantFrom('', '{}', '{"scripts":{"install":"x"}}', 'x'.repeat(600)),
  })
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 5 }),
      fc.integer({ min: 1, max: 700 }),
      (entries, bytes) => {
        const archive = makeTar(entries)
        expect(look(archive, bytes)).toEqual(look(archive, archive.length))
      },
    ),
  )
})

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 2047 }), (bytes, at) => {
      const archive = makeTar([QUIET])
      archive.set(bytes.subarray(0, archive.length - at), at)
      expect(() => look(archive)).not.toThrow()
    }),
    { numRuns: 2000 },
  )
})
