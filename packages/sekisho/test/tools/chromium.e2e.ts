import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({agent: {containment: {tolerated: ['io_uring_setup', 'socket:netlink-uevent', 'memfd_create', 'ptrace', 'personality','chroot','unshare', 'clone']}, limits: {memory: '4GiB', pids: 2048}}})
})
afterAll(async () => stage?.close())

test('x', async () => {
  const q = await stage.session('time timeout 25 chromium --headless=new --no-sandbox --dump-dom https://app.tools.test/page')
  console.log(q)
  expect(q.code).toBe(1)
})
