import { criteriaText } from '../fence/mark-codec.js'
import { canonicalCriteria, faultsOf, FaultyRequest, type Fault } from '../fence/mark-faults.js'
import { newMark, type Criteria, type Mark } from '../fence/mark.js'
import { Turns } from '../turns.js'

/**
 * What an operator wants to have invalidated. Lists name alternatives: an entry that any item of any list is about is hit. Single
 * criteria (`prefix`, `host`, `tag`, …) narrow: all of them have to hold as well.
 */
export interface InvalidateRequest extends Omit<Criteria, 'all'> {
  readonly all?: boolean
  readonly keys?: readonly string[]
  readonly urls?: readonly string[]
  readonly patterns?: readonly string[]
  readonly tags?: readonly string[]
  /** Entries become stale instead of dead. */
  readonly soft?: boolean
  /** Say what would be hit, and do nothing. */
  readonly dryRun?: boolean
}

const ITEMS_PER_TURN = 16

const LISTS = { keys: 'key', urls: 'url', patterns: 'pattern', tags: 'tag' } as const

export interface PlanOptions {
  /** ms since the epoch */
  readonly now: number
  /** Marks that one request may make. */
  readonly maxMarks: number
  /** URLs that rules may turn this one into (dropped query parameters and the like), beside itself. */
  readonly effectiveUrls?: (url: string) => readonly string[]
}

/**
 * Request → marks: one for each alternative, each with all that narrows.
 * @throws FaultyRequest (STRATA_BAD_REQUEST) with every fault and its path.
 */
export async function planInvalidation(request: InvalidateRequest, options: PlanOptions): Promise<Mark[]> {
  const { soft = false, dryRun: _dryRun, keys, urls, patterns, tags, all, ...narrowing } = request
  const narrow = canonicalCriteria(withoutUndefined(narrowing))
  const lists = { keys, urls, patterns, tags }
  const faults = listFaults(lists, narrow)
  const alternatives = faults.length > 0 ? [] : alternativesOf(lists, options)
  if (all !== undefined) {
    if (all !== true) faults.push({ path: 'all', message: 'must be true, or be left out' })
    else if (alternatives.length > 0)
      faults.push({ path: 'all', message: 'stands alone: leave out the lists' })
  }
  const base: Criteria = all === true ? { all, ...narrow } : narrow
  if (alternatives.length === 0 && faults.length === 0) faults.push(...faultsOf(base))
  const plans = alternatives.map(({ path, criteria }) => ({ path, criteria: { ...base, ...criteria } }))
  // There may be a thousand of them.
  const turns = new Turns(ITEMS_PER_TURN)
  for (const { path, criteria } of all === undefined ? plans : []) {
    faults.push(...faultsAt(path, criteria))
    await turns.next()
  }
  if (faults.length > 0) throw new FaultyRequest(dedupe(faults))
  const made = new Map<string, Mark>()
  for (const criteria of plans.length === 0 ? [base] : plans.map(plan => plan.criteria)) {
    const mark = newMark(criteria, { soft, at: options.now })
    made.set(criteriaText(mark), mark)
    await turns.next()
  }
  const marks = [...made.values()]
  if (marks.length > options.maxMarks) {
    const message = `names ${marks.length} things at once; at most ${options.maxMarks} fit: split it, or use a tag, a prefix or a pattern`
    throw new FaultyRequest([{ path: '', message }])
  }
  return marks
}

type Lists = { readonly [Name in keyof typeof LISTS]: readonly string[] | undefined }

function listFaults(lists: Lists, narrow: Criteria): Fault[] {
  return Object.entries(LISTS).flatMap(([list, name]) => {
    const items = lists[list as keyof Lists]
    if (items === undefined) return []
    // An empty list next to a prefix would hit the whole prefix: hardly what its sender meant.
    if (items.length === 0) return [{ path: list, message: 'is empty: leave it out, or name something' }]
    return narrow[name] === undefined ? [] : [{ path: name, message: `give either ${name} or ${list}` }]
  })
}

function alternativesOf(lists: Lists, options: PlanOptions): { path: string; criteria: Criteria }[] {
  return Object.entries(LISTS).flatMap(([list, name]) =>
    (lists[list as keyof Lists] ?? []).flatMap((item, i) => {
      const values = name === 'url' ? [item, ...(options.effectiveUrls?.(item) ?? [])] : [item]
      return values.map(value => ({ path: `${list}[${i}]`, criteria: canonicalCriteria({ [name]: value }) }))
    }),
  )
}

/** Faults of an alternative are told at its place in the list, those of what narrows by their own name. */
function faultsAt(path: string, criteria: Criteria): Fault[] {
  const name = LISTS[path.slice(0, path.indexOf('[')) as keyof Lists]
  return faultsOf(criteria).map(fault => (fault.path === name ? { ...fault, path } : fault))
}

function dedupe(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map(fault => [`${fault.path} ${fault.message}`, fault])).values()]
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, given]) => given !== undefined)) as T
}
