import { readFileSync, readlinkSync } from 'node:fs'
import { isErrno } from './io-error.js'

/**
 * A process as a part of a file's name: `PID.START.NAMESPACE`. START (clock ticks since boot) and NAMESPACE (of PIDs, its inode) are
 * from /proc (proc(5)), 0 where there is none: a PID alone may come back with another process, and says nothing in another container.
 */
export function ownIdentity(): string {
  return `${process.pid}.${startOf(process.pid)}.${namespace()}`
}

/** Whether a process still runs; `undefined` when it is of another namespace, of which nothing can be known here. */
export function isRunning(identity: string): boolean | undefined {
  const [pid, start, itsNamespace] = identity.split('.')
  if (itsNamespace !== namespace()) return undefined
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) return false
  }
  return start === startOf(Number(pid))
}

/** Undefined when it has ended, and only its parent has not yet asked how. */
function startOf(pid: number): string | undefined {
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (stat === undefined) return '0'
  // The second field, the command's name in parentheses, may hold anything: the third begins behind the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

let known: string | undefined
function namespace(): string {
  known ??= orUndefined(() => readlinkSync('/proc/self/ns/pid'))?.replace(/\D/g, '') ?? '0'
  return known
}

/** A process that has just ended has no files any more, and not every system has /proc. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined
    throw error
  }
}
