import { isShell } from './exec-view.ts'
import type { ExecRule, ExecView } from './rule.ts'

const POOL = /^(?:--?[a-z-]+=)?stratum\d?\+(?:tcp|ssl|tls|udp)s?:\/\//i
const MINER =
  /^(?:xmrig|xmr-stak|minerd|cpuminer|cgminer|bfgminer|ethminer|nbminer|t-rex|lolminer|phoenixminer|ccminer|gminer|nanominer|srbminer|teamredminer)(?:-[\w.]+)?$/i
const ALGORITHM =
  /^(?:rx\/\w+|randomx|cn(?:\/|-)\S+|cryptonight\S*|kawpow|ethash|etchash|equihash\S*|ghostrider|argon2\/chukwa\S*|autolykos2?|verushash)$/i
/** What reads or looks for text is no miner, whatever the text. */
const READERS =
  /^(?:[efz]?grep|rg|ag|ack|git|sed|[gmn]?awk|cat|echo|printf|jq|find|less|more|head|tail|diff|test|\[)$/

export const MINER_RULES: readonly ExecRule[] = [
  {
    name: 'crypto-miner',
    severity: 'high',
    reason: 'computing time is turned into somebody’s money',
    matches: (view) =>
      !READERS.test(view.program) &&
      !isShell(view.program) &&
      (MINER.test(view.program) || mines(view)),
  },
]

function mines({ args }: ExecView): boolean {
  if (args.some((arg) => POOL.test(arg))) return true
  const has = (option: RegExp): boolean => args.some((arg) => option.test(arg))
  if (has(/^--donate-level(?:=|$)/)) return true
  const algorithm = args.some(
    (arg, i) =>
      ALGORITHM.test(/^--(?:algo|coin)=(.*)$/.exec(arg)?.[1] ?? '') ||
      (/^(?:-a|--algo|--coin)$/.test(arg) && ALGORITHM.test(args[i + 1] ?? '')),
  )
  return algorithm && has(/^(?:-o|--url|--pool)(?:=|$)/)
}
