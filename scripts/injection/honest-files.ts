import { globSync, readFileSync, statSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Files of this machine that nobody wrote as an attack, none of them learned from. */
export type HonestFiles = { kind: string; texts: readonly string[] }

const MAX_FILES = 3000
const MAX_CHARACTERS = 8192
const MAX_FILE_BYTES = 2_000_000

const KINDS: readonly { kind: string; globs: readonly string[] }[] = [
  { kind: 'READMEs and guides of packages', globs: ['node_modules/**/*.md'] },
  { kind: 'JavaScript and types', globs: ['node_modules/**/*.{js,mjs,d.ts}'] },
  { kind: 'JSON', globs: ['node_modules/**/*.json'] },
  { kind: 'this repository', globs: ['packages/*/src/**/*.ts', 'docs/**/*.md', '*.md'] },
  { kind: 'Python', globs: ['/usr/lib/python3*/**/*.py'] },
  { kind: 'documents of Debian', globs: ['/usr/share/doc/**/*'] },
  { kind: 'man pages', globs: ['/usr/share/man/man*/*.gz'] },
  { kind: 'man pages, German', globs: ['/usr/share/man/de/man*/*.gz'] },
  { kind: 'man pages, French', globs: ['/usr/share/man/fr/man*/*.gz'] },
  { kind: 'man pages, Japanese', globs: ['/usr/share/man/ja/man*/*.gz'] },
  { kind: 'man pages, Chinese', globs: ['/usr/share/man/zh_*/man*/*.gz'] },
  { kind: 'man pages, Russian', globs: ['/usr/share/man/ru/man*/*.gz'] },
]

/** Up to 8 KB of each file, and of many files some, evenly. */
export function readHonestFiles(root: string): HonestFiles[] {
  return KINDS.map(({ kind, globs }) => {
    const files = globs.flatMap((glob) => globSync(glob, { cwd: root })).sort()
    const step = Math.max(1, Math.floor(files.length / MAX_FILES))
    const texts = files
      .filter((_, index) => index % step === 0)
      .flatMap((file) => readText(file.startsWith('/') ? file : `${root}/${file}`))
    return { kind, texts: [...new Set(texts)] }
  })
}

function readText(path: string): string[] {
  const { size, isFile } = statOf(path)
  if (!isFile || size > MAX_FILE_BYTES) return []
  const bytes = readFileSync(path)
  const whole = path.endsWith('.gz') ? gunzipSync(bytes) : bytes
  if (whole.includes(0)) return []
  const text = whole.toString('utf8').slice(0, MAX_CHARACTERS)
  return text.trim() === '' ? [] : [text]
}

function statOf(path: string): { size: number; isFile: boolean } {
  const stat = statSync(path, { throwIfNoEntry: false })
  return { size: stat?.size ?? 0, isFile: stat?.isFile() ?? false }
}
