import { SetupError } from './report.mjs'

/** Debian packages by what needs them, each with its reason. */
const PACKAGES = {
  platform: [
    'crun', // starts the sandboxes
    'tini', // is a session's first process: reaps, forwards signals
    'git', // part of the toolchain that sessions see
    'ca-certificates', // upstreams are verified against the system's roots
    'curl', // part of the toolchain that sessions see
    'util-linux', // unshare, and flock for this set-up
    'e2fsprogs', // mkfs.ext4 for the sessions' disks; chattr +a for the log's files
  ],
  tests: [
    'runc', // runs the contract of the runtimes; an operator may prefer it
    'runsc', // gVisor: the contract of the runtimes, and what `isolation: strong` needs
    'openssl', // an independent reader of our certificates
    'skopeo', // fetches images; optional for the platform
    'umoci', // unpacks images, and makes those of the tests; optional for the platform
    'busybox-static', // what the tests' images are made of
    'python3', // an independent TLS and socket client, in the drill too
    'softhsm2', // a PKCS #11 token as a program, for the root key’s tests
    'swtpm', // a TPM 2.0 as a program, likewise
    'rsyslog', // rsyslogd: a real receiver of the log's exports
    'rsyslog-gnutls', // its TLS
    'uidmap', // newuidmap and newgidmap: an ordinary user's platform
  ],
  tools: [
    'chromium', // a browser in a session: 300 MB, so only for `npm run test:tools`
  ],
  peers: [
    'bubblewrap', // the floor of session-start, and srt's sandbox
    'socat', // srt's bridge
    'ripgrep', // srt asks for it
    'mitmproxy', // the peer of egress
  ],
}

const { platform, tests, tools, peers } = PACKAGES

/** @type {Readonly<Record<string, readonly string[]>>} */
const BY_COMMAND = {
  start: platform,
  check: [],
  test: [...platform, ...tests],
  tools: [...platform, ...tests, ...tools],
  bench: [...platform, ...tests, ...peers],
}

/**
 * @param {string} command
 * @returns {readonly string[]}
 */
export function packagesFor(command) {
  const packages = Object.hasOwn(BY_COMMAND, command) ? BY_COMMAND[command] : undefined
  if (packages !== undefined) return packages
  throw new SetupError(`set-up for what? want one of ${Object.keys(BY_COMMAND).join(', ')}`, {
    hint: 'run `npm start` or `npm test`',
    exitCode: 64,
  })
}
