import { createHash } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { NOTHING_LEAKED } from '../testing/scene.ts'
import { FirewallScene, statusOf } from './testing/firewall-scene.ts'

/** Has the form of a token of GitHub, and is none. */
const SECRET = `ghs_${createHash('sha512').update('made up').digest('base64').replace(/\W/g, '').slice(0, 36)}`

let firewall: FirewallScene
afterEach(() => firewall.scene.close())

test('a secret in the name of a package is denied as that and stands in no record', async () => {
  firewall = await FirewallScene.start()
  const reply = await firewall.ask(`/lodahs/-/lodahs-1.0.0-${SECRET}.tgz`)
  expect(statusOf(reply)).toBe(403)
  expect(JSON.stringify(firewall.scene.rig.keyholder.leaves)).not.toContain(SECRET)
  expect(firewall.scene.leaked).toEqual(NOTHING_LEAKED)
})

test('what a detector finds and only records is in no install’s record either', async () => {
  const treatments = { 'secret-format': 'record' } as const
  firewall = await FirewallScene.start({ typo: 'deny' }, [], {
    inspection: { maxBodyBytes: 1024, treatments },
  })
  await firewall.ask(`/lodahs/-/lodahs-1.0.0-${SECRET}.tgz?k=${SECRET}`)
  const leaves = JSON.stringify(firewall.scene.rig.keyholder.leaves)
  expect(leaves).toContain('packages.typo')
  expect(leaves).not.toContain(SECRET)
  expect(firewall.scene.leaked).toEqual(NOTHING_LEAKED)
})
