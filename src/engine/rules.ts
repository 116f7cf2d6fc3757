import { LRUCache } from 'lru-cache'
import type { QueryRule } from '../http/key.js'
import type { PolicyRule } from '../http/policy-rule.js'
import type { RuleLayer, TileBook } from './ports/index.js'
import { compileGlob } from './glob/glob.js'
import { pathReadings } from './path-readings.js'
import { compileTags, type TagsOf } from './rule-tags.js'
import type { EngineSettings, RuleDefaults, RuleSettings } from './settings.js'

/** A rule, compiled. */
export interface Rule {
  readonly name: string
  readonly policy: PolicyRule
  readonly bypass: boolean
  /** Another rule would apply to what an origin may read in the path. */
  readonly isAmbiguous: boolean
  readonly query: QueryRule | undefined
  readonly noVarySearch: boolean
  readonly keyHeaders: readonly string[]
  readonly keyCookies: readonly string[]
  readonly cookies: 'bypass' | 'strip' | 'forward'
  readonly setCookie: 'refuse' | 'strip' | 'store'
  readonly tags: TagsOf
  /** Most tags of an entry. */
  readonly maxTags: number
  readonly maxBodyBytes: number
  readonly acceptsContentType: (mediaType: string, status: number) => boolean
  /** Its URLs are tiles. */
  readonly layer: RuleLayer | undefined
  readonly allowsStatus: (status: number) => boolean
  readonly isImplicit: (status: number) => boolean
  readonly coalesce: boolean
  readonly coalesceAcrossNodes: boolean
  /** What becomes of request fields that are no part of the key. */
  readonly unkeyed: {
    readonly mode: 'vary' | 'drop' | 'forward'
    readonly ignored: ReadonlySet<string>
    /** Go to the origin as they are: named by the operator, or part of the key. */
    readonly shared: ReadonlySet<string>
  }
  readonly requestDirectives: 'honour' | 'only-if-cached' | 'ignore'
}

const REMEMBERED_PATHS = 20_000
const LONGEST_REMEMBERED = 512

/** Operator's rules: the first whose glob matches the path applies, on top of the defaults. */
export class Rules {
  readonly #rules: readonly { matches: (path: string) => boolean; rule: Rule }[]
  readonly #fallback: Rule
  // Which rule a path has does not change: what a map can look up is not matched again.
  readonly #byPath = new LRUCache<string, Rule>({ max: REMEMBERED_PATHS })

  /** @param tiles without it, rules with a layer are as any other */
  constructor(settings: EngineSettings, tiles?: TileBook) {
    this.#fallback = compile('default', settings.defaults, settings)
    this.#rules = settings.rules.map(rule => ({
      matches: anyGlob(asList(rule.match)),
      rule: compile(
        asList(rule.match).join(' '),
        { ...settings.defaults, ...withoutUndefined(rule) },
        settings,
        rule,
        tiles?.ofRule(rule),
      ),
    }))
  }

  /** The rule for a path (as it stands in the URL, without the query). */
  match(path: string): Rule {
    if (this.#rules.length === 0) return this.#fallback
    const known = this.#byPath.get(path)
    if (known !== undefined) return known
    const rule = this.#ruleOf(path)
    if (path.length <= LONGEST_REMEMBERED) this.#byPath.set(path, rule)
    return rule
  }

  /**
   * An origin may take the path for another one, to which another rule applies: then none of them says what may be kept, and nothing is
   * (`/static/..%2faccount` under a rule for `/static/**`).
   */
  #ruleOf(path: string): Rule {
    const [rule, ...others] = pathReadings(path).map(reading => this.#first(reading))
    return others.every(other => other === rule) ? rule! : { ...rule!, bypass: true, isAmbiguous: true }
  }

  #first(path: string): Rule {
    return this.#rules.find(({ matches }) => matches(path))?.rule ?? this.#fallback
  }
}

