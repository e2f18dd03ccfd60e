import { joinOutcomes, type StoryEvent } from '../search/story.ts'
import { type Totals, TotalsCount } from '../search/totals.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { leavesOfSession } from './session-leaves.ts'
import { printable } from './terminal.ts'
import { TimelineText } from './timeline-text.ts'

/** What one session did, in sentences and in the order in which it began; totals at the end. */
export async function timeline(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    log: { type: 'string' },
    index: { type: 'string' },
  })
  const session = onePositional(usage, positionals)
  const place = placeOf(values)
  await recordReading({ what: 'show', query: ['timeline', ...argv], log: values['log'] }, terminal)
  const isJson = values['json'] === true
  await withIndex(place, terminal, (index) => {
    const count = new TotalsCount()
    const words = new TimelineText()
    for (const event of joinOutcomes(leavesOfSession(index, session))) {
      count.add(event.leaf)
      if (event.outcome !== null) count.add(event.outcome.leaf)
      if (isJson) terminal.out(jsonLine(rowOf(event, words)))
      else for (const line of words.tell(event)) terminal.out(line)
    }
    const { totals } = count
    if (isJson) terminal.out(jsonLine({ totals }))
    else for (const line of describeTotals(totals)) terminal.out(line)
  })
  return 0
}

function rowOf(event: StoryEvent, words: TimelineText): object {
  const { index, leaf, outcome } = event
  return { index, at: leaf['at'] ?? null, sentence: words.sentence(event), leaf, outcome }
}

function describeTotals(totals: Totals): string[] {
  const { leaves, types, verdicts, bytesOut, bytesIn, repeated, credentials } = totals
  const lines = [
    `${leaves} leaves: ${pairs(types)}`,
    `actions: ${pairs(verdicts)}; ${bytesOut} bytes out, ${bytesIn} bytes in${repeated === 0 ? '' : `; ${repeated} more that have no leaf of their own`}`,
    ...(Object.keys(credentials).length === 0 ? [] : [`credentials: ${pairs(credentials)}`]),
  ]
  return ['', ...lines.map(printable)]
}

function pairs(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts).map(([name, count]) => `${count} ${name}`)
  return all.length === 0 ? 'none' : all.join(', ')
}
