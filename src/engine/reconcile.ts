import { isStrataError, StrataError } from '../errors.js'
import type { Clock } from './clock.js'
import type { JobOptions } from './jobs/job.js'
import { isInline } from './ports/index.js'
import type { BodyListing, BodyRef, BodyStore, Entry, EntryHandle, MetadataStore } from './ports/index.js'
import type { Rebuild } from './rebuild/rebuild.js'
import { SeenNames } from './reconcile/seen-names.js'
import type { OrphanBodies } from './sweep/orphan-bodies.js'
import type { Pass } from './sweep/pass.js'

export interface ReconcileParts {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  readonly orphans: Pick<OrphanBodies, 'sweep'>
  readonly clock: Clock
  /** Bodies that are younger stay, ms: a fill may be about to commit them. */
  readonly graceMs: number
  /** Makes entries from what lies beside their bodies; absent where that is not to be had. */
  readonly rebuild?: () => Rebuild
}

const PAGE = 500
const READS_AT_ONCE = 16

/**
 * Makes metadata and bodies agree again, after a loss on either side (Redis was emptied, objects were deleted by hand, a disk was
 * restored): bodies that the ledger does not know are deleted, or get their entries again, if that is asked for; entries whose body is
 * not there are dropped.
 */
export async function reconcile(parts: ReconcileParts, pass: Pass, options: JobOptions): Promise<void> {
  const { metadata } = parts
  const usage = await metadata.usage()
  pass.total = usage.bodies + usage.entries
  const listed = new SeenNames(usage.bodies)
  pass.step = 'bodies'
  const rebuild = options.rebuild === true ? rebuildOf(parts) : undefined
  await adoptUnknown(parts, pass, options, listed, rebuild)
  if (options.dryRun !== true) await parts.orphans.sweep(pass, parts.clock.now())
  pass.step = 'entries'
  await dropBodiless(parts, pass, options, listed)
  // What is kept with the metadata was counted as a body, and is no file or object to look at.
  pass.total = pass.examined
}

/**
 * An unknown body is not deleted outright: a fill may come to the same name (equal small bodies share theirs) between the question and
 * the deletion. It is entered into the ledger as one that nothing refers to; the ledger then bars it from fills before it goes.
 */
async function adoptUnknown(
  { metadata, bodies, clock, graceMs }: ReconcileParts,
  pass: Pass,
  options: JobOptions,
  listed: SeenNames,
  rebuild: Rebuild | undefined,
): Promise<void> {
  const before = clock.now() - (options.graceMs ?? graceMs)
  let cursor: string | undefined
  do {
    const page = await bodies.list(PAGE, cursor)
    for (const { id, size } of page.bodies) listed.add(nameOf(id, size))
    const asked = page.bodies.filter(({ modified }) => rebuild !== undefined || modified < before)
    const ids = new Set(asked.length === 0 ? [] : await metadata.unknownBodies(asked.map(({ id }) => id)))
    const unknown = asked.filter(({ id }) => ids.has(id))
    const rebuilt = rebuild === undefined ? undefined : await rebuilding(rebuild, unknown, pass, options)
    for (const { id, size, modified } of unknown) {
      if (modified >= before || rebuilt?.has(id) === true) continue
      pass.bytes += size
      if (options.dryRun === true) pass.bodies++
      else await metadata.reserveBody(id, Math.max(0, Math.trunc(modified)))
    }
    pass.examined += page.bodies.length
    cursor = page.cursor
    await pass.breathe()
  } while (cursor !== undefined)
}

function rebuildOf({ rebuild }: ReconcileParts): Rebuild {
  if (rebuild === undefined) throw new StrataError('STRATA_BAD_REQUEST', 'this store can rebuild nothing')
  return rebuild()
}

/** Makes entries of these bodies, several at once; gives the ids of those that have one again. */
async function rebuilding(
  rebuild: Rebuild,
  bodies: BodyListing['bodies'],
  pass: Pass,
  { dryRun = false }: JobOptions,
): Promise<ReadonlySet<string>> {
  const rebuilt = new Set<string>()
  pass.rebuilt ??= 0
  if (bodies.length === 0) return rebuilt
  const standing = await rebuild.standing()
  const left = [...bodies]
  const worker = async () => {
    for (let body = left.pop(); body !== undefined; body = left.pop())
      if (await rebuild.take(body.id, body.size, standing, dryRun)) rebuilt.add(body.id)
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker))
  pass.rebuilt += rebuilt.size
  return rebuilt
}

/** Entries whose body was not in the list are looked at one by one: it may have been written since. */
async function dropBodiless(
  { metadata, bodies }: ReconcileParts,
  pass: Pass,
  { dryRun, checkEach }: JobOptions,
  listed: SeenNames,
): Promise<void> {
  let cursor: string | undefined
  do {
    const page = await metadata.list(PAGE, cursor)
    const doubtful = page.items
      .map(({ entry }) => entry)
      .filter(({ body }) => body.size > 0 && (checkEach === true || !listed.has(nameOf(body.id, body.size))))
    const gone = await bodiless({ metadata, bodies }, doubtful)
    pass.removed += dryRun === true || gone.length === 0 ? gone.length : await metadata.remove(gone)
    pass.examined += page.items.length
    cursor = page.cursor
    await pass.breathe()
  } while (cursor !== undefined)
}

async function bodiless(stores: Stores, entries: readonly Entry[]): Promise<EntryHandle[]> {
  const gone: EntryHandle[] = []
  const left = [...entries]
  const worker = async () => {
    for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
      const { key, variant, body } = entry
      if (!(await hasBytes(stores, body))) gone.push({ key, variant, bodyId: body.id })
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker))
  return gone
}

type Stores = Pick<ReconcileParts, 'metadata' | 'bodies'>

/** Its last byte is there. @throws StrataError STRATA_STORE_UNAVAILABLE: then nobody knows. */
async function hasBytes({ metadata, bodies }: Stores, { id, size }: BodyRef): Promise<boolean> {
  try {
    if (isInline(id)) return (await metadata.inlineBody(id)).length === size
    let bytes = 0
    for await (const chunk of await bodies.read(id, { first: size - 1, last: size - 1 }))
      bytes += (chunk as Buffer).length
    return bytes === 1
  } catch (error) {
    if (isStrataError(error, 'STRATA_BODY_MISSING') || isStrataError(error, 'STRATA_BODY_DAMAGED'))
      return false
    throw error
  }
}

function nameOf(id: string, size: number): string {
  return `${id} ${size}`
}
