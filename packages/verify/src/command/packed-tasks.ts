import type { SignatureTask } from '../audit/signature-queue.ts'

const POINT_BYTES = 65
const SIGNATURE_BYTES = 64
const LENGTH_BYTES = 4

/** Tasks as one piece of memory that can be handed to another thread without a copy. */
export function packTasks(tasks: readonly SignatureTask[]): Uint8Array<ArrayBuffer> {
  const fixed = POINT_BYTES + SIGNATURE_BYTES + LENGTH_BYTES
  const size = tasks.reduce((sum, { message }) => sum + fixed + message.length, 0)
  const packed = new Uint8Array(size)
  const view = new DataView(packed.buffer)
  let at = 0
  for (const { point, signature, message } of tasks) {
    packed.set(point, at)
    packed.set(signature, at + POINT_BYTES)
    view.setUint32(at + POINT_BYTES + SIGNATURE_BYTES, message.length)
    packed.set(message, at + fixed)
    at += fixed + message.length
  }
  return packed
}

export function unpackTasks(packed: Uint8Array): SignatureTask[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const tasks: SignatureTask[] = []
  let at = 0
  const take = (length: number): Buffer => bytes.subarray(at, (at += length))
  while (at < bytes.length) {
    const point = take(POINT_BYTES)
    const signature = take(SIGNATURE_BYTES)
    const message = take(take(LENGTH_BYTES).readUInt32BE(0))
    tasks.push({ point, signature, message })
  }
  return tasks
}
