import type { Random } from './random.ts'

const KEYS = [
  'name',
  'versions',
  'time',
  'modified',
  'created',
  'scripts',
  'postinstall',
  'deprecated',
  '1.0.0',
  '2.0.0-rc',
  'hasInstallScript',
  'dist',
  'info',
  'files',
  'urls',
  'releases',
  'filename',
  'upload-time',
  'yanked',
  '',
  '__proto__',
  'é',
  '\u0000',
] as const

/** A packument: what `npm install` fetches of a package. */
export function packumentBytes(random: Random): Buffer {
  if (random.once(3)) return Buffer.from(value(random, 5))
  const versions = Array.from({ length: random.below(5) }, (_, index) => `1.${index}.0`)
  const described = versions.map((version) => [
    version,
    { name: 'left-pad', version, scripts: scripts(random) },
  ])
  const times = versions.map((version) => [version, timeText(random)])
  return Buffer.from(
    JSON.stringify({
      name: random.once(10) ? 'other' : 'left-pad',
      versions: Object.fromEntries(described),
      time: Object.fromEntries([['created', timeText(random)], ...times]),
    }),
  )
}

/** A page of PyPI in JSON (PEP 691). */
export function projectBytes(random: Random): Buffer {
  if (random.once(3)) return Buffer.from(value(random, 5))
  const files = Array.from({ length: random.below(5) }, (_, index) => ({
    filename: random.pick([
      `left_pad-1.${index}.tar.gz`,
      `left_pad-1.${index}-py3-none-any.whl`,
      'x',
      '',
    ]),
    'upload-time': timeText(random),
    yanked: random.pick([true, false, 'why', null]),
  }))
  return Buffer.from(JSON.stringify({ name: random.once(10) ? 'other' : 'left-pad', files }))
}

function scripts(random: Random): Record<string, string> {
  return random.once(3) ? { [random.pick(['postinstall', 'install', 'test'])]: 'node x' } : {}
}

function timeText(random: Random): string {
  return random.pick([
    '2024-01-02T03:04:05.678Z',
    '2024-01-02T03:04:05Z',
    '1',
    '',
    '2024-13-45T99:99:99Z',
    '+275760-09-13T00:00:00Z',
    'x'.repeat(40),
  ])
}

/** JSON of any shape, so many levels deep, with what parsers differ on. */
function value(random: Random, depth: number): string {
  if (depth === 0 || random.once(3)) return scalar(random)
  const parts = Array.from({ length: random.below(5) }, () => value(random, depth - 1))
  if (random.once(3)) return `[${parts.join(random.once(30) ? ',,' : ',')}]`
  return `{${parts.map((part) => `${JSON.stringify(random.pick(KEYS))}:${part}`).join(',')}}`
}

function scalar(random: Random): string {
  return random.pick([
    'null',
    'true',
    '0',
    '-1.5e3',
    '1e999',
    '"a"',
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"é"',
    'NaN',
    '01',
    '"\\x"',
    "'a'",
    '"',
    '//',
    `"${'x'.repeat(300)}"`,
    '1'.repeat(300),
    `${'['.repeat(300)}`,
  ])
}

const BLOCK = 512

/** A tar archive of a package (POSIX.1-2017 ustar). */
export function tarBytes(random: Random): Buffer {
  const entries = Array.from({ length: random.below(4) }, () => tarEntry(random))
  return Buffer.concat([...entries, Buffer.alloc(random.once(5) ? BLOCK : 2 * BLOCK)])
}

function tarEntry(random: Random): Buffer {
  const content = random.once(2) ? Buffer.from(manifest(random)) : random.bytes(random.below(700))
  const header = Buffer.alloc(BLOCK)
  header.write(
    random.pick([
      'package/package.json',
      'package/index.js',
      'package/binding.gyp',
      'package/../x',
      '',
      'x'.repeat(100),
      '/abs',
    ]),
    0,
  )
  header.write('0000644\0', 100)
  const size = random.once(10) ? random.pick([content.length * 2, 0, 8 ** 10, 1]) : content.length
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write(' '.repeat(8), 148)
  header.write(
    random.pick(['0', '0', '0', '\0', '5', '2', 'x', 'g', 'L', 'K', '7', 'S', '\xff']),
    156,
    'latin1',
  )
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0) + (random.once(20) ? 1 : 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  return Buffer.concat([header, content, padding])
}

function manifest(random: Random): string {
  return random.pick([
    '{"name":"left-pad","version":"1.0.0"}',
    '{"name":"left-pad","scripts":{"postinstall":"node x"}}',
    '{"scripts":{},"scripts":{"install":"x"}}',
    '{"scripts":[]}',
    '30 path=package/package.json\n20 size=99999999\n',
    '{',
  ])
}
