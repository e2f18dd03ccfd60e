import { AGENT_HOME, CA_BUNDLE, CA_DIRECTORY } from './layout.ts'

export type EnvironmentInput = {
  session: string
  /** value of TERM for a session with a terminal; null without one */
  terminal: string | null
  /** from the agent file */
  agent: Readonly<Record<string, string>>
  /** variable to placeholder; never a real credential */
  placeholders: Readonly<Record<string, string>>
}

/**
 * Everything a process in a session finds in its environment. Nothing comes from the caller: a
 * shell's environment is where credentials are. Later wins: defaults, agent file, placeholders.
 */
export function sessionEnvironment(input: EnvironmentInput): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: AGENT_HOME,
    USER: 'agent',
    LOGNAME: 'agent',
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    ...(input.terminal === null ? {} : { TERM: input.terminal }),
    ...trust(),
    ...input.agent,
    ...input.placeholders,
    SEKISHO_SESSION: input.session,
  }
}

/**
 * Clients that bring their own roots or their own variable. Java needs none: its default key store
 * in the skeleton holds the session's CA.
 */
function trust(): Record<string, string> {
  const bundle = [
    'SSL_CERT_FILE',
    'NODE_EXTRA_CA_CERTS',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'PIP_CERT',
    'AWS_CA_BUNDLE',
    'CARGO_HTTP_CAINFO',
    'DENO_CERT',
    'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
    'NIX_SSL_CERT_FILE',
    'npm_config_cafile',
  ]
  return {
    SSL_CERT_DIR: CA_DIRECTORY,
    ...Object.fromEntries(bundle.map((name) => [name, CA_BUNDLE])),
  }
}
