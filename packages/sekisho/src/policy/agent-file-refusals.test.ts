import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'

const FILE = 'policy/agents/x.yaml'

/** Lines 1 and 2 of every file here; what a row adds starts at line 3. */
const HEAD = 'version: 1\nname: x\n'

const RULE = 'rules:\n  - { id: r, effect: allow, host: api.example.com }\n'

function refusal(text: string): { code: string; message: string; hint: string | undefined } {
  try {
    parseAgentFile(text, FILE)
  } catch (thrown) {
    if (thrown instanceof SekishoError) {
      return { code: thrown.code, message: thrown.message, hint: thrown.hint }
    }
    throw thrown
  }
  throw new Error('the file was taken')
}

const KEYS = 'the keys here are'
const SIZE = 'want a size such as 512MiB or 2GiB'

/** What is wrong; the file below {@link HEAD}; the message after `file:`; the hint. */
test.for<[string, string, string, string | undefined]>([
  [
    'a misspelt key of the file',
    'preset: [git-forges]',
    '3:1: unknown key `preset`',
    'did you mean `presets`?',
  ],
  [
    'a misspelt key of a rule',
    'rules:\n  - id: r\n    effect: allow\n    host: a.example\n    method: [GET]',
    '7:5: rules[0]: unknown key `method`',
    'did you mean `methods`?',
  ],
  [
    'a key unlike any other',
    'limits: { volume: 1GiB }',
    '3:11: limits: unknown key `volume`',
    `${KEYS} memory, pids, cpus, openFiles, wallClock, tmp, tmpInodes, disk, diskInodes, egress, egressRequests`,
  ],
  [
    'a missing key',
    'rules:\n  - id: r\n    effect: allow',
    '4:5: rules[0]: missing key `host`',
    undefined,
  ],
  [
    'a misspelt effect',
    'rules:\n  - { id: r, effect: alow, host: a.example }',
    '4:22: rules[0].effect: want allow or deny, not `alow`',
    'did you mean `allow`?',
  ],
  [
    'an unknown preset',
    'presets: [git-forge]',
    '3:11: presets[0]: unknown preset `git-forge`; there are none, off, package-registries, git-forges, llm-providers, llm-providers/anthropic, llm-providers/anthropic-files, llm-providers/anthropic-batches, llm-providers/openai, llm-providers/openai-embeddings, llm-providers/openai-files, llm-providers/openai-batches, llm-providers/google, llm-providers/google-embeddings, llm-providers/google-files, llm-providers/google-batches, llm-gateway',
    'did you mean `git-forges`?',
  ],
  [
    'a preset given twice',
    'presets: [git-forges, git-forges]',
    '3:23: presets[1]: `git-forges` stands here twice',
    undefined,
  ],
  [
    '`none` beside a rule',
    `presets: none\n${RULE}`,
    '3:10: presets: `none` means no network at all, and other presets or rules are given',
    'delete `none`, or delete the others',
  ],
  ['a list that is none', 'rules:', '3:7: rules: want a list, not nothing', undefined],
  [
    'a method in lower case',
    'rules:\n  - { id: r, effect: allow, host: a.example, methods: [get] }',
    '4:56: rules[0].methods[0]: unknown method `get`',
    'did you mean `GET`?',
  ],
  [
    '`any` beside another method',
    'rules:\n  - { id: r, effect: allow, host: a.example, methods: [GET, any] }',
    '4:55: rules[0].methods: `any` stands with other methods',
    'write [any], or the methods',
  ],
  [
    'a list of paths with none in it',
    'rules:\n  - { id: r, effect: allow, host: a.example, paths: [] }',
    '4:53: rules[0].paths: want at least 1 entries',
    undefined,
  ],
  [
    'a port that is none',
    'rules:\n  - { id: r, effect: allow, host: a.example, ports: [70000] }',
    '4:54: rules[0].ports[0]: want at most 65535',
    undefined,
  ],
  [
    'a wildcard over everything',
    'rules:\n  - { id: r, effect: allow, host: "*" }',
    '4:35: rules[0].host: `*` is not a host pattern',
    'write api.example.com, or *.example.com for every name below it',
  ],
  [
    'a rule id of the platform',
    'rules:\n  - { id: invariant.x, effect: allow, host: a.example }',
    '4:11: rules[0].id: the rule id `invariant.x` belongs to the platform',
    'choose another id',
  ],
  [
    'a rule id given twice',
    'rules:\n  - { id: r, effect: allow, host: a.example }\n  - { id: r, effect: deny, host: b.example }',
    '5:11: rules[1].id: `r` is taken by an earlier entry',
    undefined,
  ],
  [
    'http and https at one port',
    'rules:\n  - { id: a, effect: allow, host: a.example, ports: [8443] }\n  - { id: b, effect: allow, host: a.example, scheme: http, ports: [8443] }',
    '5:54: rules a and b speak https and http at port 8443 of a.example',
    'choose one scheme for a port',
  ],
  [
    'a secret in the file',
    `${RULE}secrets:\n  - { name: s, from: sk-hunter2, hosts: [api.example.com], header: x-api-key }`,
    '6:22: secrets[0].from: a secret is a reference, not a value',
    'write env:NAME or file:/absolute/path',
  ],
  [
    'a secret that no rule lets out',
    `${RULE}secrets:\n  - { name: s, from: env:S, hosts: [api.example.org], header: x-api-key }`,
    '6:37: secrets[0].hosts[0]: no rule reaches api.example.org at port 443, so secret `s` can never be used',
    'add a rule that allows api.example.org, or delete the host here',
  ],
  [
    'a secret in clear text',
    'rules:\n  - { id: r, effect: allow, host: a.example, scheme: http }\nsecrets:\n  - { name: s, from: env:S, hosts: [a.example], port: 80, header: x-api-key }',
    '6:37: secrets[0].hosts[0]: secret `s` would go to a.example in clear text',
    'reach the host over https',
  ],
  [
    'a secret for a host pattern',
    `${RULE}secrets:\n  - { name: s, from: env:S, hosts: ["*.example.com"], header: x-api-key }`,
    '6:37: secrets[0].hosts[0]: want one host name, not `*.example.com`',
    'name each host',
  ],
  [
    'a secret in a framing header',
    `${RULE}secrets:\n  - { name: s, from: env:S, hosts: [api.example.com], header: Transfer-Encoding }`,
    '6:63: secrets[0].header: the header `transfer-encoding` frames the message and cannot hold a secret',
    'use the header that the service reads its key from, such as authorization',
  ],
  [
    'two secrets in one header of a host',
    `${RULE}secrets:\n  - { name: s, from: env:S, hosts: [api.example.com], header: x-api-key }\n  - { name: t, from: env:T, hosts: [api.example.com], header: X-API-Key }`,
    '7:37: secrets[1]: x-api-key of api.example.com already holds secret `s`',
    'use one secret for one header of a host',
  ],
  [
    'a placeholder in a variable that is set',
    `${RULE}secrets:\n  - { name: s, from: env:S, hosts: [api.example.com], header: x-api-key, env: KEY }\nenvironment: { KEY: x }`,
    '6:79: secrets[0].env: the variable `KEY` is set twice',
    'give each placeholder a variable of its own',
  ],
  [
    'a variable that changes what runs',
    'environment: { LD_PRELOAD: /x.so }',
    '3:16: environment: the variable `LD_PRELOAD` belongs to the platform',
    'leave it out: it decides what runs or what is trusted inside the sandbox',
  ],
  [
    'a variable that is no text',
    'environment: { RETRIES: 3 }',
    '3:25: environment.RETRIES: want text, not 3',
    'put quotes around it: "3"',
  ],
  [
    'a mount from /proc',
    'mounts:\n  - { source: /proc/1, target: /opt/x }',
    '4:15: mounts[0].source: `/proc/1` of the host cannot be mounted',
    'mount a directory of data or tools',
  ],
  [
    'a mount over /usr',
    'mounts:\n  - { source: /opt/x, target: /usr/bin }',
    '4:31: mounts[0].target: nothing can be mounted at `/usr/bin`',
    'choose a path below /opt, /srv, /mnt, /media, such as /opt/tools',
  ],
  [
    'a mount that climbs',
    'mounts:\n  - { source: /opt/x, target: /opt/../usr }',
    '4:31: mounts[0].target: `/opt/../usr` is not a normal path',
    'leave out //, . and .. and a last /',
  ],
  [
    'a mount below another',
    'mounts:\n  - { source: /a, target: /opt/x/y }\n  - { source: /b, target: /opt/x }',
    '4:27: mounts[0].target: `/opt/x/y` is at or below the mount `/opt/x`',
    'mount side by side',
  ],
  [
    'a limit with an ambiguous unit',
    'limits: { memory: 2GB }',
    `3:19: limits.memory: ${SIZE}, not \`2GB\``,
    'did you mean `2GiB`?',
  ],
  [
    'a wall clock longer than a timer holds',
    'limits: { wallClock: 30d }',
    '3:22: limits.wallClock: want between 1ms and 24d, not `30d`',
    undefined,
  ],
  [
    'an upstream by name',
    `${RULE}upstreams:\n  - { host: api.example.com, address: localhost, dialPort: 1, reason: r }`,
    '6:39: upstreams[0].address: want a numeric address such as 127.0.0.1',
    undefined,
  ],
  [
    'an upstream without a reason',
    `${RULE}upstreams:\n  - { host: api.example.com, address: "::1", dialPort: 1 }`,
    '6:5: upstreams[0]: missing key `reason`',
    undefined,
  ],
  [
    'an upstream that no rule reaches',
    `${RULE}upstreams:\n  - { host: a.example, address: 127.0.0.1, dialPort: 1, reason: r }`,
    '6:13: upstreams[0].host: no rule reaches a.example at port 443, so nothing would be dialled',
    'add a rule that allows a.example, or delete the entry',
  ],
])('%s', ([, text, message, hint]) => {
  expect(refusal(`${HEAD}${text}`)).toEqual({
    code: 'CONFIG_INVALID',
    message: `${FILE}:${message}`,
    hint,
  })
})
