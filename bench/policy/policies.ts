/**
 * Policies as an organisation of that size would have them: most of them about one agent and one
 * host or group, some about an action whoever does it, some about everything.
 */

export const AGENTS = 25
export const HOST_GROUPS = 40
export const HOSTS = 400
export const TEAMS = 10

type Rule = (at: number) => string

const agentOf = (at: number): string => `Sekisho::Agent::"agent-${at % AGENTS}"`
const hostOf = (at: number): string => `Sekisho::Host::"host-${at % HOSTS}.test"`
const groupOf = (at: number): string => `Sekisho::HostGroup::"group-${at % HOST_GROUPS}"`
const HTTP = 'action == Sekisho::Action::"http.request"'

/** What every bundle has once. */
const GENERAL: readonly Rule[] = [
  () => 'permit (principal, action, resource) when { context.facts.granted };',
  () => `forbid (principal, action, resource)
    when { context.facts.integrity == "untrusted" && context.facts.confidentiality != "public" && context.facts.effect == "external" }
    unless { context.facts.approvals.contains("approver") };`,
]

/** Eighteen kinds in turn, of a thousand policies some 55 each. */
const RULES: readonly Rule[] = [
  (at) => `forbid (principal, action, resource)
    when { context.facts.findings.contains("secret.kind-${at}") };`,
  (at) => `forbid (principal, ${HTTP}, resource in ${groupOf(at)})
    when { ["PUT", "PATCH", "DELETE"].contains(context.http.method) }
    unless { context.facts.approvals.containsAll(["initiator", "approver"]) };`,
  (at) => `permit (principal, ${HTTP}, resource)
    when { context.http.method == "GET" && resource.name like "*.zone-${at}.test" };`,
  (
    at,
  ) => `forbid (principal is Sekisho::User in Sekisho::Group::"team-${at % TEAMS}", ${HTTP}, resource)
    when { resource.external && context.http.bodyBytes > ${1_000 + at} };`,
  (at) => `permit (principal in ${agentOf(at)}, action in Sekisho::Action::"tool.call", resource)
    when { context.call.operation like "mail.*" } unless { context.facts.consequence == "critical" };`,
  (
    at,
  ) => `permit (principal in ${agentOf(at)}, action == Sekisho::Action::"package.install", resource)
    when { context.package.ecosystem == "npm" && context.package.name like "@scope-${at}/*" };`,
  ...Array.from(
    { length: 6 },
    (_, kind): Rule =>
      (at) =>
        `permit (principal in ${agentOf(at + kind)}, ${HTTP}, resource == ${hostOf(at * 7 + kind)})
    when { ["GET", "HEAD"].contains(context.http.method) && context.http.path like "/api/v${kind}/*/items" };`,
  ),
  ...Array.from(
    { length: 4 },
    (_, kind): Rule =>
      (at) =>
        `permit (principal in ${agentOf(at + kind)}, ${HTTP}, resource in ${groupOf(at * 3 + kind)})
    when { context.http.port == 443 && context.http.scheme == "https" && context.http.bodyBytes < 65536 }
    unless { context.facts has bytesLeft && context.facts.bytesLeft < context.http.bodyBytes };`,
  ),
  ...Array.from(
    { length: 2 },
    (_, kind): Rule =>
      (at) =>
        `forbid (principal in ${agentOf(at + kind)}, ${HTTP}, resource == ${hostOf(at * 11 + kind)})
    when { context.http.path like "/admin/*" || context.facts.findings.contains("injection.model") }
    unless { context.facts.approvals.contains("approver") };`,
  ),
]

/** @returns texts of Cedar, one policy each */
export function realisticPolicies(count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const rule = GENERAL[at] ?? RULES[(at - GENERAL.length) % RULES.length]
    return rule?.(at) ?? ''
  })
}
