import { describe } from 'vitest'
import { testAgent } from './agent-behaviour.ts'
import { CLIENTS, clientsToRun } from './clients/all.ts'

/** Those that have no file of their own here. */
const OWN = ['claude-code', 'codex']
const others = CLIENTS.filter(({ id }) => !OWN.includes(id))
const isRun = (id: string): boolean => clientsToRun().some((client) => client.id === id)

for (const client of others) {
  describe.runIf(isRun(client.id))(client.title, () => testAgent(client))
}
