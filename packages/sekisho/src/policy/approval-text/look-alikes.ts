import { decodeALabel } from '../../core/punycode.ts'

/** Scripts whose letters are drawn like Latin ones: `аpple` with a Cyrillic а reads like apple. */
const LOOK_ALIKE_SCRIPTS = {
  Cyrillic: /\p{Script=Cyrillic}/u,
  Greek: /\p{Script=Greek}/u,
  Armenian: /\p{Script=Armenian}/u,
  Cherokee: /\p{Script=Cherokee}/u,
  Coptic: /\p{Script=Coptic}/u,
  Lisu: /\p{Script=Lisu}/u,
  Fullwidth: /[\uff01-\uff5e]/u,
  Mathematical: /[\u{1d400}-\u{1d7ff}]/u,
} as const

const LATIN = /\p{Script=Latin}/u

/** Scripts that a word or a label mixes with Latin, or is made of where Latin is what it looks like. */
export function lookAlikeScripts(word: string): string[] {
  const scripts = Object.entries(LOOK_ALIKE_SCRIPTS).flatMap(([name, pattern]) =>
    pattern.test(word) ? [name] : [],
  )
  if (scripts.length === 0) return []
  return LATIN.test(word) ? ['Latin', ...scripts] : scripts
}

/** Words of a text in which letters of several scripts stand side by side. */
export function mixedWords(text: string, max: number): string[] {
  const found = new Set<string>()
  for (const [word] of text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    if (found.size >= max) break
    const scripts = lookAlikeScripts(word)
    if (scripts.length > 1) found.add(`${word} (${scripts.join(' and ')})`)
  }
  return [...found]
}

/** What a canonical host name means to a reader, where that is not what it says. */
export function readHost(
  host: string,
): { unicode: string; warning: string | undefined } | undefined {
  if (!host.includes('xn--')) return undefined
  const labels = host
    .split('.')
    .map((label) => (label.startsWith('xn--') ? (decodeALabel(label) ?? label) : label))
  const scripts = [...new Set(labels.flatMap(lookAlikeScripts))]
  const warning =
    scripts.length === 0 ? undefined : `letters of ${scripts.join(', ')} that can look like others`
  return { unicode: labels.join('.'), warning }
}
