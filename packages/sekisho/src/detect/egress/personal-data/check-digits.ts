/** Check digits, each over text that holds digits (and letters, where said) and nothing else. */

/** @see ISO/IEC 7812-1:2017 annex B */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let back = 0; back < digits.length; back++) {
    const digit = Number(digits[digits.length - 1 - back])
    const doubled = back % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/**
 * MOD 97-10 over an IBAN with its country and check digits still in front.
 *
 * @param iban digits and upper-case letters
 * @see ISO 13616-1:2020, ISO/IEC 7064
 */
export function passesMod97(iban: string): boolean {
  let rest = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

/** Weights of the eleven digits before the check digit, from the left. */
const MY_NUMBER_WEIGHTS = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]

/**
 * The check digit of a Japanese individual number. A sum that leaves 0 and one that leaves 1 both
 * give 0, so a wrong digit goes unnoticed where it makes one of the other.
 *
 * @param digits the first eleven
 * @see 平成26年総務省令第85号 第5条
 */
export function myNumberCheckDigit(digits: string): number {
  const sum = MY_NUMBER_WEIGHTS.reduce(
    (total, weight, at) => total + weight * Number(digits[at]),
    0,
  )
  const rest = sum % 11
  return rest <= 1 ? 0 : 11 - rest
}
