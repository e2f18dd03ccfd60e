import { stringify } from 'yaml'
import { CLOSED, PUBLIC } from './closed-ranges.ts'
import { comment } from './comment.ts'
import { type Fence, portsOf } from './fence.ts'
import { intro, SELECTED } from './intro.ts'
import { unexpressed } from './unexpressed.ts'

/** Where cluster DNS runs, by the labels that kubeadm, GKE, EKS and AKS give it. */
const CLUSTER_DNS = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
  podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
}
const DNS_PORTS = ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 }))

/**
 * A NetworkPolicy of networking.k8s.io/v1 for the pods that gates run in: egress denied but for
 * DNS of the cluster and public addresses at the ports in use.
 */
export function writeNetworkPolicy(fence: Fence): string {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `sekisho-egress-${fence.name}` },
    spec: {
      podSelector: { matchLabels: SELECTED },
      policyTypes: ['Egress'],
      egress: egressOf(fence),
    },
  }
  const notes = [
    ...intro(fence, 'a Kubernetes NetworkPolicy'),
    ...unexpressed(fence, { names: 'none', http: false }),
    '- logging: NetworkPolicy has none; use what the network plugin offers',
    'A cluster whose network plugin does not enforce NetworkPolicy accepts it and does nothing.',
  ]
  return comment(notes) + stringify(policy, { lineWidth: 0 })
}

function egressOf({ endpoints, dials }: Fence): unknown[] {
  const rules: unknown[] = dials.map(({ cidr, ports }) => ({
    to: [{ ipBlock: { cidr } }],
    ports: tcp(ports),
  }))
  if (endpoints.length === 0) return rules
  const outside = [
    { ipBlock: { cidr: PUBLIC.ipv4, except: [...CLOSED.ipv4] } },
    { ipBlock: { cidr: PUBLIC.ipv6, except: [...CLOSED.ipv6] } },
  ]
  return [
    { to: [CLUSTER_DNS], ports: DNS_PORTS },
    ...rules,
    { to: outside, ports: tcp(portsOf(endpoints)) },
  ]
}

function tcp(ports: readonly number[]): { protocol: string; port: number }[] {
  return ports.map((port) => ({ protocol: 'TCP', port }))
}
