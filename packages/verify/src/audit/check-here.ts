import { p256Check, type SignatureCheck } from '../crypto.ts'
import type { SignatureChecker, SignatureTask } from './signature-queue.ts'

/** Keys of sessions and gates that are used again and again. */
const MAX_KEYS = 1024

const keys = new Map<string, SignatureCheck | undefined>()

/** In the calling thread. */
export const checkHere: SignatureChecker = {
  check: (tasks) => Promise.resolve(tasks.map(fits)),
}

function fits({ point, message, signature }: SignatureTask): boolean {
  return checkOf(point)?.(message, signature) ?? false
}

/** undefined for what is no point of the curve */
function checkOf(point: Buffer): SignatureCheck | undefined {
  const name = point.toString('base64')
  if (keys.has(name)) return keys.get(name)
  const check = make(point)
  const [oldest] = keys.keys()
  if (keys.size >= MAX_KEYS && oldest !== undefined) keys.delete(oldest)
  keys.set(name, check)
  return check
}

function make(point: Buffer): SignatureCheck | undefined {
  try {
    return p256Check(point)
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined
    throw thrown
  }
}
