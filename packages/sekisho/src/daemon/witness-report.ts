import { SekishoError } from '../core/error.ts'
import type { WitnessAnswer, WitnessStatus } from '../wire/witness.ts'
import { operatorsOf } from './witness-settings.ts'

/** A line for each witness that has cosigned all it should. */
export function healthyWitnesses(witnesses: readonly WitnessStatus[]): string[] {
  return witnesses.filter(isWell).map((witness) => `witness    ${describe(witness)}`)
}

/** What is not as it should be, and whether enough independent operators have cosigned. */
export function degradedWitnesses(witnesses: readonly WitnessStatus[], quorum: number): string[] {
  const current = operatorsOf(witnesses.filter(({ isCurrent }) => isCurrent)).size
  const missed =
    current < quorum ? [`witnesses: ${current} of ${quorum} operators have cosigned the log`] : []
  const unwell = witnesses.filter((witness) => !isWell(witness))
  return [...missed, ...unwell.map((witness) => `witness: ${describe(witness)}`)]
}

/**
 * @throws SekishoError LOG_BROKEN when a witness has cosigned more than the log has, or another
 *   tree: its files were set back, or exchanged, and nothing may be added to them
 */
export function refuseBroken(answers: readonly WitnessAnswer[]): void {
  const broken = answers.filter(({ found }) => found === 'broken')
  if (broken.length === 0) return
  const said = broken.map(({ name, operator, detail }) => `${name} of ${operator}: ${detail}`)
  throw new SekishoError(
    'LOG_BROKEN',
    `the log is not the one that was cosigned: ${said.join('; ')}`,
    {
      hint: 'restore the newest copy of the state directory; without one, keep the files and the notes in exporter/witnesses, and begin a new log',
    },
  )
}

/** Of those that a start could not ask: the start goes on, and says so. */
export function unasked(answers: readonly WitnessAnswer[]): string[] {
  return answers
    .filter(({ found }) => found === 'unknown')
    .map(({ name, operator, detail }) => `witness ${name} of ${operator} was not heard: ${detail}`)
}

function isWell({ isCurrent, trouble }: WitnessStatus): boolean {
  return isCurrent && trouble === null
}

function describe({ name, operator, cosigned, at, trouble }: WitnessStatus): string {
  const has = cosigned === null ? 'nothing cosigned' : `${cosigned} leaves cosigned at ${at}`
  const why = trouble === null ? '' : `; ${trouble.reason}: ${trouble.detail}`
  return `${name} of ${operator}, ${has}${why}`
}
