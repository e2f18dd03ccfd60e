import { readFileSync } from 'node:fs'

const ALL_IDS = 0xffff_ffff

/**
 * How many ids, from 0 on, this process's user namespace has, of users and of groups: infinite in
 * the host's own. Fewer, and its root has rights over what is its own alone: no BPF programs, no
 * fanotify permission events, no id-mapped mounts, no loop devices, no `trusted` attributes.
 *
 * @see user_namespaces(7)
 */
export function countOwnIds(): number {
  const maps = ['uid', 'gid'].map((kind) => readFileSync(`/proc/self/${kind}_map`, 'utf8'))
  return Math.min(...maps.map(countMapped))
}

/** The names under which overlays that this process mounts keep what they note of their layers. */
export const OVERLAY_ATTRIBUTES = countOwnIds() === Infinity ? 'trusted.overlay.' : 'user.overlay.'

/** What a uid of ours is outside, where whoever reads the log is; itself on the host. */
export function uidOutside(uid: number, map = readFileSync('/proc/self/uid_map', 'utf8')): number {
  for (const [inside, outside, count] of rangesOf(map)) {
    if (uid >= inside && uid < inside + count) return outside + uid - inside
  }
  return uid
}

/** @param map text of /proc/self/uid_map: lines of first id inside, first id outside, count */
export function countMapped(map: string): number {
  let next = 0
  for (const [inside, outside, count] of rangesOf(map)) {
    if (count === ALL_IDS && outside === 0) return Infinity
    if (inside === next) next += count
  }
  return next
}

function rangesOf(map: string): [inside: number, outside: number, count: number][] {
  return map
    .trim()
    .split('\n')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
      return [inside, outside, count]
    })
}
