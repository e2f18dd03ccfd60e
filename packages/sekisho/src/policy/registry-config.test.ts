import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  aptListUrls,
  aptSourcesUrls,
  npmRegistryUrls,
  pipIndexUrls,
  readRegistryUrls,
} from './registry-config.ts'

test('.npmrc names registries for all packages and for scopes', () => {
  const text = [
    '; a comment',
    '# registry=https://commented.example/',
    'registry=https://npm.example/',
    '@corp:registry = "https://npm.corp.example:8443/repository/"',
    '//npm.corp.example:8443/:_authToken=hunter2',
    "  @other:registry='http://user:hunter2@npm.other.example'",
    'registry=',
    'strict-ssl=true',
  ].join('\n')
  expect(npmRegistryUrls(text)).toEqual([
    'https://npm.example/',
    'https://npm.corp.example:8443/repository/',
    'http://npm.other.example',
  ])
})

test('one-line apt sources name a URI after their options', () => {
  const text = [
    '# deb https://commented.example/debian stable main',
    'deb http://deb.example/debian bookworm main contrib # tail',
    'deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://apt.example/repo stable main',
    'deb-src [ arch=amd64 ] http://user:hunter2@src.example/debian bookworm main',
    'deb cdrom:[Debian GNU/Linux 12]/ bookworm main',
    'notdeb http://no.example x main',
  ].join('\n')
  expect(aptListUrls(text)).toEqual([
    'http://deb.example/debian',
    'https://apt.example/repo',
    'http://src.example/debian',
    'cdrom:',
  ])
})

test('deb822 apt sources name URIs over several lines, unless they are switched off', () => {
  const text = [
    'Types: deb deb-src',
    '# URIs: http://commented.example/debian',
    'URIs: http://deb.example/debian',
    '  https://mirror.example/debian',
    'Suites: bookworm',
    '',
    'Types: deb',
    'Enabled: no',
    'URIs: http://off.example/debian',
    '  ',
    'types: deb',
    'uris: https://apt.example/repo',
    'Signed-By:',
    ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
    ' .',
    ' URIs: x',
  ].join('\n')
  expect(aptSourcesUrls(text)).toEqual([
    'http://deb.example/debian',
    'https://mirror.example/debian',
    'https://apt.example/repo',
  ])
})

test('pip.conf names indexes, several under one key', () => {
  const text = [
    '[global]',
    'timeout = 60',
    'index-url = https://user:hunter2@pip.example/simple',
    'extra_index_url =',
    '    https://a.example/simple',
    '    # https://commented.example/simple',
    '    https://b.example/simple',
    'cert = /etc/ssl/certs/ca-certificates.crt',
    '[install]',
    '; index-url = https://commented.example/simple',
    'find-links = https://links.example',
    'extra-index-url: https://c.example/simple https://d.example/simple',
  ].join('\n')
  expect(pipIndexUrls(text)).toEqual([
    'https://pip.example/simple',
    'https://a.example/simple',
    'https://b.example/simple',
    'https://c.example/simple',
    'https://d.example/simple',
  ])
})

test('URLs become origins, each once, and what no session can reach is named with its reason', () => {
  const unknown = [
    'http://deb.example/debian',
    'https://both.example/%2e',
    'file:///opt/simple',
    'http://user:hunter2@127.0.0.1:4873/',
    'http://localhost:4873/',
    '${NPM_REGISTRY}',
  ].map((url) => ({ url, ecosystem: null }))
  expect(
    readRegistryUrls([
      { url: 'https://npm.example/', ecosystem: 'npm' },
      { url: 'https://NPM.example:443/other/', ecosystem: 'npm' },
      { url: 'https://pip.example:8443/root/simple/', ecosystem: 'pypi' },
      { url: 'https://both.example/api/npm/main/', ecosystem: 'npm' },
      { url: 'https://both.example/api/pypi/main/simple', ecosystem: 'pypi' },
      ...unknown,
      { url: 'https://odd.example/a/*/b', ecosystem: 'npm' },
    ]),
  ).toEqual({
    origins: [
      { scheme: 'http', host: 'deb.example', port: 80, packages: [] },
      {
        scheme: 'https',
        host: 'both.example',
        port: 443,
        packages: [
          { ecosystem: 'npm', base: '/api/npm/main' },
          { ecosystem: 'pypi', base: '/api/pypi/main' },
        ],
      },
      {
        scheme: 'https',
        host: 'npm.example',
        port: 443,
        packages: [
          { ecosystem: 'npm', base: '' },
          { ecosystem: 'npm', base: '/other' },
        ],
      },
      {
        scheme: 'https',
        host: 'pip.example',
        port: 8443,
        packages: [{ ecosystem: 'pypi', base: '/root' }],
      },
    ],
    unusable: [
      { url: 'file:///opt/simple', reason: 'file is not http or https' },
      {
        url: 'http://127.0.0.1:4873/',
        reason: '`127.0.0.1` is an address; a session reaches names only',
      },
      {
        url: 'http://localhost:4873/',
        reason: '`localhost` is the sandbox itself (RFC 6761 §6.3)',
      },
      { url: '${NPM_REGISTRY}', reason: 'not a URL' },
      { url: 'https://odd.example/a/*/b', reason: 'its path is ambiguous' },
    ],
  })
})

test('no text makes the readers throw, and no origin is anything but a name', () => {
  const line = fc.oneof(
    fc.string(),
    fc.webUrl().map((url) => `registry=${url}`),
    fc.webUrl().map((url) => `deb ${url} x main`),
    fc.webUrl().map((url) => `URIs: ${url}`),
    fc.webUrl().map((url) => `index-url = ${url}`),
  )
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n')
      const urls = [npmRegistryUrls, aptListUrls, aptSourcesUrls, pipIndexUrls].flatMap((read) =>
        read(text).map((url) => ({ url, ecosystem: 'npm' as const })),
      )
      for (const { host } of readRegistryUrls(urls).origins) {
        expect(host).toMatch(/^[a-z0-9.-]+$/)
        expect(host).not.toMatch(/\.\d+$/)
      }
    }),
  )
})
