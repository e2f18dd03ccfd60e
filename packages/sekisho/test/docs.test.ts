import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { ERRORS } from '../src/core/error.ts'
import { readSettings } from '../src/daemon/settings.ts'
import { CANARY_RANDOM_BYTES, makeCanary } from '../src/detect/egress/canaries/make-canary.ts'
import { DETECTORS } from '../src/detect/egress/all.ts'
import { HIDDEN } from '../src/detect/egress/views/viewed-scan.ts'
import { parseAgentFile } from '../src/policy/agent-file.ts'
import {
  aptListUrls,
  aptSourcesUrls,
  npmRegistryUrls,
  pipIndexUrls,
} from '../src/policy/registry-config.ts'

const root = join(import.meta.dirname, '../../..')
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)))
const markdown = tracked.filter((path) => path.endsWith('.md'))

test('there is something to check', () => {
  expect(markdown).toContain('README.md')
  expect(markdown.length).toBeGreaterThan(10)
  expect(tracked.length).toBeGreaterThan(200)
})

test('docs/errors.md has one row for each code, with its exit status', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)]
  const documented = Object.fromEntries(rows.map(([, code, exit]) => [code, Number(exit)]))
  const defined = Object.entries(ERRORS).map(([code, { exit }]) => [code, exit])
  expect(documented).toEqual(Object.fromEntries(defined))
  expect(rows.length).toBe(defined.length)
})

test('docs/errors.md has one row for each rule that the platform denies by itself', () => {
  const rows = [
    ...read('docs/errors.md').matchAll(/^\| `((?:invariant|keyholder)\.[a-z0-9-]+)` \|/gm),
  ]
  const sources = tracked.filter(
    (path) => /^packages\/sekisho\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
  )
  const used = sources
    .filter((path) => !/\/(?:wire|drill|testing)\//.test(path)) // names of messages, not of rules
    .flatMap((path) => [...read(path).matchAll(/'((?:invariant|keyholder)\.[a-z0-9-]+)'/g)])
    .map(([, rule = '']) => rule)
    .filter((rule) => rule !== 'keyholder.attach') // a message
  expect(rows.map(([, rule]) => rule)).toEqual([...new Set(used)].sort())
})

test.for(markdown)('every relative link of %s leads to a file, and to a heading of it', (path) => {
  expect(brokenLinks(path)).toEqual([])
})

test('every file that ARCHITECTURE.md and the decisions name exists', () => {
  const places = ['', 'packages/sekisho/src', 'packages/sekisho', 'packages']
  const documents = markdown.filter((path) => path === 'ARCHITECTURE.md' || /\/adr\//.test(path))
  const named = documents.flatMap((document) =>
    [...read(document).matchAll(/`([\w./-]+\/[\w.-]+\.(?:ts|mjs|md|yaml))`/g)].map(
      ([, file = '']) => ({ document, file }),
    ),
  )
  expect(named.length).toBeGreaterThan(60)
  const missing = named.filter(({ file }) =>
    places.every((place) => !existsSync(join(root, place, file))),
  )
  expect(missing).toEqual([])
})

test('the settings that the guide shows are the defaults', () => {
  const example = /```yaml\n(version: 1\n[^`]*)```/.exec(read('docs/guides/operate.md'))?.[1] ?? ''
  const settings = readSettings(join(root, 'docs')) // where there is no platform.yaml
  expect(Object.keys(parse(example))).toEqual(Object.keys(settings))
  const bundle = mkdtempSync(join(tmpdir(), 'sekisho-docs-'))
  try {
    writeFileSync(join(bundle, 'platform.yaml'), example)
    expect(readSettings(bundle)).toEqual(settings)
  } finally {
    rmSync(bundle, { recursive: true })
  }
})

test('every whole agent file that a guide shows is one', () => {
  const shown = markdown.flatMap((path) =>
    [...read(path).matchAll(/^```yaml\n(version: 1\nname: ([a-z-]+)\n[^`]*)```/gm)].map(
      ([, text = '', name = '']) => ({ path, text, name }),
    ),
  )
  expect(shown.map(({ path }) => path)).toContain('docs/guides/network.md')
  for (const { path, text, name } of shown) {
    expect(parseAgentFile(text, `policy/agents/${name}.yaml`).name, path).toBe(name)
  }
})

