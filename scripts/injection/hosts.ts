import type { Sample } from './samples.ts'

/** An honest text of some length, cut where something may be put into it. */
export type Host = { before: string; after: string }

const HALF_CHARACTERS = 2048

/** Honest texts joined until they are long enough. */
export function hostsOf(honest: readonly Sample[]): Host[] {
  const halves: string[] = []
  let half = ''
  for (const { document } of honest) {
    half += `${document.text.slice(0, HALF_CHARACTERS)}\n\n`
    if (half.length < HALF_CHARACTERS) continue
    halves.push(half.slice(0, HALF_CHARACTERS))
    half = ''
  }
  // each half is used on both sides, so that there are enough to tell one in a thousand
  return halves.map((before, index) => ({
    before: `${before}\n`,
    after: halves[(index + 1) % halves.length] ?? '',
  }))
}

export function inHost(attack: string, hosts: readonly Host[], index: number): string {
  const host = hosts[index % hosts.length]
  return host === undefined ? attack : `${host.before}${attack.slice(0, 6000)}\n${host.after}`
}
