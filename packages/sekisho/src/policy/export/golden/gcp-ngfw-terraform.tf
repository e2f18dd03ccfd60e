# The coarse outer fence around the gates of Sekisho, as Terraform for a Cloud NGFW policy.
# Agents: docs-bot. Bundle:
# sha256:0000000000000000000000000000000000000000000000000000000000000000.
# Written by `sekisho policy export`; write it again when the bundle changes.
#
# It stands behind the gate, not in its place. It CANNOT say:
# - names: a name is open as the addresses that it resolves to; whatever else is served from an
#   address of *.example.com, codeberg.org, codeload.github.com, github.com, gitlab.com,
#   mirror.example.net and 6 more (a shared front end, a CDN) is open with it
# - wildcards: *.example.com cannot be said and is LEFT OUT: the gate allows these names and the
#   fence stops them; name the hosts in the agent file
# - rule preset.git-forges.read at github.com:443, gitlab.com:443, bitbucket.org:443,
#   codeberg.org:443, codeload.github.com:443, objects.githubusercontent.com:443 and 2 more: only
#   GET, HEAD, OPTIONS
# - rule preset.git-forges.fetch at github.com:443, gitlab.com:443, bitbucket.org:443,
#   codeberg.org:443: only POST on /**/git-upload-pack
# - rule plain at mirror.example.net:80: only GET, HEAD, OPTIONS on /debian/**, /a/*/b
# - rule soon at x.example.org:443: only GET, HEAD, OPTIONS
# - rule store at store.internal.example:8443: only GET, HEAD, OPTIONS
# - rule office at wiki.office.example:443: only GET, HEAD, OPTIONS
# - deny rule no-secrets at github.com:443, github.com:80, github.com:8443: not any method on
#   /**/secrets
# - rule tools at tools.example.org:443: only GET, HEAD, OPTIONS
# - expiry: soon at 2027-02-01 00:00 (UTC); export again by then
# - phases: tools.example.org are for the setup of docs-bot alone, and stay open after it
# - credential forge of docs-bot: only in authorization to github.com; the fence neither holds nor
#   binds it
# - TLS: that SNI, Host and the dialled name are one; to it the traffic of example.com,
#   codeberg.org, codeload.github.com, github.com, gitlab.com, objects.githubusercontent.com and 5
#   more is bytes
# - content: detectors, URL provenance, budgets, approvals, the record of every action: only the
#   gate has them
# - many addresses: of a name with more than 32 addresses of a family, the first 32 are open
# - the metadata server: Google Cloud lets every VM reach 169.254.169.254 whatever a firewall
#   says; run gates as a service account that may do nothing
# FQDN objects want Cloud NGFW Standard and the resolver of the VPC. A VPC evaluates its classic
# firewall rules first unless its network_firewall_policy_enforcement_order says
# BEFORE_CLASSIC_FIREWALL.

variable "project" {
  type        = string
  description = "project that the policy belongs to"
}

variable "network" {
  type        = string
  description = "self link of the VPC that the gates run in"
}

variable "gate_service_accounts" {
  type        = list(string)
  description = "e-mail addresses, at most ten; only their VMs are fenced"
}

