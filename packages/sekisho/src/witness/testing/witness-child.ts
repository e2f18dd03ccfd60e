import { rmSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { listen } from '../server/listen.ts'
import { WitnessDir } from '../server/state-dir.ts'
import { Witness } from '../server/witness.ts'

/** A witness to be killed: `node witness-child.ts STATE SOCKET`. */
const [state = '', path = ''] = process.argv.slice(2)
const dir = new WitnessDir(state)
const witness = new Witness({
  store: dir.store(),
  key: dir.key(),
  evidenceDir: dir.evidence,
  now: () => new Date(),
  alarm: () => undefined,
})
rmSync(path, { force: true })
await listen({ at: { path }, witness, alarm: () => undefined })
flushCompileCache()
process.send?.('listening')
