import type { Detector } from '../detector.ts'
import { endsWithCrc, endsWithGitlabCrc } from './checksum.ts'
import { GITLEAKS, KINGFISHER } from './sources.ts'
import { infixTokens, tokens } from './token.ts'

/** Where code is kept, built and checked. */
export const FORGES: readonly Detector[] = [
  ...tokens('https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/', [
    ['github-pat', 'ghp_[0-9A-Za-z]{36}', endsWithCrc],
    ['github-oauth', 'gho_[0-9A-Za-z]{36}', endsWithCrc],
    ['github-app-user', 'ghu_[0-9A-Za-z]{36}', endsWithCrc],
    ['github-app-installation', 'ghs_[0-9A-Za-z]{36}'],
    ['github-refresh', 'ghr_[0-9A-Za-z]{76}', endsWithCrc],
    ['github-fine-grained', 'github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}'],
  ]),
  ...tokens('https://docs.gitlab.com/security/tokens/#token-prefixes', [
    ['gitlab-pat', 'glpat-[\\w-]{20}'],
    ['gitlab-pat-routable', 'glpat-[\\w-]{27,300}\\.01\\.[0-9a-z]{9}', endsWithGitlabCrc],
    ['gitlab-oauth-application', 'gloas-[\\w-]{64}'],
    ['gitlab-deploy', 'gldt-[\\w-]{20}'],
    ['gitlab-runner', 'glrtr?-[\\w-]{20}'],
    ['gitlab-runner-routable', 'glrt-t\\d_[\\w-]{27,300}\\.01\\.[0-9a-z]{9}', endsWithGitlabCrc],
    ['gitlab-runner-registration', 'GR1348941[\\w-]{20}'],
    ['gitlab-job', 'glcbt-(?:[0-9a-zA-Z]{1,5}_)?[\\w-]{20}'],
    ['gitlab-trigger', 'glptt-[0-9a-f]{40}'],
    ['gitlab-feed', 'glft-[\\w-]{20}'],
    ['gitlab-incoming-mail', 'glimt-[\\w-]{25}'],
    ['gitlab-agent', 'glagent-[\\w-]{50}'],
    ['gitlab-workspace', 'glwt-[\\w-]{20}'],
    ['gitlab-scim', 'glsoat-[\\w-]{20}'],
    ['gitlab-feature-flags', 'glffct-[\\w-]{20}'],
    ['gitlab-session', '_gitlab_session=[0-9a-f]{32}'],
  ]),
  ...tokens('https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/', [
    ['bitbucket-app-password', 'ATBB[A-Za-z0-9]{24}[A-F0-9]{8}'],
    ['bitbucket-access', 'ATCTT3xFfGN0[\\w=-]{160,200}'],
  ]),
  ...tokens('https://support.atlassian.com/atlassian-account/docs/manage-api-tokens/', [
    ['atlassian-api', 'ATATT3[\\w=-]{180,220}'],
  ]),
  ...tokens('https://circleci.com/docs/managing-api-tokens/', [
    ['circleci-personal', 'CCIPAT_[A-Za-z0-9]{22}_[0-9a-f]{40}'],
    ['circleci-project', 'CCIPRJ_[A-Za-z0-9]{22}_[0-9a-f]{40}'],
  ]),
  ...tokens('https://buildkite.com/docs/apis/managing-api-tokens', [
    ['buildkite-user', 'bkua_[0-9a-f]{40}'],
  ]),
  ...tokens('https://sourcegraph.com/docs/cli/how-tos/creating_an_access_token', [
    ['sourcegraph-access', 'sgp_(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}'],
    ['sourcegraph-dotcom', 'sgd_[0-9a-fA-F]{64}'],
    ['sourcegraph-license', 'slk_[0-9a-fA-F]{64}'],
  ]),
  ...tokens('https://docs.sonarsource.com/sonarqube-server/latest/user-guide/managing-tokens/', [
    ['sonarqube-user', 'squ_[0-9a-f]{40}'],
    ['sonarqube-project', 'sqp_[0-9a-f]{40}'],
    ['sonarqube-global', 'sqa_[0-9a-f]{40}'],
  ]),
  ...infixTokens(
    'https://devblogs.microsoft.com/devops/new-azure-devops-personal-access-token-format/',
    [['azure-devops-pat', '[A-Za-z0-9]{76}', 'AZDO', '[A-Za-z0-9]{4}']],
  ),
  ...tokens('https://developer.harness.io/docs/platform/automation/api/add-and-manage-api-keys/', [
    ['harness-api', '(?:pat|sat)\\.[\\w-]{22}\\.[0-9a-f]{24}\\.[0-9a-zA-Z]{20}'],
  ]),
  ...tokens('https://octopus.com/docs/octopus-rest-api/how-to-create-an-api-key', [
    ['octopus-deploy', 'API-[A-Z0-9]{26,32}'],
  ]),
  ...tokens('https://stackhawk.com/docs/', [['stackhawk-api', 'hawk\\.[\\w-]{20}\\.[\\w-]{20}']]),
  ...tokens(GITLEAKS, [
    ['intra42-secret', 's-s4t2(?:ud|af)-[0-9a-f]{64}'],
    ['infracost-api', 'ico-[a-zA-Z0-9]{32}'],
  ]),
  ...tokens(KINGFISHER, [
    ['gitea-runner', 'gto_[a-z2-7]{52}'],
    ['teamcity-api', 'eyJ0eXAiOiAiVENWMiJ9\\.[\\w-]{36}\\.[\\w-]{48}'],
  ]),
]
