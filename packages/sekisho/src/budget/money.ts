/** `4.93 USD`, with as many digits as it takes, at least two. */
export function formatMicroUsd(microUsd: number): string {
  const digits = String(Math.abs(microUsd)).padStart(7, '0')
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '')
  return `${microUsd < 0 ? '-' : ''}${digits.slice(0, -6)}.${fraction} USD`
}
