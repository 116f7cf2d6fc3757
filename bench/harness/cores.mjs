import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * Server and load generator do not share a core where there are two and `taskset` can keep them apart: the server has core 0,
 * everything else (generator, origin, Redis, S3) the others.
 */
const pins = availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0

/** @typedef {'server' | 'others' | 'all'} Place */

const last = availableParallelism() - 1

export const PLACES = pins ? { server: '0', others: `1-${last}`, all: `0-${last}` } : undefined

/** The command line that runs `command` in its place. @param {Place} place @param {string} command @param {string[]} args @returns {[string, string[]]} */
export function pinned(place, command, args) {
  return PLACES === undefined ? [command, args] : ['taskset', ['-c', PLACES[place], command, ...args]]
}
