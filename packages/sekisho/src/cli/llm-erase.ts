import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import { connect } from './client.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { sessionIdOf } from './log-show.ts'

const TIMEOUT_MS = 60_000

/**
 * Erases what was kept of a session's model calls, with the key of it; on record before it goes. The
 * leaves stay, and say no longer what was said.
 *
 * @throws SekishoError USAGE, DAEMON_UNREACHABLE, LOG_UNWRITABLE
 */
export async function llmErase(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  const session = sessionIdOf(onePositional(usage, positionals))
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  const erased = await peer
    .call('llm.erase', { session }, { timeoutMs: TIMEOUT_MS })
    .finally(() => peer.close())
  const { recordings, bytes } = erased
  if (values['json'] === true) terminal.out(jsonLine({ session, ...erased }))
  else terminal.out(`erased ${recordings} recordings of ${session}, ${bytes} bytes`)
  return 0
}
