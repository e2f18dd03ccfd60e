import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { COMPUTED, importsOf } from './imports-of.ts'

type Layer = {
  /** layers, `npm:package`, `node` for all of Node, or single modules of Node */
  imports: readonly string[]
  /** layers whose types it may name, and nothing more */
  types?: readonly string[]
}

const BELOW_FLOW = ['core', 'wire', 'policy', 'detect', 'budget', 'flow', 'npm:zod', 'node']

/** Who may import whom. Adapters never meet each other; only `daemon` builds them. */
const LAYERS: Readonly<Record<string, Layer>> = {
  core: { imports: ['node:crypto'] },
  wire: { imports: ['core', 'npm:zod', 'node'] },
  policy: { imports: ['core', 'wire', 'npm:zod', 'npm:yaml', 'node:crypto'] },
  // The bundle as text: Cedar's own library is here, and nowhere near a decision.
  'policy-text': {
    imports: [
      'core',
      'wire',
      'policy',
      // a trial of a tool's call is read as the gate reads one
      'llm',
      'npm:zod',
      'npm:yaml',
      'npm:@cedar-policy/cedar-wasm/nodejs',
      'node:crypto',
    ],
  },
  // hashing and inflating: functions of their input, though Node keeps them in modules
  detect: {
    imports: ['core', 'wire', 'npm:zod', 'npm:yaml', 'node:crypto', 'node:zlib'],
  },
  // What calls of models cost, and what they may come to together.
  budget: { imports: ['core', 'wire', 'node:crypto'] },
  // Formats of model APIs, what calls mean, and the hold: functions of their input.
  llm: { imports: ['core', 'wire', 'detect', 'npm:zod', 'npm:unbash', 'npm:acorn', 'node:crypto'] },
  flow: { imports: ['core'], types: ['wire', 'policy', 'detect'] },
  kernel: { imports: ['core', 'npm:koffi', 'node'] },
  gate: {
    imports: [
      ...BELOW_FLOW,
      'llm',
      'kernel',
      'npm:undici',
      'npm:npm-high-impact',
      // what is signed together is joined as an auditor takes it apart
      'npm:@sekisho/verify',
    ],
  },
  sandbox: { imports: [...BELOW_FLOW, 'kernel'], types: ['sandbox/battery/inside'] },
  // What Node's own file functions get wrong.
  disk: { imports: ['node'] },
  // What sessions go through, as one pure function.
  lifecycle: { imports: ['core', 'node:crypto'] },
  // Certificates written as DER; both the keyholder and the root's process make them.
  x509: { imports: ['core', 'wire', 'node:crypto', 'node:net'] },
  keyholder: { imports: [...BELOW_FLOW, 'disk', 'lifecycle', 'x509', 'npm:@sekisho/verify'] },
  // Where the root key is: its providers, in a process of their own.
  root: { imports: ['core', 'wire', 'x509', 'npm:zod', 'npm:koffi', 'node'] },
  export: {
    imports: [
      'disk',
      'core',
      'wire',
      'npm:@sekisho/verify',
      'npm:zod',
      'npm:yaml',
      'npm:undici',
      'node',
    ],
  },
  // Somebody else's process, and the part of ours that talks to it.
  witness: { imports: ['disk', 'core', 'wire', 'npm:@sekisho/verify', 'npm:zod', 'node'] },
  // What agents say of themselves, and how it fits what was seen.
  transcripts: { imports: ['core', 'llm', 'node:zlib'] },
  search: { imports: ['core', 'wire', 'npm:@sekisho/verify', 'node'] },
  control: { imports: [...BELOW_FLOW, 'policy-text'] },
  // Proofs about policies; z3 is megabytes and threads, so no process of an action's path has it.
  prove: { imports: ['core', 'wire', 'policy', 'npm:z3-solver', 'npm:zod', 'node'] },
  daemon: {
    imports: [
      ...BELOW_FLOW,
      'kernel',
      'gate',
      'sandbox',
      'keyholder',
      'control',
      'prove',
      'lifecycle',
      'x509',
      'root',
      'export',
      'witness',
      'transcripts',
      'npm:yaml',
      'npm:@sekisho/verify',
    ],
  },
  // A user of the whole platform, who also plays the world around it: names, certificates, canary.
  drill: {
    imports: [
      'core',
      'wire',
      'daemon',
      'drill/inside',
      'keyholder',
      'x509',
      'npm:yaml',
      'npm:zod',
      'npm:@sekisho/verify',
      'node',
    ],
  },
  // The attacker’s programs: they run in the sandbox and share nothing with the platform.
  'drill/inside': { imports: ['node', 'npm:koffi'] },
  'sandbox/battery/inside': { imports: ['node', 'npm:koffi'] },
  cli: {
    imports: [
      'core',
      'wire',
      'policy',
      'policy-text',
      'budget',
      'prove',
      'daemon',
      'drill',
      'lifecycle',
      'root',
      'witness',
      'search',
      'transcripts',
      'npm:@sekisho/verify',
      'node',
    ],
  },
  'main.ts': { imports: ['core', 'cli', 'node'] },
  'run-main.ts': { imports: ['cli'] },
  'index.ts': { imports: ['core', 'wire', 'policy', 'flow', 'daemon'] },
}

