import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

function refusal(text: string): string {
  try {
    parseAgentFile(`version: 1\nname: x\n${text}\n`, 'policy/agents/x.yaml')
  } catch (error) {
    return error instanceof SekishoError ? `${error.code} ${error.message}` : 'another error'
  }
  return 'accepted'
}

const ROOTFS = 'a root file system is a directory, or an image with its digest'
const PATH = (text: string): string => `\`${text}\` is not a path below the workspace`

test.for([
  ['an image by its tag alone', 'rootfs: { image: "node:26" }', ROOTFS],
  ['a digest of nothing', `rootfs: { digest: "${DIGEST}" }`, ROOTFS],
  [
    'a directory and an image',
    `rootfs: { directory: /srv/r, image: a, digest: "${DIGEST}" }`,
    ROOTFS,
  ],
  ['a workspace path that climbs', 'workspace: { readOnly: [../x] }', PATH('../x')],
  ['an absolute workspace path', 'workspace: { readOnly: [/etc] }', PATH('/etc')],
  ['a workspace path with an end slash', 'workspace: { readOnly: [a/] }', PATH('a/')],
  ['the workspace itself', 'workspace: { readOnly: [.] }', PATH('.')],
  ['an unknown isolation', 'isolation: weak', 'isolation'],
  ['a misspelt containment', 'containment: { onEscapes: record }', 'unknown key `onEscapes`'],
  ['an unknown way with written files', 'exec: { written: maybe }', 'exec.written'],
  ['a disk below a mebibyte', 'limits: { disk: 1KiB }', '1MiB'],
])('%s is refused', ([, text = '', message = '']) => {
  expect(refusal(text)).toContain(message)
})
