import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freshNamespace } from './redis-harness.js'

/** Two views of what a namespace keeps, as two nodes have them; and another namespace's. */
export interface NodeViews<Store> {
  readonly one: Store
  readonly two: Store
  readonly other: Store
}

type Closing = { close(): Promise<void> }

/** One object for both: a store in the memory of a process has one node. */
export function memoryViews<Store>(open: () => Store): NodeViews<Store> {
  const one = open()
  return { one, two: one, other: open() }
}

export function redisViews<Store>(open: (namespace: string) => Store): NodeViews<Store> {
  const namespace = freshNamespace()
  return { one: open(namespace), two: open(namespace), other: open(freshNamespace()) }
}

/** In folders that are gone when `body` is over. */
export async function withEmbeddedViews<Store extends Closing>(
  open: (path: string) => Store,
  body: (views: NodeViews<Store>) => Promise<void>,
): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'strata-views-'))
  const [one, two, other] = [open(join(path, 'a')), open(join(path, 'a')), open(join(path, 'b'))]
  try {
    await body({ one, two, other })
  } finally {
    for (const store of [one, two, other]) await store.close()
    await rm(path, { recursive: true })
  }
}
