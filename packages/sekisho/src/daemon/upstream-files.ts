import { readFileSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { GateSession } from '../wire/gate.ts'

/** The operator's own upstreams, each with the CA that its file holds. @throws SekishoError CONFIG_INVALID */
export function readUpstreams(upstreams: SessionPlan['upstreams']): GateSession['upstreams'] {
  return upstreams.map(({ caFile, ...upstream }) => ({
    ...upstream,
    caPem: caFile === null ? null : readCa(caFile),
  }))
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `upstream CA ${path} cannot be read`, {
      hint: 'mend caFile in the agent file',
      cause,
    })
  }
}
