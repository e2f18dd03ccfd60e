/**
 * Writes the names of projects on PyPI that Debian has packaged, as Debian's dh-python lists them,
 * into the platform's code: what the package firewall takes for well known there.
 *
 * Run for a newer list: `apt-get download dh-python`, unpack it with `dpkg -x`, then
 * `.runtime/node scripts/pypi-names.ts …/usr/share/dh-python/dist/cpython3_fallback VERSION DAY`
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DIRECTORY = join(import.meta.dirname, '../packages/sekisho/src/detect/packages/pypi-names')
const LINE = 98
const LINES_A_FILE = 280

/** Normalised names (PEP 503) in order, from lines `NAME DEBIAN-PACKAGE`. */
export function readFallback(text: string): string[] {
  const names = text
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name))
    .map((name) => name.toLowerCase().replace(/[-_.]+/g, '-'))
  return [...new Set(names)].toSorted()
}

/** Sources of the modules that hold the names, none longer than a file of this house may be. */
export function renderNames(names: readonly string[], source: string): Map<string, string> {
  const lines: string[] = []
  let line = ''
  for (const name of names) {
    if (line.length + name.length + 1 > LINE) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? name : ` ${name}`
  }
  lines.push(line)
  const files = new Map<string, string>()
  const parts: string[] = []
  for (let at = 0; at < lines.length; at += LINES_A_FILE) {
    const part = `part-${files.size + 1}`
    const body = lines.slice(at, at + LINES_A_FILE).join('\n')
    files.set(
      `${part}.ts`,
      `/** Made by scripts/pypi-names.ts. */\nexport const NAMES = \`\n${body}\n\`\n`,
    )
    parts.push(part)
  }
  files.set('all.ts', renderAll(parts, source))
  return files
}

function renderAll(parts: readonly string[], source: string): string {
  const imports = parts.map((part, at) => `import { NAMES as PART_${at + 1} } from './${part}.ts'`)
  const all = parts.map((_, at) => `PART_${at + 1}`).join(', ')
  return [
    "import type { PopularList } from '../popular-names.ts'",
    ...imports,
    '',
    '/** Projects on PyPI that Debian has packaged. Made by scripts/pypi-names.ts. */',
    'export const PYPI_NAMES: PopularList = {',
    `  source: '${source}',`,
    `  names: [${all}].flatMap((part) => part.trim().split(/\\s+/)),`,
    '}',
    '',
  ].join('\n')
}

if (import.meta.main) {
  const [file = '', version = '', day = ''] = process.argv.slice(2)
  const names = readFallback(readFileSync(file, 'utf8'))
  const source = `Debian (dh-python ${version}, ${day})`
  for (const [name, text] of renderNames(names, source)) writeFileSync(join(DIRECTORY, name), text)
  process.stdout.write(`${names.length} names\n`)
}
