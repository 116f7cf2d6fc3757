import { createHash } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BodyListing } from '../../engine/ports/index.js'
import { isBodyId } from '../local/body-id.js'
import { ioError, isErrno } from './io-error.js'

/** Where the file of a body lies: `ab/<id>`, spread evenly by a hash, for ids may all begin alike. */
export function placeOf(id: string): string {
  return join(createHash('sha1').update(id).digest('hex').slice(0, 2), id)
}

/** All bodies in the order of their places; the cursor is the place of the last one. */
export async function listBodies(root: string, limit: number, cursor = ''): Promise<BodyListing> {
  const bodies: { id: string; size: number; modified: number }[] = []
  let last = ''
  for (const fan of await sortedNames(root)) {
    if (!/^[0-9a-f]{2}$/.test(fan) || fan < cursor.slice(0, 2)) continue
    for (const id of await sortedNames(join(root, fan))) {
      const place = `${fan}/${id}`
      if (place <= cursor || !isBodyId(id)) continue
      if (bodies.length === limit) return { bodies, cursor: last }
      const found = await statOrGone(join(root, fan, id))
      if (found === undefined) continue
      bodies.push({ id, size: found.size, modified: found.mtimeMs })
      last = place
    }
  }
  return { bodies }
}

/**
 * Removes temporary files that nobody has written to since `before` (of a name; ms since the epoch): those of crashed processes. A
 * body that is being written has a newer time, in whatever process.
 * @returns How many went.
 */
export async function removeStaleFiles(folder: string, before: (name: string) => number): Promise<number> {
  let removed = 0
  for (const name of await sortedNames(folder)) {
    const path = join(folder, name)
    const found = await statOrGone(path)
    if (found === undefined || !found.isFile() || found.mtimeMs >= before(name)) continue
    await rm(path, { force: true })
    removed++
  }
  return removed
}

async function sortedNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw ioError(error)
  }
}

async function statOrGone(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw ioError(error)
  }
}
