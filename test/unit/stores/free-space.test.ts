import { expect, jest, test } from '@jest/globals'
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { FreeSpace } from '../../../src/stores/embedded/free-space.js'

const MiB = 1_048_576
/** More than other tests may write or remove meanwhile. */
const TiB = MiB ** 2

function onDisk(): number {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize
}

test('room inside of files is not asked for where the disk alone has enough', () => {
  const inside = jest.fn(() => 0)
  const space = new FreeSpace(tmpdir(), 0, inside)
  space.take(MiB)
  space.take(MiB)
  expect(space.isShort).toBe(false)
  expect(inside).not.toHaveBeenCalled()
})

test('half of the room inside of files counts where the disk has not', () => {
  const reserve = onDisk() + TiB
  const inside = jest.fn(() => 4 * TiB)
  const space = new FreeSpace(tmpdir(), reserve, inside)
  space.take(MiB)
  expect(space.isShort).toBe(false)
  expect(inside).toHaveBeenCalled()
  inside.mockReturnValue(MiB)
  expect(space.isShort).toBe(true)
  expect(() => space.take(MiB)).toThrow(/the disk of .* is full/)
})
