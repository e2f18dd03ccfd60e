import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAgentFile } from './agent-file.ts'

const AGENTS = join(import.meta.dirname, '../../../../policy/agents')
const parse = (text: string): ReturnType<typeof parseAgentFile>['containment'] =>
  parseAgentFile(`version: 1\nname: x\n${text}`, 'policy/agents/x.yaml').containment

describe('what an agent may try without being contained', () => {
  test('where its file says nothing: what common programs do by themselves', () => {
    expect(parse('')).toEqual({
      onEscape: 'contain',
      tolerated: [
        'io_uring_setup',
        'fanotify_init',
        'socket:netlink-diag',
        'socket:netlink-audit',
        'socket:raw',
        'syslog',
        'memfd_create',
      ],
    })
  })

  test('a list in its file stands in place of that', () => {
    const text = 'containment: { tolerated: [clone, "socket:raw", /etc/shadow] }'
    expect(parse(text)).toEqual({
      onEscape: 'contain',
      tolerated: ['clone', 'socket:raw', '/etc/shadow'],
    })
    expect(parse('containment: { tolerated: [] }').tolerated).toEqual([])
  })

  test.for([
    ['capitals', 'Mount'],
    ['a pattern', '"*"'],
    ['a list in a text', '"mount, unshare"'],
    ['a relative path', 'etc/shadow'],
  ] as const)('%s are refused, since they would tolerate nothing', ([, name]) => {
    expect(() => parse(`containment: { tolerated: [${name}] }`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

test.for(readdirSync(AGENTS))('the shipped %s contains attempts to mount and to leave', (file) => {
  const { containment } = parseAgentFile(readFileSync(join(AGENTS, file), 'utf8'), file)
  expect(containment.onEscape).toBe('contain')
  const never = [
    'mount',
    'setns',
    'pivot_root',
    'bpf',
    'keyctl',
    'socket',
    'open_by_handle_at',
    '/etc/shadow',
  ]
  expect(containment.tolerated.filter((name) => never.includes(name))).toEqual([])
  const namespaces = containment.tolerated.filter((name) => /^(?:clone|unshare)$/.test(name))
  expect(namespaces).toEqual(file === 'codex.yaml' ? ['clone', 'unshare'] : [])
})
