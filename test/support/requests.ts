import { loadConfig, toEngineSettings } from '../../src/config/index.js'
import type { ClientRequest } from '../../src/engine/exchange.js'
import { Rules, type Rule } from '../../src/engine/rules.js'
import type { RuleSettings } from '../../src/engine/settings.js'

/** A GET as the server layer hands it in. */
export function clientGet(url: string, headers: ClientRequest['headers'] = {}): ClientRequest {
  const { host, pathname } = new URL(url)
  const mark = url.indexOf('?')
  return {
    method: 'GET',
    scheme: 'http',
    authority: host,
    path: pathname,
    query: mark === -1 ? undefined : url.slice(mark + 1),
    headers,
    rawFields: Object.entries(headers).flatMap(([name, value]) => [name, String(value)]),
    body: undefined,
  }
}

/** Rules on top of the default settings. */
export function rulesOf(...rules: RuleSettings[]): Rules {
  return new Rules({
    ...toEngineSettings(loadConfig({})),
    rules,
  })
}

/** The one rule with these settings. */
export function ruleWith(settings: Omit<RuleSettings, 'match'> = {}): Rule {
  return rulesOf({ match: '/**', ...settings }).match('/')
}
