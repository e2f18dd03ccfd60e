/** What a session can do to its neighbours. Each says `begun` and goes on until it is stopped. */
export type Attacker = { name: string; command: readonly string[] }

/** where the agent files mount a Node and this directory */
export const INSIDE = { node: '/opt/bench/bin/node', directory: '/opt/bench/client' } as const
/** the session's own trust bundle */
export const INSIDE_CA = '/etc/ssl/certs/ca-certificates.crt'

const bash = (script: string): readonly string[] => ['bash', '-c', `echo begun; ${script}`]

const FILL_MEMORY = `
import sys
print("begun", flush=True)
while True:
    held = [bytearray(b"x") * (1 << 20) for _ in range(200)]
`

export function attackers(host: string): readonly Attacker[] {
  return [
    {
      name: 'fork bomb',
      command: bash('bomb() { bomb | bomb & bomb; }; while :; do bomb 2>/dev/null; done'),
    },
    { name: 'memory filler', command: ['python3', '-c', FILL_MEMORY] },
    {
      name: 'spinner',
      command: bash('for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait'),
    },
    {
      name: 'disk filler',
      command: bash(
        'while :; do dd if=/dev/zero of=big bs=1M count=400 conv=fsync 2>/dev/null; rm -f big; done',
      ),
    },
    {
      name: 'inode filler',
      command: bash(
        'while :; do for i in $(seq 2000); do : > "f$i"; done 2>/dev/null; rm -f f*; done',
      ),
    },
    {
      name: 'upload loop',
      command: [INSIDE.node, `${INSIDE.directory}/upload-main.ts`, host, INSIDE_CA],
    },
  ]
}