function compile(
  name: string,
  rule: RuleDefaults,
  settings: EngineSettings,
  own?: RuleSettings,
  layer?: RuleLayer,
): Rule {
  const { http, limits } = settings
  const isImplicit = anyStatus(http.heuristicStatuses)
  const besideSharedMaxAge = own?.staleWhileRevalidate !== undefined || own?.staleIfError !== undefined
  return {
    name,
    policy: {
      ttl: rule.ttl,
      overrideTtl: rule.overrideTtl,
      statusTtl: rule.statusTtl,
      staleWhileRevalidate: rule.staleWhileRevalidate,
      staleIfError: rule.staleIfError,
      besideSharedMaxAge,
      targetedFields: http.targetedFields,
      surrogateDevice: http.surrogateDevice,
      heuristicFraction: http.heuristicFraction,
      heuristicMax: http.heuristicMax,
      isImplicit,
    },
    bypass: rule.bypass ?? false,
    isAmbiguous: false,
    query: compileQuery(rule.query),
    // Which tile a URL is of is for the layer to say: an area purged must not miss one whose place a response calls irrelevant.
    noVarySearch: rule.noVarySearch === true && layer === undefined,
    keyHeaders: lower(rule.keyHeaders ?? []),
    unkeyed: {
      mode: rule.unkeyedFields ?? 'vary',
      ignored: new Set(lower(http.ignoredFields)),
      shared: new Set(lower([...http.sharedFields, ...(rule.keyHeaders ?? [])])),
    },
    keyCookies: rule.keyCookies ?? [],
    cookies: rule.cookies ?? 'bypass',
    setCookie: rule.setCookie ?? 'refuse',
    tags: compileTags(rule.tags ?? [], own === undefined ? [] : asList(own.match)),
    maxTags: Math.min(rule.maxTags ?? Infinity, limits.maxTags),
    maxBodyBytes: Math.min(rule.maxBodyBytes ?? Infinity, limits.maxBodyBytes),
    acceptsContentType: compileContentTypes(rule.contentTypes, layer),
    layer,
    allowsStatus: anyStatus([...http.storableStatuses, ...Object.keys(rule.statusTtl ?? {})]),
    isImplicit,
    coalesce: rule.coalesce ?? true,
    coalesceAcrossNodes: rule.coalesceAcrossNodes ?? true,
    requestDirectives: rule.requestDirectives ?? 'only-if-cached',
  }
}

function compileQuery(query: RuleSettings['query']): QueryRule | undefined {
  if (query === undefined) return undefined
  return {
    ignores: query.ignore === undefined ? undefined : anyGlob(query.ignore),
    allows: query.allow === undefined ? undefined : anyGlob(query.allow),
    sort: query.sort,
  }
}

/** What the rule says on freshness, for one response: a layer's differs by zoom, status and chance. */
export function policyRuleFor(
  { policy, layer }: Pick<Rule, 'policy' | 'layer'>,
  response: { readonly url: string; readonly status: number },
): PolicyRule {
  return layer === undefined ? policy : layer.policyFor(policy, response)
}

/** A layer's errors may be of any type: that there is no tile is worth keeping for a while. */
function compileContentTypes(globs: readonly string[] | undefined, layer: RuleLayer | undefined) {
  if (globs === undefined) {
    return (type: string, status: number) =>
      comesToAnEnd(type) && layer?.acceptsContentType(type, status) !== false
  }
  const accepts = anyGlob(globs)
  return (type: string, status: number) =>
    layer !== undefined && status >= 300 ? comesToAnEnd(type) : accepts(type)
}

/** What goes on for as long as its client listens is never whole, though a rule gives everything a ttl. */
const ENDLESS: ReadonlySet<string> = new Set(['text/event-stream', 'multipart/x-mixed-replace'])
function comesToAnEnd(mediaType: string): boolean {
  return !ENDLESS.has(mediaType)
}

function anyGlob(globs: readonly string[]): (text: string) => boolean {
  if (globs.length === 0) return () => false
  const matchers = globs.map(compileGlob)
  return text => matchers.some(matches => matches(text))
}

/** Of codes (`404`) and classes (`2xx`). */
function anyStatus(names: readonly string[]): (status: number) => boolean {
  const all = new Set(names)
  const codes = new Set<number>()
  for (let status = 100; status < 1000; status++) {
    if (all.has(String(status)) || all.has(`${Math.floor(status / 100)}xx`)) codes.add(status)
  }
  return status => codes.has(status)
}

function lower(names: readonly string[]): string[] {
  return names.map(name => name.toLowerCase())
}

function asList(match: string | readonly string[]): readonly string[] {
  return typeof match === 'string' ? [match] : match
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<T>
}