test('the guide to detectors names those that are no formats of secrets', () => {
  const guide = read('docs/guides/detectors.md')
  const others = DETECTORS.filter(({ id }) => !id.startsWith('secret.')).map(({ id }) => id)
  const canaries = makeCanary(Buffer.alloc(CANARY_RANDOM_BYTES)).tokens
  const ids = [...others, HIDDEN.detector, ...canaries.map(({ name }) => `canary.${name}`)]
  const unnamed = ids.filter(
    (id) => !guide.includes(`\`${id}\``) && !guide.includes(`\`${id.replace('pii.', '')}\``),
  )
  expect(ids.length).toBeGreaterThan(10)
  expect(unnamed).toEqual([])
})

test('the README names every command', () => {
  const commands = [...read('packages/sekisho/src/main.ts').matchAll(/^ {2}(\w+): async \(\) =>/gm)]
  expect(commands.length).toBeGreaterThan(8)
  const text = read('README.md')
  const unnamed = commands
    .map(([, name]) => name)
    .filter((name) => !text.includes(`sekisho ${name}`))
  expect(unnamed).toEqual([])
})

test('every dependency has a line with its reason, and an exact version', () => {
  const text = read('docs/adr/dependencies.md')
  const manifests = tracked.filter((path) => /(?:^|\/)package\.json$/.test(path))
  expect(manifests.length).toBe(3)
  const offences = manifests.flatMap((path) =>
    Object.entries(dependenciesOf(path))
      .filter(([name, version]) => !/^\d+\.\d+\.\d+$/.test(version) || !isExplained(name, text))
      .map(([name, version]) => `${path}: ${name}@${version}`),
  )
  expect(offences).toEqual([])
})

/** What the owner of this machine configured is no part of the product. */
test('no tracked file names a registry of this machine, nor where this clone lies', () => {
  const hosts = registryHosts()
  expect(hosts.length).toBeGreaterThan(0)
  const inHere = ['packages', 'node_modules', 'scripts', 'docs', 'bench'].map((name) =>
    join(root, name),
  )
  const offences = tracked.flatMap((path) => {
    const text = read(path)
    const named = hosts.filter((host) => text.includes(host)).map((host) => `${path}: ${host}`)
    return inHere.some((place) => text.includes(place))
      ? [...named, `${path}: its own place`]
      : named
  })
  expect(offences).toEqual([])
})

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function brokenLinks(path: string): string[] {
  const prose = read(path).replace(/^```.*?^```/gms, '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return links.filter((target) => !/^[a-z]+:/.test(target) && !resolves(path, target))
}

function resolves(from: string, target: string): boolean {
  const [file = '', fragment] = target.split('#')
  const to = file === '' ? from : join(dirname(from), file)
  if (relative('.', to).startsWith('..') || !existsSync(join(root, to))) return false
  return fragment === undefined || anchorsOf(to).includes(fragment)
}

/** As forges make them of headings. */
function anchorsOf(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}

function dependenciesOf(path: string): Record<string, string> {
  const manifest: unknown = JSON.parse(read(path))
  const parts = ['dependencies', 'devDependencies'].map((key): unknown =>
    typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, key) : undefined,
  )
  return Object.assign({}, ...parts)
}

function isExplained(name: string, text: string): boolean {
  if (name.startsWith('@sekisho/')) return true // of this repository
  return text.split('\n').some((line) => line.startsWith('|') && line.includes(`\`${name}\``))
}

/** Read as the product reads them; Debian's own keep other hosts out that a machine may have. */
function registryHosts(): string[] {
  const npm = execFileSync('npm', ['config', 'ls', '-l'], { encoding: 'utf8', stdio: 'pipe' })
  const apt = ['/etc/apt/sources.list', ...filesIn('/etc/apt/sources.list.d')]
  const aptUrls = apt
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      const text = readFileSync(path, 'utf8')
      return path.endsWith('.sources') ? aptSourcesUrls(text) : aptListUrls(text)
    })
  const pip = existsSync('/etc/pip.conf') ? readFileSync('/etc/pip.conf', 'utf8') : ''
  const urls = [...npmRegistryUrls(npm), ...aptUrls, ...pipIndexUrls(pip)]
  const hosts = urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).hostname)
  // a registry on the machine itself, or behind a bare name, would be met in any text
  return [...new Set(hosts)].filter((host) => host.includes('.') && !/^[\d.]+$/.test(host))
}

function filesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : []
}