/** Modules of Node that start programs or get around this test, and who may have them. */
const GUARDED: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': [
    'sandbox',
    'sandbox/battery/inside',
    'kernel',
    'daemon',
    'cli',
    'drill',
    'drill/inside',
  ],
  'node:cluster': [],
  'node:inspector': [],
  'node:module': ['kernel', 'drill/inside', 'sandbox/battery/inside'],
  'node:vm': [],
}

/** What tells time, rolls dice or looks around: none of it in a layer that is to be pure. */
const IMPURE =
  /\b(Date\.now|new Date\(\)|performance\.|Math\.random|random(Bytes|UUID|Int)|getRandomValues|(?<!['"])set(Timeout|Interval|Immediate)|(?<!['"])process\.|(?<!\.)fetch\()/

const PURE = [
  'core',
  'policy',
  'policy-text',
  'detect',
  'llm',
  'budget',
  'lifecycle',
  'transcripts',
]

const packages = join(import.meta.dirname, '..', '..')
const sekisho = sourcesOf(join(packages, 'sekisho/src'))
const verify = sourcesOf(join(packages, 'verify/src'))

test('there is something to check', () => {
  expect(sekisho.length).toBeGreaterThan(40)
  expect(verify.length).toBeGreaterThan(0)
})

test.for(sekisho)('%s imports only what its layer may', (file) => {
  expect(offences(file, readFileSync(join(packages, 'sekisho/src', file), 'utf8'))).toEqual([])
})

test.for(verify)('the verifier’s %s depends on nothing but Node', (file) => {
  const source = readFileSync(join(packages, 'verify/src', file), 'utf8')
  const foreign = importsOf(source).filter(
    ({ specifier }) =>
      !specifier.startsWith('node:') &&
      (!specifier.startsWith('.') || join(dirname(file), specifier).startsWith('..')),
  )
  expect(foreign).toEqual([])
})

test.for([
  ['a static import', 'gate/x.ts', `import { a } from '../sandbox/a.ts'`],
  [
    'an import over several lines',
    'gate/x.ts',
    `import {\n  a,\n  b as c,\n} from '../control/a.ts'`,
  ],
  ['a type import', 'control/x.ts', `import type { A } from '../gate/a.ts'`],
  ['a namespace import', 'control/x.ts', `import * as a from '../keyholder/a.ts'`],
  ['a side effect', 'core/x.ts', `import '../wire/a.ts'`],
  ['a side effect of a package', 'core/x.ts', `import 'zod'`],
  ['a re-export', 'core/x.ts', `export { a } from '../wire/a.ts'`],
  ['a re-export of all', 'core/x.ts', `export * from '../wire/a.ts'`],
  ['a re-export of a type', 'wire/x.ts', `export type { A } from '../flow/a.ts'`],
  ['a dynamic import', 'cli/x.ts', `const a = await import('../kernel/a.ts')`],
  ['a dynamic import in backquotes', 'cli/x.ts', 'await import(`../kernel/a.ts`)'],
  ['a computed import', 'cli/x.ts', 'await import(name)'],
  ['a computed import in backquotes', 'cli/x.ts', 'await import(`./${name}.ts`)'],
  ['a type in import()', 'flow/x.ts', `let a: import('../gate/a.ts').A`],
  ['a require', 'gate/x.ts', `const koffi = require('koffi')`],
  ['a require made by hand', 'gate/x.ts', `import { createRequire } from 'node:module'`],
  ['the same at once', 'drill/inside/x.ts', `createRequire(import.meta.url)('zod')`],
  ['the platform inside the sandbox', 'drill/inside/x.ts', `import { a } from '../../core/a.ts'`],
  ['a built-in module by name', 'wire/x.ts', `process.getBuiltinModule('node:child_process')`],
  ['koffi outside kernel', 'sandbox/x.ts', `import koffi from 'koffi'`],
  ['koffi in daemon', 'daemon/x.ts', `import koffi from 'koffi'`],
  ['kernel from control', 'control/x.ts', `import { a } from '../kernel/a.ts'`],
  ['kernel from cli', 'cli/x.ts', `import { a } from '../kernel/a.ts'`],
  ['a child process in the gate', 'gate/x.ts', `import { spawn } from 'node:child_process'`],
  ['a child process without its prefix', 'gate/x.ts', `import { spawn } from 'child_process'`],
  ['undici outside the gate', 'control/x.ts', `import { request } from 'undici'`],
  ['a subpath of a package', 'core/x.ts', `import * as z from 'zod/mini'`],
  ['files in core', 'core/x.ts', `import { readFileSync } from 'node:fs'`],
  ['a value where only types may be', 'flow/x.ts', `import { a } from '../wire/a.ts'`],
  [
    'a value behind a local type',
    'flow/x.ts',
    `export type { A }\nimport { a } from '../wire/a.ts'`,
  ],
  ['a layer without a rule', 'new/x.ts', `import { a } from '../core/a.ts'`],
  ['a way out of the sources', 'core/x.ts', `import { a } from '../../test/a.ts'`],
  [
    'code after a glob in a string',
    'core/x.ts',
    `const a = '**/*.ts'\nimport 'zod'\nconst b = '*/'`,
  ],
  ['two imports in a line', 'core/x.ts', `import './a.ts'; import 'zod'`],
  ['the clock in core', 'core/x.ts', 'const now = Date.now()'],
  ['chance in policy', 'policy/x.ts', 'const chance = Math.random()'],
  ['the environment in detect', 'detect/x.ts', `const home = process.env['HOME']`],
] as const)('%s is caught', ([, file, source]) => {
  expect(offences(file, source)).toHaveLength(1)
})

test.for([
  ['its own layer', 'core/x.ts', `import { a } from './a.ts'`],
  ['a lower layer', 'gate/x.ts', `import { a } from '../core/a.ts'`],
  ['types for flow', 'flow/x.ts', `import type { A } from '../wire/a.ts'`],
  ['koffi for kernel', 'kernel/x.ts', `import koffi from 'koffi'`],
  ['koffi by require', 'kernel/x.ts', `const koffi = require('koffi')`],
  ['koffi for the battery', 'sandbox/battery/inside/x.ts', `createRequire('/lib/')('koffi')`],
  ['koffi for the attacker', 'drill/inside/x.ts', `createRequire('/lib/')('koffi')`],
  ['an action’s name', 'core/x.ts', `const kind = 'process.syscall'`],
  ['undici for the gate', 'gate/x.ts', `import { request } from 'undici'`],
  [
    'what a comment says',
    'core/x.ts',
    `/**\n * import 'zod'\n */\n// import 'zod'\n/* import 'zod' */`,
  ],
  ['an export of its own', 'core/x.ts', `export const from = 'zod'\nexport type A = 'zod'`],
] as const)('%s is allowed', ([, file, source]) => {
  expect(offences(file, source)).toEqual([])
})

/** @param file relative to the sources */
function offences(file: string, source: string): string[] {
  const own = layerOf(file)
  const layer = LAYERS[own]
  if (layer === undefined) return [`no rule for layer ${own}: add it to LAYERS`]
  const imports = importsOf(source)
    .filter(({ specifier, typesOnly }) => {
      const target = targetOf(specifier, file)
      return !(
        target === own ||
        allows(own, target) ||
        (typesOnly && layer.types?.includes(target))
      )
    })
    .map(({ specifier }) => `${own} may not import ${specifier}`)
  const impure = PURE.includes(own) ? (IMPURE.exec(source)?.slice(0, 1) ?? []) : []
  return [...imports, ...impure.map((what) => `${own} is pure and may not use ${what}`)]
}

/** Of texts of their own, or of a string alone, which has no names. */
const OWN_JSON = [
  'core/parse-json.ts',
  'detect/packages/json-scan.ts',
  'policy/operations/strict-json.ts',
  'policy-text/',
  'drill/inside/',
  'sandbox/battery/',
]

test('what others wrote is read by parseJson, for V8 reads some names wrong', () => {
  const others = sekisho.filter((file) => !OWN_JSON.some((own) => file.startsWith(own)))
  expect(others.length).toBeGreaterThan(500)
  const used = others.filter((file) =>
    /\bJSON\.parse\b/.test(readFileSync(join(packages, 'sekisho/src', file), 'utf8')),
  )
  expect(used).toEqual([])
})

function allows(own: string, target: string): boolean {
  const { imports = [] } = LAYERS[own] ?? {}
  if (!target.startsWith('node:')) return imports.includes(target)
  if (GUARDED[target] !== undefined && !GUARDED[target].includes(own)) return false
  return imports.includes('node') || imports.includes(target)
}

function targetOf(specifier: string, file: string): string {
  if (specifier === COMPUTED || specifier.startsWith('node:')) return specifier
  if (!specifier.startsWith('.')) return `npm:${specifier}`
  return layerOf(join(dirname(file), specifier))
}

function layerOf(file: string): string {
  const attacker = ['drill/inside', 'sandbox/battery/inside'].find((layer) =>
    file.startsWith(`${layer}/`),
  )
  if (attacker !== undefined) return attacker
  return file.split('/')[0] ?? ''
}

function sourcesOf(directory: string): string[] {
  return globSync('**/*.ts', { cwd: directory })
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'))
    .map((file) => relative(directory, join(directory, file)))
    .sort()
}
