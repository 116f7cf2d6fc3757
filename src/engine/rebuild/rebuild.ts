import { StrataError } from '../../errors.js'
import { ChunkChecksums } from '../body/checks.js'
import type { Clock } from '../clock.js'
import type { Fence } from '../fence/fence.js'
import type { BodyNotes, BodyRef, BodyStore, Entry, FenceState, MetadataStore } from '../ports/index.js'
import { decodeNote } from './note.js'

export interface RebuildParts {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  readonly fence: Fence
  readonly clock: Pick<Clock, 'now'>
  readonly maxVariants: number
  readonly reservationMs: number
}

/** Where the rebuilt entries stand in the order of invalidations. */
interface Standing {
  readonly stamp: FenceState
  /** What was fetched by then may have been invalidated, ms since the epoch. */
  readonly horizon: number
}

/**
 * Makes entries again from the notes beside their bodies, after the metadata store has lost everything, the log of invalidations
 * among it. P1 holds for them: the stamp is taken first and the horizon read after it, so an invalidation is either noted there, and then
 * all that was fetched before it stays away, or it comes after the stamp, and then the fence holds the entry against it.
 */
export class Rebuild {
  readonly #notes: BodyNotes
  #epoch: string | undefined

  /** @throws StrataError STRATA_BAD_REQUEST when nothing is kept beside the bodies */
  constructor(private readonly parts: RebuildParts) {
    const { notes } = parts.bodies
    if (notes === undefined) {
      const text = 'nothing to rebuild from: only bodies in S3 have their metadata beside them, with s3.notes'
      throw new StrataError('STRATA_BAD_REQUEST', text)
    }
    this.#notes = notes
  }

  /**
   * To be asked anew from time to time: marks leave the log a minute after their sweep, and older stamps are refused from then on.
   * @throws StrataError STRATA_STORE_UNAVAILABLE; STRATA_INTERNAL when everything was lost once more
   */
  async standing(): Promise<Standing> {
    const { fence } = this.parts
    await fence.refresh()
    const stamp = fence.state()
    this.#epoch ??= stamp.epoch
    // Otherwise all that is still to come would be refused, and taken for strays.
    if (stamp.epoch !== this.#epoch)
      throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the metadata was lost once more: begin again')
    return { stamp, horizon: await this.#notes.horizon() }
  }

  /**
   * Makes the body's entry again. False when that can't be; the ledger may then know the body, as one that nothing refers to.
   * @param dryRun says what would be, and does nothing
   * @throws StrataError STRATA_STORE_UNAVAILABLE
   */
  async take(id: string, size: number, standing: Standing, dryRun: boolean): Promise<boolean> {
    const { metadata, clock, reservationMs } = this.parts
    const noted = await this.#entryOf(id, standing)
    if (noted === undefined || dryRun) return noted !== undefined
    if ((await metadata.reserveBody(id, clock.now() + reservationMs)) === 'busy') return false
    const done = await this.#commit(noted, size, standing)
    if (!done) await metadata.releaseBody(id)
    return done
  }

  async #entryOf(id: string, { horizon }: Standing): Promise<Entry | undefined> {
    const note = await this.#notes.read(id)
    const entry = note === undefined ? undefined : decodeNote(note)
    if (entry === undefined || entry.body.id !== id) return undefined
    const may = entry.requestTime > horizon && entry.uselessAt > this.parts.clock.now()
    return may ? entry : undefined
  }

  async #commit(noted: Entry, size: number, { stamp }: Standing): Promise<boolean> {
    const { fence, maxVariants } = this.parts
    const body = noted.body.chunkSize === 0 ? noted.body : await this.#measured(noted.body)
    const { range } = noted
    // As a fill has it: a part has as many bytes as it says.
    const exact = range === undefined || range.last - range.first + 1 === size
    if (body.size !== size || !exact) return false
    // What has been filled since, or a later body of the same entry, is newer.
    const result = await fence.commitChecked({ ...noted, body, stamp }, { maxVariants, unlessNewer: true })
    return result.ok
  }

  /** Length and checksums of a large body were not known yet when its note was written. */
  async #measured(body: BodyRef): Promise<BodyRef> {
    const checks = new ChunkChecksums()
    let size = 0
    for await (const chunk of await this.parts.bodies.read(body.id)) {
      checks.update(chunk as Buffer)
      size += (chunk as Buffer).length
    }
    return { ...body, size, checks: checks.finish() }
  }
}
