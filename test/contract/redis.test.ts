import { afterAll, beforeAll } from '@jest/globals'
import { redisBodyStore } from '../../src/stores/redis/bodies.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { freshNamespace, redisMetadataHarness } from '../support/redis-harness.js'
import { startRedis, type RedisServer } from '../support/redis-server.js'
import { bodyStoreSuite } from './body-store.suite.js'
import { metadataStoreSuite } from './metadata-store.suite.js'

let server: RedisServer
let redis: RedisClient

beforeAll(async () => {
  server = await startRedis()
  redis = await connectRedis({ url: server.url })
})
afterAll(async () => {
  disconnectRedis(redis)
  await server.stop()
})

metadataStoreSuite('redis', () => redisMetadataHarness(redis))

bodyStoreSuite('redis', async () => {
  const store = redisBodyStore({ redis, namespace: freshNamespace(), maxBodyBytes: 64 * 1_048_576 })
  return { store, cleanup: () => store.close() }
})
