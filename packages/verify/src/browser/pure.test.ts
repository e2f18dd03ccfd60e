import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** What a page reads and proves a log with; the rest of the package is for Node. */
const FOR_A_PAGE = [
  'note',
  'open-checkpoint',
  'tile-builder',
  'tile-reader',
  'tlog-proof',
  'verify-log',
  'browser/crypto',
]
/** The one file that a page takes another in place of. */
const PORT = 'src/crypto.ts'

test('nothing that a page needs imports a module of Node, but for the port to cryptography', () => {
  const seen = new Set<string>()
  const found = FOR_A_PAGE.flatMap((name) =>
    nodeImports(new URL(`../${name}.ts`, import.meta.url), seen),
  )
  expect(found).toEqual([`${PORT} imports node:crypto`])
  expect(seen.size).toBeGreaterThan(20)
})

function nodeImports(file: URL, seen: Set<string>): string[] {
  if (seen.has(file.href)) return []
  seen.add(file.href)
  const text = readFileSync(file, 'utf8')
  // an import of types alone is gone when the program runs
  const statements = text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gms)
  return [...statements].flatMap(([, from = '']) => {
    if (from.startsWith('.')) return nodeImports(new URL(from, file), seen)
    return [`${file.pathname.slice(file.pathname.indexOf('src/'))} imports ${from}`]
  })
}
