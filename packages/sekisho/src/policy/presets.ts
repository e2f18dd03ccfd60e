import type { HostLabel } from '../wire/decision.ts'
import type { PolicyRule, RuleOptions } from '../wire/policy.ts'
import type { Read } from './problem.ts'
import { printable } from './problem.ts'
import { MODEL_PRESETS, modelLabels } from './model-presets.ts'
import { suggest } from './nearest.ts'
import type { RegistryOrigin } from './registry-config.ts'

const READ = ['GET', 'HEAD', 'OPTIONS']

/** A fetch names each commit and branch that it has and wants: some MiB for a large repository. */
const GIT_NEGOTIATION: RuleOptions = { maxBodyBytes: 32 * 1024 * 1024, effect: 'read' }

/** Hosts that serve git over https, and those that serve its archives and raw files. */
const GIT_HOSTS = ['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org']
const GIT_FILE_HOSTS = [
  'codeload.github.com',
  'objects.githubusercontent.com',
  'raw.githubusercontent.com',
  'release-assets.githubusercontent.com',
]

/** Every preset, and what it opens. `none`, or `off`, opens nothing and stands alone. */
const PRESETS = {
  none: () => [],
  'package-registries': readRegistries,
  'git-forges': readForges,
  ...MODEL_PRESETS,
} as const satisfies Record<string, (registries: readonly RegistryOrigin[]) => PolicyRule[]>

export type PresetName = keyof typeof PRESETS

const PRESET_NAMES: readonly PresetName[] = Object.keys(PRESETS).filter(isPresetName)

export function readPresetName(text: string): Read<PresetName> {
  if (text === 'off') return { value: 'none' }
  if (isPresetName(text)) return { value: text }
  const [first, ...others] = PRESET_NAMES
  const all = [first, 'off', ...others]
  return {
    problem: `unknown preset \`${printable(text)}\`; there are ${all.join(', ')}`,
    hint: suggest(text, PRESET_NAMES, undefined),
  }
}

/** @param registries of this machine: no registry's host is known to the code */
export function expandPreset(
  name: PresetName,
  registries: readonly RegistryOrigin[],
): readonly PolicyRule[] {
  return PRESETS[name](registries)
}

/** What presets say of hosts. */
export function presetLabels(names: readonly PresetName[]): readonly HostLabel[] {
  return modelLabels(names)
}

function isPresetName(text: string): text is PresetName {
  return Object.hasOwn(PRESETS, text)
}

/**
 * Reading only. Where an origin is a registry of one kind, all of it is; where it is of several, each
 * is known by its path.
 */
function readRegistries(registries: readonly RegistryOrigin[]): PolicyRule[] {
  return registries.flatMap(({ packages, ...origin }): PolicyRule[] => {
    const rule = { effect: 'allow' as const, ...origin, methods: [...READ], paths: [] }
    const whole = { ...rule, id: 'preset.package-registries.read' }
    const kinds = [...new Set(packages.map(({ ecosystem }) => ecosystem))]
    const [only] = kinds
    if (only === undefined) return [whole]
    // what is beside the bases of a registry's host is read as a registry's all the same
    const all = kinds.length === 1 ? { ...whole, options: { packages: only } } : whole
    const parts = packages.map(({ ecosystem, base }) => ({
      ...rule,
      id: `preset.package-registries.${ecosystem}`,
      paths: base === '' ? [] : [`${base}/**`],
      options: { packages: ecosystem, ...(base === '' ? {} : { packagesBase: base }) },
    }))
    return kinds.length === 1 && packages.every(({ base }) => base === '') ? [all] : [all, ...parts]
  })
}

/** Clone and fetch, never push: a push is a POST to git-receive-pack, which no rule names. */
function readForges(): PolicyRule[] {
  const hosts = [...GIT_HOSTS, ...GIT_FILE_HOSTS]
  return [
    ...hosts.map((host) => allow('preset.git-forges.read', host, { methods: READ })),
    ...GIT_HOSTS.map((host) =>
      allow('preset.git-forges.fetch', host, {
        methods: ['POST'],
        paths: ['/**/git-upload-pack'],
        options: GIT_NEGOTIATION,
      }),
    ),
  ]
}

type Granted = { methods: readonly string[]; paths?: readonly string[]; options?: RuleOptions }

function allow(id: string, host: string, { methods, paths = [], options }: Granted): PolicyRule {
  return {
    id,
    effect: 'allow',
    scheme: 'https',
    host,
    port: 443,
    methods: [...methods],
    paths: [...paths],
    ...(options === undefined ? {} : { options }),
  }
}
