import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { type IndexPlace, LogIndex } from '../search/log-index.ts'
import type { Terminal } from './command.ts'
import { jsonLine } from './json-line.ts'
import { describeLeaf } from './leaf-text.ts'
import { parseFilter, refuseUnknownTypes, unknownValues } from './log-filter.ts'
import { isOwnLog, logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'

/** Leaves of all sessions, by what they are about. */
export async function query(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { filter, values } = parseFilter(usage, argv, {
    nowMs: Date.now(),
    flags: {
      limit: { type: 'string' },
      reverse: { type: 'boolean', default: false },
      count: { type: 'boolean', default: false },
      log: { type: 'string' },
      index: { type: 'string' },
    },
  })
  const limit = limitOf(values['limit'])
  const place = placeOf(values)
  await recordReading({ what: 'query', query: argv, log: values['log'] }, terminal)
  await withIndex(place, terminal, (index) => {
    refuseUnknownTypes(filter, index)
    for (const line of unknownValues(filter, index)) terminal.err(line)
    if (values['count'] === true) {
      const count = index.count(filter)
      terminal.out(values['json'] === true ? jsonLine({ count }) : String(count))
      return
    }
    const isReversed = values['reverse'] === true
    for (const entry of index.find(filter, { limit, isReversed })) {
      terminal.out(values['json'] === true ? jsonLine(entry) : describeLeaf(entry))
    }
  })
  return 0
}

/** Where the log of these flags is, and its index: a copied log's is gone with the command unless named. */
export function placeOf(values: Readonly<Record<string, unknown>>): IndexPlace {
  const { log: given, index } = values
  const usual = isOwnLog(given) ? join(pathsFrom(process.env).state, 'index.sqlite') : ''
  const isNamed = typeof index === 'string' && index !== ''
  return {
    dir: typeof given === 'string' ? given : logDirectory(),
    file: isNamed ? index : usual,
    isNamed,
  }
}

/** @throws SekishoError when the log cannot be read */
export async function withIndex<T>(
  place: IndexPlace,
  terminal: Pick<Terminal, 'err'>,
  use: (index: LogIndex) => T | Promise<T>,
): Promise<T> {
  try {
    const index = await LogIndex.open(place, (line) => terminal.err(line))
    try {
      return await use(index)
    } finally {
      index.close()
    }
  } catch (error) {
    throw unreadable(place.dir, error)
  }
}

/** @throws SekishoError USAGE for what is no count */
function limitOf(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw new SekishoError('USAGE', '--limit is no count', {
    hint: 'give a whole number from 1 on',
  })
}
