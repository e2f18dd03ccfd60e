import { expect, test } from 'vitest'
import { OneAtATime } from './one-at-a-time.ts'

test('work begins in the order in which it is asked for, and never beside other work', async () => {
  const line = new OneAtATime()
  const log: string[] = []
  const work = (name: string) => async (): Promise<string> => {
    log.push(`${name} begins`)
    await Promise.resolve()
    log.push(`${name} ends`)
    return name
  }
  expect(await Promise.all([line.run(work('a')), line.run(work('b'))])).toEqual(['a', 'b'])
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

test('what fails is told to whoever asked for it, and to nobody else', async () => {
  const line = new OneAtATime()
  const failed = line.run(() => Promise.reject(new Error('the disk is full')))
  const next = line.run(() => Promise.resolve('done'))
  await expect(failed).rejects.toThrow('the disk is full')
  expect(await next).toBe('done')
})
