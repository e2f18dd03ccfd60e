import { lstatSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where set-up keeps what V8 made of the children's modules, below the clone. Whoever can write there
 * runs code in every child of the next start: it is its owner's alone, and for the children it lies,
 * like all code, on a read-only mount (docs/adr/0007-type-stripped-typescript.md).
 */
export const COMPILED_CODE = '.runtime/child-cache'

const WRITABLE_BY_OTHERS = 0o022

/**
 * What lets a child start from compiled code: without it each strips and compiles its modules again,
 * 0.4 s of CPU. Nothing where there is none, or one that somebody else than the owner of the code may
 * have written. What does not fit, Node sees by itself and compiles: another version of Node or V8's
 * flags by the name of the folder, another source or a damaged file by the hashes in its head.
 *
 * @param code the clone, as the child sees it
 */
export function compiledCode(code: string): {
  permissions: readonly string[]
  environment: Readonly<Record<string, string>>
} {
  const directory = join(code, COMPILED_CODE)
  if (!isOwnersAlone(directory, code)) return { permissions: [], environment: {} }
  return {
    // Node takes no cache that it may not write to; the mount and the files' owner say no (the attack
    // in test/integration/compiled-code.test.ts tries both)
    permissions: [`--allow-fs-write=${directory}`],
    // portable: by paths relative to the folder, so that any name of the clone will do
    environment: { NODE_COMPILE_CACHE: directory, NODE_COMPILE_CACHE_PORTABLE: '1' },
  }
}

function isOwnersAlone(directory: string, code: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false })
  if (found === undefined || !found.isDirectory()) return false
  const owner = lstatSync(join(code, 'packages/sekisho/src/daemon')).uid
  return found.uid === owner && (found.mode & WRITABLE_BY_OTHERS) === 0
}
