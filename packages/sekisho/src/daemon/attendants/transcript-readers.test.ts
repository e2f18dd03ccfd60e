import { expect, test } from 'vitest'
import { type Found, type TranscriptReader, TranscriptReaders } from './transcript-readers.ts'

const ASKED = { client: 'codex', content: '', journal: null, releases: [], sinceMs: 0 }
const FOUND: Found = { compared: 1, unreleased: 0, changed: 0, unread: 0, tools: [] }

type Step = 'start' | 'compare' | 'stop'

/** Processes of which each fails as it is told to, and what was asked of them. */
function readersThat(failures: readonly (Step | null)[]): {
  readers: TranscriptReaders
  steps: string[]
  said: string[]
} {
  const steps: string[] = []
  const said: string[] = []
  let made = 0
  const make = (): TranscriptReader => {
    const number = made++
    const step = async (what: Step): Promise<void> => {
      steps.push(`${number} ${what}`)
      if (failures[number] === what) throw new Error(`no ${what}`)
    }
    return {
      start: () => step('start'),
      stop: () => step('stop'),
      peer: { call: async () => (await step('compare'), FOUND) },
    }
  }
  return { readers: new TranscriptReaders(make, (line) => void said.push(line)), steps, said }
}

test('one process reads all transcripts that can be read', async () => {
  const { readers, steps } = readersThat([])
  expect([await readers.compare(ASKED, 1), await readers.compare(ASKED, 1)]).toEqual([FOUND, FOUND])
  await readers.stop()
  await readers.stop()
  expect(steps).toEqual(['0 start', '0 compare', '0 compare', '0 stop'])
})

test.for(['start', 'compare'] as const)(
  'after one that does not get through its %s another reads on',
  async (failing) => {
    const { readers, steps, said } = readersThat([failing])
    expect([await readers.compare(ASKED, 1), await readers.compare(ASKED, 1)]).toEqual([
      null,
      FOUND,
    ])
    expect(steps.slice(-3)).toEqual(['0 stop', '1 start', '1 compare'])
    expect(said).toEqual([`a transcript of codex is not compared: no ${failing}`])
  },
)
