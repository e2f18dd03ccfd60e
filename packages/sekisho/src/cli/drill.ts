import type { ContainmentResult } from '../drill/containment.ts'
import { type AttackResult, type DrillResult, runDrill } from '../drill/run-drill.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'
import { printable, table } from './terminal.ts'

export const drill: Command = {
  name: 'drill',
  summary: 'Attack this platform from inside a session and show what stopped each attack',
  usage: 'sekisho drill [--json]',
  async run(argv, terminal) {
    const { values } = jsonFlag(drill.usage, argv)
    const result = await runDrill()
    if (values['json'] === true) terminal.out(JSON.stringify(result))
    else for (const line of lines(result)) terminal.out(line)
    return result.escaped === 0 ? 0 : 1
  },
}

function lines(result: DrillResult): string[] {
  const log = result.log.kind === 'sound' ? `sound, ${result.log.size} leaves` : result.log.reason
  return [
    ...table([
      ['ATTACK', 'WHAT IT TRIES', 'BLOCKED', 'RECORDED', 'CANARY', 'WHAT IT SAW'],
      ...result.attacks.map(row),
    ]),
    '',
    ...table([
      ['ATTACK', 'WHAT IT TRIES', 'SESSION ENDED', 'EVIDENCE', 'AGENT SHUT OUT', 'FROZEN AFTER'],
      ...result.containment.map(containedRow),
    ]),
    '',
    `${result.attacks.length} attacks, ${result.containment.length} containments, ${result.escaped} escaped${excuse(result)}; log ${log}`,
  ]
}

function excuse({ attacks }: DrillResult): string {
  const count = attacks.filter(({ recorded, excused }) => excused && !recorded).length
  return count === 0 ? '' : ` (${count} blocked without a record, degraded: tripwires)`
}

function containedRow({ id, title, frozenAfterMs, ...held }: ContainmentResult): string[] {
  const shown = [held.ended, held.evidence, held.refused].map((is) => (is ? 'yes' : 'NO'))
  return [id, title, ...shown, frozenAfterMs === null ? '-' : `${frozenAfterMs} ms`]
}

function row(attack: AttackResult): string[] {
  return [
    attack.id,
    attack.title,
    attack.blocked ? 'yes' : 'NO',
    attack.recorded ? 'yes' : attack.excused ? 'degraded' : 'NO',
    `${attack.canaryBytes} bytes`,
    printable(attack.detail).slice(0, 60),
  ]
}
