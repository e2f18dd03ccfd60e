/**
 * Fills the folder of compiled code that the platform's children start from: run by set-up. Each
 * entry is loaded as it is, up to where it finds that no supervisor has started it; what Node has
 * compiled until then it writes at its exit, once for each set of V8's flags.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { COMPILED_CODE } from '../packages/sekisho/src/daemon/compiled-code.ts'
import { COMMON_HEAP, GATE_HEAP, KEYHOLDER_HEAP } from '../packages/sekisho/src/daemon/heaps.ts'

const FILL_TIMEOUT_MS = 60_000
const SETS = [
  {
    heap: COMMON_HEAP,
    entries: ['control', 'exporter', 'solver', 'root', 'transcript-reader'],
  },
  { heap: [...COMMON_HEAP, ...GATE_HEAP], entries: ['gate'] },
  { heap: [...COMMON_HEAP, ...KEYHOLDER_HEAP], entries: ['keyholder'] },
]

/** Written last: what is older than the sources is made again. */
const STAMP = 'stamp'

if (import.meta.main) {
  const [, , task, ...rest] = process.argv
  if (task === 'load') await load(rest)
  else compileChildren(resolve(import.meta.dirname, '..'))
}

/** Puts a whole new folder in the place of the old one; one that is being read is not changed. */
export function compileChildren(root: string): void {
  const target = join(root, COMPILED_CODE)
  const fresh = `${target}.${process.pid}` // as deep as the target: what it keeps, it keeps by relative paths
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { mode: 0o755 })
  try {
    for (const set of SETS) fill(fresh, root, set)
    for (const tag of readdirSync(fresh)) openToReaders(join(fresh, tag))
    writeFileSync(join(fresh, STAMP), '')
    chmodSync(fresh, 0o755)
    rmSync(target, { recursive: true, force: true })
    renameSync(fresh, target)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function fill(
  directory: string,
  root: string,
  { heap, entries }: { heap: readonly string[]; entries: readonly string[] },
): void {
  const files = entries.map((name) => join(root, `packages/sekisho/src/daemon/${name}-main.ts`))
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...heap, import.meta.filename, 'load', ...files],
    {
      cwd: '/',
      env: { NODE_COMPILE_CACHE: directory, NODE_COMPILE_CACHE_PORTABLE: '1' },
      encoding: 'utf8',
      timeout: FILL_TIMEOUT_MS,
    },
  )
  if (status !== 0) throw new Error(`the platform's code does not load: ${stderr.trim()}`)
}

/** The children have uids of their own, and Node writes for its own alone. */
function openToReaders(directory: string): void {
  for (const file of readdirSync(directory)) chmodSync(join(directory, file), 0o644)
  chmodSync(directory, 0o755)
}

async function load(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await import(pathToFileURL(file).href).then(
      () => Promise.reject(new Error(`${file} started without a supervisor`)),
      (error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'USAGE')) throw error
      },
    )
  }
}
