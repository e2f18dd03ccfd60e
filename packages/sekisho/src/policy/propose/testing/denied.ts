import type { Action, HttpRequestAction } from '../../../core/action.ts'
import { parseAgentFile } from '../../agent-file.ts'
import { AttemptLedger, type Attempts } from '../attempts.ts'
import type { Ground } from '../candidates.ts'

export const SESSION = 's-00000000000000000000'
export const AT = '2026-11-22T08:00:00.000Z'
export const NOW_MS = Date.UTC(2026, 10, 22)
export const PATH = 'agents/docs-bot.yaml'

/** @param text of the file of agent `docs-bot` */
export function groundOf(text: string, phase: Ground['phase'] = 'agent'): Ground {
  return { agent: parseAgentFile(text, PATH), phase, registries: [], nowMs: NOW_MS }
}

/** The leaf of a denied action. */
export function leafOf(
  action: Action,
  rules: readonly string[] = ['default'],
): Record<string, unknown> {
  const verdict = { kind: 'deny', rules: [...rules], reason: 'no rule allows it' }
  const base = { v: 1, type: 'action.intent', session: SESSION, at: AT, id: 'x' }
  return { ...base, action, verdict, credentials: [], repeated: 0 }
}

export function attemptsOf(...actions: readonly Action[]): Attempts {
  const ledger = new AttemptLedger()
  for (const action of actions) ledger.add(leafOf(action))
  return ledger.attempts()
}

export function request(
  method: string,
  url: string,
  rest: Partial<HttpRequestAction> = {},
): HttpRequestAction {
  const { protocol, hostname, port, pathname } = new URL(url)
  const scheme = protocol === 'http:' ? 'http' : 'https'
  const number = port === '' ? { http: 80, https: 443 }[scheme] : Number(port)
  return {
    kind: 'http.request',
    scheme,
    method,
    host: hostname,
    port: number,
    path: pathname,
    query: null,
    ...rest,
  }
}

export function name(host: string): Action {
  return { kind: 'dns.resolve', name: host, type: 'A' }
}

export function dial(host: string, port: number): Action {
  return { kind: 'net.connect', transport: 'tcp', address: '198.18.0.9', port, host }
}
