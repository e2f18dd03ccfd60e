import type { Judged } from './report.ts'
import type { Outcome } from './run-once.ts'

/** Probes that only the host can judge: what was measured, and how the battery itself ended. */
const STARTED = 'battery.starts'
const ENDED = 'battery.ends'
const UNDISTURBED = 'battery.host-undisturbed'
const CPU = 'limit.cpu'
const MEMORY = 'limit.memory'
const SWAP = 'limit.swap'

/**
 * What each probe has shown. A refusal counts when it was recorded, too: that the kernel would have
 * refused a call anyway says nothing about the filter.
 *
 * @param hostKernel whether the sandbox's calls reach the host's kernel, and so its filter
 */
export function judge(outcome: Outcome, { hostKernel }: { hostKernel: boolean }): Judged[] {
  const { lines, disturbed } = outcome
  const tried = lines.flatMap((line) => ('id' in line ? [line] : []))
  const probes = tried.map(({ id, held, detail, refused = [] }) => {
    const unrecorded = refused.filter((words) => !outcome.recorded.has(words.join()))
    if (held === true && hostKernel && unrecorded.length > 0) {
      return { id, held: false, detail: `${detail}, not recorded` }
    }
    if (id === CPU)
      return { id, held: outcome.throttled > 0, detail: `throttled ${outcome.throttled} times` }
    return { id, held, detail }
  })
  return [
    { id: STARTED, held: lines.length > 0, detail: lines.length > 0 ? '' : reason(outcome) },
    ...probes,
    swap(outcome),
    ...ends(outcome, tried.length),
    { id: UNDISTURBED, held: disturbed.length === 0, detail: disturbed.join(', ') },
  ]
}

/** Nothing can be pushed out to see it: this is the kernel's own word. */
function swap({ swapBytes }: Outcome): Judged {
  if (swapBytes === undefined) return { id: SWAP, held: null, detail: 'the kernel counts no swap' }
  return { id: SWAP, held: swapBytes === 0, detail: `${swapBytes} bytes of swap` }
}

function ends(outcome: Outcome, tried: number): Judged[] {
  const { lines, wasKilled } = outcome
  const last = lines.at(-1)
  if (last !== undefined && 'done' in last && last.done === tried) {
    return [{ id: ENDED, held: true, detail: outcome.end }]
  }
  // with the unified hierarchy, a session out of memory ends as a whole
  if (last !== undefined && 'begins' in last && wasKilled) {
    return [
      { id: MEMORY, held: true, detail: 'the whole session was killed' },
      { id: ENDED, held: true, detail: outcome.end },
    ]
  }
  return [{ id: ENDED, held: false, detail: reason(outcome) }]
}

function reason({ end, stderr }: Outcome): string {
  return `${end}: ${stderr.trim().split('\n').slice(-3).join(' ')}`.slice(0, 300)
}
