import * as z from 'zod'

/** Fields as the API references have them; strict, so that a field that does not exist fails. */

const Labels = z.record(z.string(), z.string())
const Selector = z.strictObject({ matchLabels: Labels })
const Metadata = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/),
})

/** networking.k8s.io/v1 */
export const NetworkPolicyShape = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('NetworkPolicy'),
  metadata: Metadata,
  spec: z.strictObject({
    podSelector: Selector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
    egress: z.array(
      z.strictObject({
        to: z.array(
          z.union([
            z.strictObject({
              ipBlock: z.strictObject({
                cidr: z.union([z.cidrv4(), z.cidrv6()]),
                except: z.array(z.union([z.cidrv4(), z.cidrv6()])).optional(),
              }),
            }),
            z.strictObject({ namespaceSelector: Selector, podSelector: Selector }),
          ]),
        ),
        ports: z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP', 'SCTP']), port: z.int() })),
      }),
    ),
  }),
})

const Fqdn = z.union([
  z.strictObject({ matchName: z.string().regex(/^([-a-zA-Z0-9_]+[.]?)+$/) }),
  z.strictObject({ matchPattern: z.string().regex(/^([-a-zA-Z0-9_*]+[.]?)+$/) }),
])
const Port = z.strictObject({ port: z.string(), protocol: z.enum(['TCP', 'UDP', 'ANY']) })
const Http = z.strictObject({
  method: z.string().optional(),
  path: z.string().optional(),
  host: z.string().optional(),
})
const PortRule = z.strictObject({
  ports: z.array(Port).max(40),
  rules: z
    .union([z.strictObject({ dns: z.array(Fqdn) }), z.strictObject({ http: z.array(Http) })])
    .optional(),
})
const toPorts = z.array(PortRule)

/** cilium.io/v2 */
export const CiliumPolicyShape = z.strictObject({
  apiVersion: z.literal('cilium.io/v2'),
  kind: z.literal('CiliumNetworkPolicy'),
  metadata: Metadata,
  spec: z.strictObject({
    endpointSelector: Selector,
    egress: z.array(
      z.union([
        z.strictObject({}),
        z.strictObject({ toEndpoints: z.array(Selector), toPorts }),
        z.strictObject({ toCIDR: z.array(z.string()), toPorts }),
        z.strictObject({ toFQDNs: z.array(Fqdn), toPorts }),
      ]),
    ),
    egressDeny: z.array(
      z.strictObject({
        toCIDRSet: z.array(
          z.strictObject({ cidr: z.string(), except: z.array(z.string()).optional() }),
        ),
      }),
    ),
  }),
})
