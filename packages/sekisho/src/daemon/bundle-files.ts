import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SekishoError } from '../core/error.ts'
import { isMissing } from './session-record.ts'

const MAX_FILES = 1000
const MAX_FILE_BYTES = 256 * 1024
const MAX_DEPTH = 8
/**
 * What is written for people, and what an editor leaves behind. Whatever else is there and means
 * nothing is refused by its reader: `a.ceder` would be believed to count.
 */
const PROSE = /(?:\.(?:md|txt)|~)$/i

/** The bundle's files as text, with a stamp that changes when any of them does. */
export class BundleFiles {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws SekishoError CONFIG_INVALID when the bundle cannot be read or is too large */
  read(known: string | null): { stamp: string; files: Record<string, string> | null } {
    const stats = this.#list().map((name) => this.#stat(name))
    const stamp = stats.map((file) => file.key).join('|')
    if (stamp === known) return { stamp, files: null }
    const large = stats.find((file) => file.size > MAX_FILE_BYTES)
    if (large !== undefined || stats.length > MAX_FILES) {
      throw new SekishoError(
        'CONFIG_INVALID',
        `${this.#directory} is too large: ${large?.name ?? stats.length}`,
      )
    }
    const files = stats.map(({ name }): [string, string] => [
      name,
      readFileSync(join(this.#directory, name), 'utf8'),
    ])
    return { stamp, files: Object.fromEntries(files) }
  }

  #stat(name: string): { name: string; size: bigint; key: string } {
    const path = join(this.#directory, name)
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (stats?.isFile() !== true) {
      throw new SekishoError('CONFIG_INVALID', `${path} is no file`) // a pipe would never end
    }
    // the change time, which nobody can set back: a file's own time is whatever its writer says
    const { size, ctimeNs, ino } = stats
    return { name, size, key: `${name}:${size}:${ctimeNs}:${ino}` }
  }

  #list(): string[] {
    try {
      readdirSync(join(this.#directory, 'agents'))
      return filesBelow(this.#directory, '', 0).toSorted()
    } catch (cause) {
      if (cause instanceof SekishoError) throw cause
      throw new SekishoError('CONFIG_INVALID', `${this.#directory}/agents cannot be read`, {
        hint: 'put agent files there; see docs/guides/agent-files.md',
        cause,
      })
    }
  }
}

/** Everything that may mean something; hidden directories are tools' own. */
function filesBelow(root: string, path: string, depth: number): string[] {
  if (depth > MAX_DEPTH) {
    throw new SekishoError('CONFIG_INVALID', `${join(root, path)} is nested too deeply`)
  }
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.')) return []
    const name = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(root, name, depth + 1)
    return PROSE.test(entry.name) ? [] : [name]
  })
}

const NPM_TIMEOUT_MS = 10_000

export type RegistryTexts = {
  /** `npm config ls -l`: npm is asked, because only npm knows its default */
  npm: string
  apt: readonly { path: string; text: string }[]
  pip: readonly string[]
}

/**
 * This machine's own package configuration, from which the registries preset takes its hosts:
 * no file of ours names one.
 */
export async function readRegistryConfiguration(
  home: string,
  warn: (line: string) => void,
): Promise<RegistryTexts> {
  const options = {
    timeout: NPM_TIMEOUT_MS,
    cwd: '/',
    maxBuffer: 1024 * 1024,
    env: { ...process.env, npm_config_logs_max: '0' }, // asking leaves no file in the user's home
  }
  const npm = await promisify(execFile)('npm', ['config', 'ls', '-l'], options).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      const why = String(error).split('\n')[0]
      warn(`npm did not say which registry it uses (${why}): package-registries leaves npm out`)
      return ''
    },
  )
  const lists = filesIn('/etc/apt/sources.list.d').filter((path) => /\.(list|sources)$/.test(path))
  const pip = ['/etc/pip.conf', join(home, '.pip/pip.conf'), join(home, '.config/pip/pip.conf')]
  return {
    npm,
    apt: ['/etc/apt/sources.list', ...lists].flatMap((path) =>
      textOf(path).map((text) => ({ path, text })),
    ),
    pip: pip.flatMap(textOf),
  }
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function textOf(path: string): string[] {
  try {
    return [readFileSync(path, 'utf8')]
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
