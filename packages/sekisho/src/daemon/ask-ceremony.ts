import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import type { RootDescription } from '../wire/root.ts'
import { readFailure } from './child-failure.ts'
import type { Paths } from './paths.ts'
import { type Ceremony, CeremonyResult } from './root-ceremony.ts'

const TIMEOUT_MS = 90_000

/**
 * Has a root key made in a mount namespace of its own. What was typed goes through a pipe: a command
 * line and an environment are there for others to read.
 *
 * @throws SekishoError what the making process says; TIMEOUT
 */
export async function askCeremony(paths: Paths, asked: Ceremony): Promise<RootDescription> {
  const entry = join(paths.code, 'packages/sekisho/src/daemon/root-ceremony-main.ts')
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', entry]
  const child = spawn('/usr/bin/unshare', ['--mount', '--propagation', 'slave', '--', ...node], {
    env: { ...process.env, SEKISHO_OUTER_MOUNTS: readlinkSync('/proc/self/ns/mnt') },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => undefined) // its exit says why
  child.stdin.end(JSON.stringify(asked))
  const gone = once(child, 'exit')
  const said = await text(child.stdout)
  await gone
  return read(said, child.signalCode)
}

function read(said: string, signal: NodeJS.Signals | null): RootDescription {
  const answer = parse(said)
  const result = CeremonyResult.safeParse(answer)
  if (result.success) return result.data.made
  const failure = readFailure(answer)
  if (failure !== undefined) throw failure
  if (signal === 'SIGKILL') {
    throw new SekishoError('TIMEOUT', `no root key was made in ${TIMEOUT_MS} ms`, {
      hint: 'see whether the token or TPM answers',
    })
  }
  throw new SekishoError('INTERNAL', 'the process that makes the root key said nothing', {
    hint: 'see its messages above',
  })
}

function parse(said: string): unknown {
  try {
    return parseJson(said)
  } catch {
    return undefined
  }
}
