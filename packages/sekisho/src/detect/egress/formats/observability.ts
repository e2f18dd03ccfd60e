import type { Detector } from '../detector.ts'
import { isMixed } from './plausible.ts'
import { tokens } from './token.ts'

/** Logs, traces, alerts, experiments. */
export const OBSERVABILITY: readonly Detector[] = [
  ...tokens('https://grafana.com/docs/grafana/latest/administration/service-accounts/', [
    ['grafana-service-account', 'glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}'],
    ['grafana-cloud', 'glc_eyJ[A-Za-z0-9+/]{32,400}={0,3}'],
    ['grafana-legacy', 'eyJrIjoi[A-Za-z0-9+/]{70,400}={0,3}'],
  ]),
  ...tokens('https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/', [
    ['newrelic-user', 'NRAK-[A-Z0-9]{27}'],
    ['newrelic-insert', 'NRII-[\\w-]{32}'],
    ['newrelic-query', 'NRIQ-[\\w-]{32}'],
    ['newrelic-admin', 'NRAA-[0-9a-f]{27}'],
    ['newrelic-synthetics', 'NRSP-[a-z]{2}\\d{2}[0-9A-F-]{30,36}'],
  ]),
  ...tokens('https://docs.sentry.io/account/auth-tokens/', [
    ['sentry-organization', 'sntrys_eyJpYXQiO[A-Za-z0-9+/]{40,400}={0,2}_[A-Za-z0-9+/]{43}'],
    ['sentry-user', 'sntryu_[0-9a-f]{64}'],
    ['sentry-integration', 'sntryi_[0-9a-f]{64}'],
    ['sentry-app', 'sntrya_[0-9a-f]{64}'],
  ]),
  ...tokens('https://docs.honeycomb.io/configure/environments/manage-api-keys/', [
    ['honeycomb-ingest', 'hc(?:a|b|c|d|x)ik_[a-z0-9]{58}'],
    ['honeycomb-management', 'hc(?:a|b|c|d|x)mk_[a-z0-9]{58}'],
  ]),
  ...tokens('https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication', [
    ['dynatrace-api', 'dt0[a-z]\\d{2}\\.[A-Z0-9]{8,24}\\.[A-Z0-9]{64}'],
  ]),
  ...tokens('https://axiom.co/docs/reference/tokens', [
    ['axiom-api', 'xaat-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
    ['axiom-personal', 'xapt-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  ]),
  ...tokens('https://posthog.com/docs/api', [
    ['posthog-personal', 'phx_[A-Za-z0-9]{43,50}'],
    ['posthog-feature-flags', 'phs_[A-Za-z0-9]{43,50}'],
  ]),
  ...tokens('https://launchdarkly.com/docs/home/account/api', [
    ['launchdarkly-api', 'api-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
    ['launchdarkly-sdk', 'sdk-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
    ['launchdarkly-relay', 'rel-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  ]),
  ...tokens('https://docs.statsig.com/access-management/projects#api-keys', [
    ['statsig-server', 'secret-[A-Za-z0-9]{40,44}', isMixed],
    ['statsig-console', 'console-[A-Za-z0-9]{40,44}', isMixed],
  ]),
  ...tokens('https://www.checklyhq.com/docs/accounts-and-users/creating-api-key/', [
    ['checkly-user', 'cu_[0-9a-f]{32}'],
  ]),
  ...tokens('https://docs.configcat.com/', [
    ['configcat-sdk', 'configcat-sdk-1/[\\w-]{22}/[\\w-]{22}'],
  ]),
  ...tokens('https://logfire.pydantic.dev/docs/how-to-guides/create-write-tokens/', [
    ['logfire-write', 'pylf_v1_(?:us|eu)_[A-Za-z0-9]{43}'],
  ]),
]
