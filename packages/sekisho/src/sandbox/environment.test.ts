import { expect, test } from 'vitest'
import { sessionEnvironment } from './environment.ts'

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

test('the whole environment, and nothing of the caller’s', () => {
  process.env['SEKISHO_TEST_SECRET'] = 'x'
  expect(
    sessionEnvironment({
      session: 's-1',
      terminal: 'xterm-256color',
      agent: { EDITOR: 'vi' },
      placeholders: { ANTHROPIC_API_KEY: 'sk-ant-placeholder' },
    }),
  ).toEqual({
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/home/agent',
    USER: 'agent',
    LOGNAME: 'agent',
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    TERM: 'xterm-256color',
    SSL_CERT_DIR: '/etc/ssl/certs',
    SSL_CERT_FILE: BUNDLE,
    NODE_EXTRA_CA_CERTS: BUNDLE,
    REQUESTS_CA_BUNDLE: BUNDLE,
    CURL_CA_BUNDLE: BUNDLE,
    GIT_SSL_CAINFO: BUNDLE,
    PIP_CERT: BUNDLE,
    AWS_CA_BUNDLE: BUNDLE,
    CARGO_HTTP_CAINFO: BUNDLE,
    DENO_CERT: BUNDLE,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: BUNDLE,
    NIX_SSL_CERT_FILE: BUNDLE,
    npm_config_cafile: BUNDLE,
    EDITOR: 'vi',
    ANTHROPIC_API_KEY: 'sk-ant-placeholder',
    SEKISHO_SESSION: 's-1',
  })
})

test('a placeholder wins over the agent file, and the session id over both', () => {
  const made = sessionEnvironment({
    session: 's-1',
    terminal: null,
    agent: { KEY: 'real?', SEKISHO_SESSION: 's-2', PATH: '/opt/bin' },
    placeholders: { KEY: 'placeholder' },
  })
  expect([made['KEY'], made['SEKISHO_SESSION'], made['PATH'], made['TERM']]).toEqual([
    'placeholder',
    's-1',
    '/opt/bin',
    undefined,
  ])
})
