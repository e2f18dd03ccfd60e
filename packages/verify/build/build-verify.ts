import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

/**
 * Makes the auditor one file of plain JavaScript that wants nothing but Node, and a page that
 * wants nothing but a browser. Not minified: they are there to be read. The same sources give the
 * same bytes.
 */

const ROOT = resolve(import.meta.dirname, '../../..')
const DIST = join(import.meta.dirname, '../dist')

export type Built = {
  code: string
  /** the sources that it is made of, from the clone's root */
  sources: string[]
  /** what is left to import */
  imports: string[]
}

export function buildProgram(): Promise<Built> {
  return build({ input: 'packages/verify/bin/sekisho-verify.ts', platform: 'node' })
}

async function build(what: { input: string; platform: 'node' | 'browser' }): Promise<Built> {
  const bundle = await rolldown({ ...what, input: join(ROOT, what.input), cwd: ROOT })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  const [chunk, second] = output
  if (second !== undefined) throw new Error('more than one file')
  const sources = chunk.moduleIds.map((id) => id.replace(`${ROOT}/`, '')).toSorted()
  return { code: chunk.code, sources, imports: chunk.imports.toSorted() }
}

if (import.meta.main) {
  await mkdir(DIST, { recursive: true })
  const program = join(DIST, 'sekisho-verify.mjs')
  await writeFile(program, (await buildProgram()).code)
  await chmod(program, 0o755)
}