resource "google_compute_network_firewall_policy" "sekisho" {
  project     = var.project
  name        = "sekisho-egress-docs-bot"
  description = "bundle sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

resource "google_compute_network_firewall_policy_association" "sekisho" {
  project           = var.project
  name              = "sekisho-egress"
  attachment_target = var.network
  firewall_policy   = google_compute_network_firewall_policy.sekisho.name
}

resource "google_dns_policy" "sekisho" {
  project        = var.project
  name           = "sekisho-dns-log"
  enable_logging = true

  networks {
    network_url = var.network
  }
}

resource "google_compute_network_firewall_policy_rule" "allow_address_1" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "allow-address-1"
  description             = "store.internal.example is dialled there"
  priority                = 1000
  direction               = "EGRESS"
  action                  = "allow"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = ["10.1.2.3/32"]

    layer4_configs {
      ip_protocol = "tcp"
      ports       = ["443"]
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "allow_address_2" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "allow-address-2"
  description             = "wiki.office.example is dialled there"
  priority                = 1001
  direction               = "EGRESS"
  action                  = "allow"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = ["10.9.0.0/16"]

    layer4_configs {
      ip_protocol = "tcp"
      ports       = ["443"]
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "allow_dns" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "allow-dns"
  description             = "the resolver of the VPC and no other"
  priority                = 50000
  direction               = "EGRESS"
  action                  = "allow"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = ["169.254.169.254/32"]

    layer4_configs {
      ip_protocol = "udp"
      ports       = ["53"]
    }

    layer4_configs {
      ip_protocol = "tcp"
      ports       = ["53"]
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "deny_special_ipv4" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "deny-special-ipv4"
  description             = "private, link-local, metadata and other special ranges"
  priority                = 60000
  direction               = "EGRESS"
  action                  = "deny"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = [
      "0.0.0.0/8",
      "10.0.0.0/8",
      "100.64.0.0/10",
      "127.0.0.0/8",
      "168.63.129.16/32",
      "169.254.0.0/16",
      "172.16.0.0/12",
      "192.0.0.0/24",
      "192.0.2.0/24",
      "192.31.196.0/24",
      "192.52.193.0/24",
      "192.88.99.0/24",
      "192.168.0.0/16",
      "192.175.48.0/24",
      "198.18.0.0/15",
      "198.51.100.0/24",
      "203.0.113.0/24",
      "224.0.0.0/4",
      "240.0.0.0/4",
    ]

    layer4_configs {
      ip_protocol = "all"
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "deny_special_ipv6" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "deny-special-ipv6"
  description             = "private, link-local, metadata and other special ranges"
  priority                = 60001
  direction               = "EGRESS"
  action                  = "deny"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = [
      "::/96",
      "::ffff:0:0:0/96",
      "64:ff9b::/96",
      "64:ff9b:1::/48",
      "2001::/23",
      "2001:db8::/32",
      "2002::/16",
      "2620:4f:8000::/48",
      "3ffe::/16",
      "3fff::/20",
      "fc00::/7",
      "fe80::/10",
      "fec0::/10",
      "ff00::/8",
    ]

    layer4_configs {
      ip_protocol = "all"
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "allow_names_1" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "allow-names-1"
  description             = "names at port 443"
  priority                = 100000
  direction               = "EGRESS"
  action                  = "allow"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_fqdns = [
      "codeberg.org",
      "codeload.github.com",
      "github.com",
      "gitlab.com",
      "objects.githubusercontent.com",
      "raw.githubusercontent.com",
      "release-assets.githubusercontent.com",
      "tools.example.org",
      "wiki.office.example",
      "x.example.org",
    ]

    layer4_configs {
      ip_protocol = "tcp"
      ports       = ["443"]
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "allow_names_2" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "allow-names-2"
  description             = "names at port 80"
  priority                = 100001
  direction               = "EGRESS"
  action                  = "allow"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_fqdns = ["mirror.example.net"]

    layer4_configs {
      ip_protocol = "tcp"
      ports       = ["80"]
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "deny_rest_ipv4" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "deny-rest-ipv4"
  description             = "everything else over ipv4"
  priority                = 2147483546
  direction               = "EGRESS"
  action                  = "deny"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = ["0.0.0.0/0"]

    layer4_configs {
      ip_protocol = "all"
    }
  }
}

resource "google_compute_network_firewall_policy_rule" "deny_rest_ipv6" {
  project                 = var.project
  firewall_policy         = google_compute_network_firewall_policy.sekisho.name
  rule_name               = "deny-rest-ipv6"
  description             = "everything else over ipv6"
  priority                = 2147483547
  direction               = "EGRESS"
  action                  = "deny"
  enable_logging          = true
  target_service_accounts = var.gate_service_accounts

  match {
    dest_ip_ranges = ["::/0"]

    layer4_configs {
      ip_protocol = "all"
    }
  }
}
