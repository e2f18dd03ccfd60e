import { SekishoError } from '../core/error.ts'
import { api } from '../wire/api.ts'
import { connect } from './client.ts'

type Ps = ReturnType<(typeof api)['ps']['result']['parse']>
export type Running = Ps['sessions'][number]

/** What runs now; undefined when no daemon does. @throws SekishoError PERMISSION_REQUIRED */
export async function runningSessions(apiSocket: string): Promise<Running[] | undefined> {
  try {
    const peer = await connect(apiSocket, api)
    const { sessions } = await peer.call('ps', {})
    peer.close()
    return sessions
  } catch (error) {
    if (error instanceof SekishoError && error.code === 'DAEMON_UNREACHABLE') return undefined
    throw error
  }
}
