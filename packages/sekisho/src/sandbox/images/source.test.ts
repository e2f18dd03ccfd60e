import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseImageSource, skopeoName } from './source.ts'

const HEX = 'a'.repeat(64)

test.for([
  ['oci:/srv/images/builder', { transport: 'oci', path: '/srv/images/builder', reference: null }],
  ['oci:/srv/x:v1.2', { transport: 'oci', path: '/srv/x', reference: 'v1.2' }],
  [
    'oci-archive:/srv/x.tar:a/b:c',
    { transport: 'oci-archive', path: '/srv/x.tar', reference: 'a/b:c' },
  ],
  [
    'docker-archive:/srv/x.tar',
    { transport: 'docker-archive', path: '/srv/x.tar', reference: null },
  ],
  ['docker://registry.example/a/b:1', { transport: 'docker', reference: 'registry.example/a/b:1' }],
  ['docker://localhost:5000/a', { transport: 'docker', reference: 'localhost:5000/a' }],
  [
    `docker://r.example/a@sha256:${HEX}`,
    { transport: 'docker', reference: `r.example/a@sha256:${HEX}` },
  ],
] as const)('%s', ([text, source]) => {
  expect(parseImageSource(text)).toEqual(source)
})

test.for([
  ['nothing', ''],
  ['a name without a host: which registry is a setting of the machine', 'docker://debian:12'],
  ['user information', 'docker://user:secret@registry.example/a'],
  ['a tag and a digest', `docker://r.example/a:1@sha256:${HEX}`],
  ['a short digest', 'docker://r.example/a@sha256:abc'],
  ['a relative path', 'oci:srv/x'],
  ['dot-dot', 'oci:/srv/../etc'],
  ['the root', 'oci:/'],
  ['an option', 'oci:/x:--all'],
  ['an option alone', '--all'],
  ['a transport that runs something', 'docker-daemon:x'],
  ['containers of the user', 'containers-storage:x'],
  ['a space', 'oci:/a b'],
  ['a line feed', 'oci:/a\nb'],
  ['upper case in a repository', 'docker://r.example/A'],
] as const)('%s is no source', ([, text]) => {
  expect(() => parseImageSource(text)).toThrow(/is no source of an image/)
})

test('whatever is accepted reaches skopeo as one name of the transport it was given', () => {
  const near = fc.stringMatching(/^(oci|docker|oci-archive):[/a-z:.@-]{0,30}$/)
  fc.assert(
    fc.property(near, (text) => {
      try {
        const source = parseImageSource(text)
        const path = source.transport === 'docker' ? '' : source.path
        expect(skopeoName(source, path)).toBe(text)
      } catch (error) {
        expect(error).toMatchObject({ code: 'USAGE' })
      }
    }),
  )
})
