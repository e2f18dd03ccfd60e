import type { OciSpec } from '../oci-types.ts'
import { type RuleGroup, seccompGroups } from '../seccomp.ts'
import type { Change } from './mutations.ts'

type Seccomp = OciSpec['linux']['seccomp']

function withSeccomp(change: (profile: Seccomp) => Seccomp): (whole: OciSpec) => OciSpec {
  return (whole) => ({ ...whole, linux: { ...whole.linux, seccomp: change(whole.linux.seccomp) } })
}

/** Each group of rules is left out once, and each that refuses is allowed once. */
export function seccompChanges(): Change[] {
  const groups = seccompGroups({ notify: true })
  const refusing = groups.filter(({ does }) => does === 'refuse')
  return [
    { id: 'seccomp', spec: withoutSeccomp },
    {
      id: 'seccomp.default-refuses',
      spec: withSeccomp(({ defaultErrnoRet: _errno, ...profile }) => ({
        ...profile,
        defaultAction: 'SCMP_ACT_ALLOW',
      })),
    },
    {
      id: 'seccomp.default-errno',
      spec: withSeccomp((profile) => ({ ...profile, defaultErrnoRet: 1 })),
    },
    ...['SCMP_ARCH_X86', 'SCMP_ARCH_X32'].map((architecture) => ({
      id: `seccomp.architectures: with ${architecture}`,
      spec: withSeccomp((profile) => ({
        ...profile,
        architectures: ['SCMP_ARCH_X86_64', architecture],
      })),
    })),
    { id: 'seccomp.listener', spec: withSeccomp(unrecorded) },
    ...groups.map((group) => ({ id: `seccomp.${group.id}`, spec: without(group) })),
    ...refusing.map((group) => ({ id: `seccomp.${group.id}: allowed`, spec: allowing(group) })),
  ]
}

function withoutSeccomp(whole: OciSpec): OciSpec {
  const { seccomp: _seccomp, ...linux } = whole.linux
  // the type says that there is always one, which is what this takes away
  return JSON.parse(JSON.stringify({ ...whole, linux }))
}

/** Refused in the kernel, without a word to the platform. */
function unrecorded({
  listenerPath: _path,
  listenerMetadata: _data,
  ...profile
}: Seccomp): Seccomp {
  const syscalls = profile.syscalls.map((rule) =>
    rule.action === 'SCMP_ACT_NOTIFY'
      ? { ...rule, action: 'SCMP_ACT_ERRNO' as const, errnoRet: 1 }
      : rule,
  )
  return { ...profile, syscalls }
}

const isOf = (group: RuleGroup): ((rule: unknown) => boolean) => {
  const texts = new Set(group.rules.map((rule) => JSON.stringify(rule)))
  return (rule) => texts.has(JSON.stringify(rule))
}

function without(group: RuleGroup): (whole: OciSpec) => OciSpec {
  const isMember = isOf(group)
  return withSeccomp((profile) => ({
    ...profile,
    syscalls: profile.syscalls.filter((rule) => !isMember(rule)),
  }))
}

function allowing(group: RuleGroup): (whole: OciSpec) => OciSpec {
  const isMember = isOf(group)
  return withSeccomp((profile) => ({
    ...profile,
    syscalls: profile.syscalls.map((rule) =>
      isMember(rule) ? { ...rule, action: 'SCMP_ACT_ALLOW' } : rule,
    ),
  }))
}
