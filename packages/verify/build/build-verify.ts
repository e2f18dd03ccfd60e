import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

/**
 * Makes the auditor one file of plain JavaScript that wants nothing but Node, and a page that
 * wants nothing but a browser. Not minified: they are there to be read. The same sources give the
 * same bytes.
 */

const ROOT = resolve(import.meta.dirname, '../../..')
const DIST = join(import.meta.dirname, '../dist')
const WEB = join(import.meta.dirname, '../web')

type Built = {
  code: string
  /** the sources that it is made of, from the clone's root */
  sources: string[]
  /** what is left to import */
  imports: string[]
}

export function buildProgram(): Promise<Built> {
  return build('packages/verify/bin/sekisho-verify.ts', { platform: 'node', format: 'esm' })
}

/** A page's cryptography is its own: there is no Node. */
const OWN_CRYPTOGRAPHY: Plugin = {
  name: 'own-cryptography',
  resolveId(source, importer) {
    if (source !== '../crypto.ts' && source !== './crypto.ts') return null
    const isOurs = importer?.startsWith(join(ROOT, 'packages/verify/src')) === true
    return isOurs ? join(ROOT, 'packages/verify/src/browser/crypto.ts') : null
  },
}

export async function buildPage(): Promise<Built> {
  const script = await build('packages/verify/web/page.ts', {
    platform: 'browser',
    format: 'iife',
    plugins: [OWN_CRYPTOGRAPHY],
  })
  // the one word that would end the script early
  if (/<\/script|<!--/i.test(script.code)) throw new Error('a script that ends itself')
  const style = await readFile(join(WEB, 'verify.css'), 'utf8')
  const template = await readFile(join(WEB, 'verify.template.html'), 'utf8')
  const policy = [
    "default-src 'none'",
    `script-src '${integrity(script.code)}'`,
    `style-src '${integrity(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const code = template
    .replace('@CSP@', () => policy)
    .replace('@STYLE@', () => style)
    .replace('@SCRIPT@', () => script.code)
  return { ...script, code }
}

function integrity(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

async function build(
  input: string,
  how: { platform: 'node' | 'browser'; format: 'esm' | 'iife'; plugins?: Plugin[] },
): Promise<Built> {
  const { platform, format, plugins = [] } = how
  const bundle = await rolldown({ input: join(ROOT, input), cwd: ROOT, platform, plugins })
  const { output } = await bundle.generate({ format, codeSplitting: false })
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
  await writeFile(join(DIST, 'verify.html'), (await buildPage()).code)
}
