import { createPrivateKey } from 'node:crypto'
import { noteSigner } from '@sekisho/verify'
import { openLog } from '../log/open-log.ts'

/**
 * Appends under load until it is killed, and tells its parent each leaf that was acknowledged.
 * argv: directory, private key (PEM), callers, a word that makes this run's leaves its own.
 */
const [dir = '', pem = '', callers = '1', run = ''] = process.argv.slice(2)
const signer = noteSigner('sekisho/log/test', createPrivateKey(pem))
const log = await openLog({ dir, signer, now: () => new Date() })

async function call(caller: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const id = `${run}-${caller}-${turn}`
    const session = 's-00000000000000000000'
    const verdict = { kind: 'allow', rules: [] }
    const padding = 'x'.repeat((turn * 977) % 3000)
    const index = await log.append({ type: 'action.intent', session, id, verdict, padding })
    process.send?.({ index, id })
    if (turn % 3 !== 0) await log.append({ type: 'action.outcome', session, id })
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => call(caller)))
