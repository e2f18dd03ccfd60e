/**
 * What no bundle can allow: Cedar `forbid` policies that every decision is made with, before and
 * beside the bundle's own. Only these ids may begin with `invariant.`; one that cannot be evaluated
 * denies. `compiled.ts` is what the gate has of them, and a test compares the two.
 */
export const INVARIANT_TEXTS: Readonly<Record<string, string>> = {
  /** Nobody can take it back, so somebody has to say yes to it (controls 9.1.2, 9.9.1). */
  'invariant.irreversible': `
    forbid (principal, action, resource)
    when { context.facts.reversibility == "irreversible" && context.facts.effect == "external" }
    unless { context.facts.approvals.containsAny(["initiator", "approver"]) };`,
  /** Critical is what takes both: who asked for it and who answers for it. */
  'invariant.critical': `
    forbid (principal, action, resource)
    when { context.facts.consequence == "critical" && context.facts.effect == "external" }
    unless { context.facts.approvals.containsAll(["initiator", "approver"]) };`,
  /** Whoever writes a mail must not choose to whom the agent sends (controls 9.9.2, P5.3). */
  'invariant.unconfirmed': `
    forbid (principal, action, resource)
    when { !context.facts.unconfirmed.isEmpty() }
    unless { context.facts.approvals.contains("initiator") };`,
  /** What is secret is told to nobody outside, whoever approves of it. */
  'invariant.secret-flow': `
    forbid (principal, action, resource)
    when { context.facts.confidentiality == "secret" && context.facts.effect == "external" };`,
  /** An agent changes neither the policy nor the log, the keys or its own quarantine. */
  'invariant.administration': `
    forbid (principal is Sekisho::Session, action in Sekisho::Action::"admin", resource);`,
  /** Who has been shut out begins and does nothing, through no agent either. */
  'invariant.user-disabled': `
    forbid (principal is Sekisho::User, action, resource)
    when { !principal.enabled };`,
}
