import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { execute } from './execute.ts'

const INSTALL_TIMEOUT_MS = 300_000
/** Beside the pinned Node: kept between runs, never committed. */
const CACHE = resolve(import.meta.dirname, '../../../../.runtime/packages')

/**
 * Installs `NAME@VERSION` from the npm registry that this machine is set up for, once, and returns
 * its `node_modules` directory. Install scripts never run: they would run with our rights.
 */
export async function installPackage(
  spec: string,
  { overrides = {} }: { overrides?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const directory = join(CACHE, spec.replace(/^@/, '').replaceAll('/', '-'))
  const modules = join(directory, 'node_modules')
  if (existsSync(modules)) return modules
  await mkdir(CACHE, { recursive: true })
  const fresh = await mkdtemp(`${directory}.`)
  try {
    await writeFile(join(fresh, 'package.json'), JSON.stringify({ private: true, overrides }))
    const npm = ['npm', 'install', '--prefix', fresh, '--ignore-scripts', '--no-save'] as const
    const { code, stderr } = await execute([...npm, '--no-audit', '--no-fund', spec], {
      cwd: fresh,
      env: inherited(),
      timeoutMs: INSTALL_TIMEOUT_MS,
    })
    if (code !== 0) throw new Error(`npm could not install ${spec}: ${stderr.slice(-2000)}`)
    await chmod(fresh, 0o755) // a sandbox's user must be able to enter it
    await rename(fresh, directory) // whole or not at all: an interrupted install leaves no half
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return modules
}

/** npm reads the machine's registry and proxies from the user's configuration. */
function inherited(): Record<string, string> {
  const defined = Object.entries(process.env).filter((e): e is [string, string] => {
    return e[1] !== undefined
  })
  return Object.fromEntries(defined)
}
