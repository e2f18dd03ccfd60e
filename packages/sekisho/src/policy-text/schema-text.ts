/** `policy/sekisho.cedarschema`, which a test compares this with. */
export const SCHEMA_TEXT = `// What Sekisho asks Cedar: who, which action, on what, and what is known of it.
// This is the platform's own schema, for editors and for \`cedar\` tools. A bundle cannot change it;
// each operation that operations/*.yaml declares adds one action, \`tool.call/<operation>\`.
namespace Sekisho {
  // What is known of every action, beside itself.
  type Facts = {
    // the agent file allows it; nothing goes beyond that
    granted: Bool,
    // ids of the rules of the agent file that do
    grants: Set<String>,
    // who has said yes to exactly this action: "initiator", "approver", "second-approver"
    approvals: Set<String>,
    // ids of the detectors that found something in what goes out
    findings: Set<String>,
    // who can have written what the session has read: "user", "trusted", "untrusted"
    integrity: String,
    // the most confidential thing it has read: "public", "internal", "secret"
    confidentiality: String,
    // outside: "none", "read", "external" (changes something there, or tells somebody)
    effect: String,
    // "read_only", "reversible", "externally_reversible", "irreversible"
    reversibility: String,
    // "low", "medium", "high", "critical"
    consequence: String,
    // arguments whose value no trusted source has named:
    // "recipient", "url", "branch", "command", "amount"
    unconfirmed: Set<String>,
    // names of the secrets that would be attached
    credentials: Set<String>,
    bytesLeft?: Long,
    requestsLeft?: Long,
    now: datetime,
  };

  // One kind of agent, as agents/<name>.yaml defines it.
  entity Agent;
  entity Group;
  // Who began the session: users.yaml.
  entity User in [Group] { enabled: Bool };
  // One run of an agent for a user.
  entity Session in [Agent] { agent: Agent, user: User };
  // Who answers for the platform: operators.yaml.
  entity Operator in [Group];

  entity HostGroup;
  // Labels of hosts.yaml and of the presets.
  entity Host in [HostGroup] {
    name: String,
    integrity: String,
    confidentiality: String,
    external: Bool,
  };
  // A name that is asked of DNS.
  entity Name;
  entity Toolset;
  // A declared operation: "mail.send" is in Toolset::"mail".
  entity Tool in [Toolset];
  entity Secret;
  entity Memory;
  entity Channel;
  entity Repository;
  // "npm:left-pad"
  entity Package;
  entity Program;
  // As models.yaml names it: "anthropic"
  entity ModelProvider;
  // "anthropic:claude-sonnet-5", as the provider is asked for it
  entity Model in [ModelProvider];
  // What a model may have the agent's own client call, by the name that the client gives it: "Bash".
  // Not a Tool: of those the bundle chooses the names.
  entity ClientTool;
  // This platform itself.
  entity Platform;

  action "http.request" appliesTo {
    principal: [Session, User],
    resource: Host,
    context: {
      facts: Facts,
      http: {
        method: String,
        scheme: String,
        port: Long,
        path: String,
        hasQuery: Bool,
        bodyBytes: Long,
        upgrade: Bool,
      },
    },
  };
  action "net.connect" appliesTo {
    principal: [Session, User],
    resource: Host,
    // scheme: what a rule says is spoken there, "https", "http", "tcp", "tls", or "none"
    context: { facts: Facts, connect: { transport: String, port: Long, scheme: String } },
  };
  action "dns.resolve" appliesTo {
    principal: [Session, User],
    resource: Name,
    context: { facts: Facts },
  };
  action "llm.generate" appliesTo {
    principal: [Session, User],
    resource: Model,
    context: {
      facts: Facts,
      model: {
        provider: String,
        model: String,
        // "messages", "responses", "chat", "gemini"
        api: String,
        stream: Bool,
        // types of the tools that the provider would run by itself
        serverTools: Set<String>,
      },
    },
  };
  // A model has proposed a call, and the agent's client has not seen it yet.
  action "llm.tool-call" appliesTo {
    principal: [Session, User],
    resource: ClientTool,
    context: {
      facts: Facts,
      tool: {
        name: String,
        // "shell", "write", "read", "fetch", "mcp", "spawn", "other"
        does: String,
        // of each command of a shell line: its name, and its path where it is called by one
        programs: Set<String>,
        // of its URLs
        hosts: Set<String>,
        // as they are named, without dot segments
        paths: Set<String>,
        // a program or an argument is known only when it runs
        unknown: Bool,
        model: String,
        provider: String,
      },
    },
  };
  // Any declared operation; what is said of this action holds for each of them.
  action "tool.call" appliesTo {
    principal: [Session, User],
    resource: Tool,
    context: { facts: Facts, call: { operation: String } },
  };
  action "secret.use" appliesTo {
    principal: [Session, User],
    resource: Secret,
    context: { facts: Facts },
  };
  action "memory.read", "memory.write" appliesTo {
    principal: [Session, User],
    resource: Memory,
    context: { facts: Facts },
  };
  action "message.send" appliesTo {
    principal: [Session, User],
    resource: Channel,
    context: { facts: Facts },
  };
  action "session.start", "session.spawn" appliesTo {
    principal: [Session, User],
    resource: Agent,
    context: { facts: Facts },
  };
  action "repo.commit", "repo.push" appliesTo {
    principal: [Session, User],
    resource: Repository,
    context: { facts: Facts },
  };
  action "package.install" appliesTo {
    principal: [Session, User],
    resource: Package,
    context: {
      facts: Facts,
      package: { ecosystem: String, name: String, version?: String },
    },
  };
  action "process.exec" appliesTo {
    principal: [Session, User],
    resource: Program,
    context: { facts: Facts, exec: { path: String, digest?: String, written: Bool } },
  };

  // What people do to the platform. A session is a principal here for one reason: so that the
  // invariant which forbids it has something to forbid.
  action "admin";
  action "admin.restore", "admin.approve", "admin.policy", "admin.quarantine" in ["admin"] appliesTo {
    principal: [Session, User, Operator],
    resource: Platform,
    context: { facts: Facts },
  };
}
`
