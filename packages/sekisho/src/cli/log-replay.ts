import { createInterface } from 'node:readline'
import { setTimeout as pass } from 'node:timers/promises'
import { isatty } from 'node:tty'
import type { IndexedLeaf } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { timeOf } from '../search/leaf-fields.ts'
import { parseTime, TIME_HINT } from '../search/time-text.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { joinTimes } from './log-filter.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { type Playing, playSession, type ReplayPorts } from './replay-player.ts'
import type { ScreenSize } from './replay-screen.ts'
import { leavesOfSession } from './session-leaves.ts'

const MAX_SPEED = 100_000
const PLAIN: ScreenSize = { columns: 160, rows: 60 }
const USUAL: ScreenSize = { columns: 80, rows: 24 }
const HOME_AND_CLEAR = '\u001b[H\u001b[2J'

/** Draws a session as it happened: on a terminal in place, elsewhere one picture after another. */
export async function replay(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, joinTimes(argv), {
    speed: { type: 'string' },
    step: { type: 'boolean', default: false },
    at: { type: 'string' },
    log: { type: 'string' },
    index: { type: 'string' },
  })
  const session = onePositional(usage, positionals)
  const wanted = wantedOf(values, usage)
  const place = placeOf(values)
  await recordReading({ what: 'replay', query: argv, log: values['log'] }, terminal)
  await withIndex(place, terminal, async (index) => {
    const playing = playingOf(wanted, () => leavesOfSession(index, session))
    const ports = isatty(1) ? terminalPorts(terminal) : plainPorts(terminal)
    try {
      await playSession(leavesOfSession(index, session), playing, ports)
    } finally {
      ports.close()
    }
  })
  return 0
}

type Wanted = { speed: number; isStep: boolean; at: string | undefined }

/** @throws SekishoError USAGE for what cannot be done together, or not at all */
function wantedOf(values: Readonly<Record<string, unknown>>, usage: string): Wanted {
  const { speed = '1', step, at } = values
  const isStep = step === true
  if ([values['speed'] !== undefined, isStep, at !== undefined].filter(Boolean).length > 1) {
    throw new SekishoError('USAGE', 'one of --speed, --step and --at', { hint: `usage: ${usage}` })
  }
  const factor =
    typeof speed === 'string' && /^\d{1,6}(\.\d{1,3})?$/.test(speed) ? Number(speed) : 0
  if (factor <= 0 || factor > MAX_SPEED) {
    throw new SekishoError('USAGE', '--speed is no speed', {
      hint: `give how many times as fast as it went, up to ${MAX_SPEED}`,
    })
  }
  return { speed: factor, isStep, at: typeof at === 'string' ? at : undefined }
}

function playingOf({ speed, isStep, at }: Wanted, leaves: () => Generator<IndexedLeaf>): Playing {
  if (at !== undefined) return { kind: 'at', atMs: momentOf(at, leaves) }
  return isStep ? { kind: 'step' } : { kind: 'time', speed }
}

/** `+12s` is since the session's first leaf; anything else as in a query. */
function momentOf(at: string, leaves: () => Generator<IndexedLeaf>): number {
  const ms = at.startsWith('+') ? parseTime(`-${at.slice(1)}`, 0) : parseTime(at, Date.now())
  if (ms === undefined) {
    throw new SekishoError('USAGE', '--at is no time', {
      hint: `${TIME_HINT}, or +12s after the session's start`,
    })
  }
  if (!at.startsWith('+')) return ms
  const first = leaves().next()
  return (first.done === true ? 0 : (timeOf(first.value.leaf) ?? 0)) - ms
}

type ClosingPorts = ReplayPorts & { close(): void }

/** One picture after another, without a pause: for a file or another program. */
function plainPorts(terminal: Terminal): ClosingPorts {
  return {
    show: (lines) => {
      for (const line of [...lines, '-'.repeat(40)]) terminal.out(line)
    },
    wait: async () => undefined,
    next: async () => true,
    size: () => PLAIN,
    close: () => undefined,
  }
}

function terminalPorts(terminal: Terminal): ClosingPorts {
  const input = createInterface({ input: process.stdin })
  const lines = input[Symbol.asyncIterator]()
  return {
    show: (shown) => terminal.out(`${HOME_AND_CLEAR}${shown.join('\n')}`),
    wait: (ms) => pass(ms),
    next: async () => {
      terminal.err('Enter for the next one, q to end')
      const line = await lines.next()
      return line.done !== true && line.value.trim() !== 'q'
    },
    size: () => ({
      columns: process.stdout.columns || USUAL.columns, // 0 on a terminal that does not know
      rows: (process.stdout.rows || USUAL.rows) - 1,
    }),
    close: () => input.close(),
  }
}
