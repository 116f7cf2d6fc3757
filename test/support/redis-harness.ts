import type { RedisClient } from '../../src/stores/redis/client.js'
import { packName } from '../../src/stores/redis/names.js'
import { redisMetadataStore } from '../../src/stores/redis/metadata.js'
import type { MetadataHarness } from '../contract/metadata-store.suite.js'

let namespaces = 0

/** No two tests see each other's keys. */
export function freshNamespace(): string {
  return `test-${process.pid}-${++namespaces}`
}

export async function redisMetadataHarness(redis: RedisClient): Promise<MetadataHarness> {
  const namespace = freshNamespace()
  return {
    store: redisMetadataStore({ redis, namespace }),
    reopen: async () => redisMetadataStore({ redis, namespace }),
    damage: (key, variant, bytes) => replaceBlob(redis, namespace, key, variant, bytes),
    cleanup: async () => undefined,
  }
}

/** Puts other bytes in the place of one variant's encoded metadata (layout: src/stores/redis/row.ts). */
async function replaceBlob(
  redis: RedisClient,
  namespace: string,
  key: string,
  variant: string,
  blob: Uint8Array,
) {
  const name = Buffer.concat([Buffer.from(`{strata:${namespace}}:k:`), packName(key)])
  const value = (await redis.getBuffer(name))!
  const parts = [value.subarray(0, 1)]
  for (let at = 1; at < value.length;) {
    const variantAt = at + 32
    const bodyAt = variantAt + value[at + 27]!
    const blobAt = bodyAt + value[at + 28]!
    const end = blobAt + value.readUIntBE(at + 29, 3)
    if (value.toString('latin1', variantAt, bodyAt) === variant) {
      const head = Buffer.from(value.subarray(at, blobAt))
      head.writeUIntBE(blob.length, 29, 3)
      parts.push(head, Buffer.from(blob))
    } else parts.push(value.subarray(at, end))
    at = end
  }
  await redis.set(name, Buffer.concat(parts))
}
