import { afterAll, beforeAll } from '@jest/globals'
import { redisBodyStore } from '../../src/stores/redis/bodies.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { freshNamespace, redisMetadataHarness } from '../support/redis-harness.js'
import { startRedisCluster, type RedisCluster } from '../support/redis-server.js'
import { bodyStoreSuite } from './body-store.suite.js'
import { metadataStoreSuite } from './metadata-store.suite.js'

let cluster: RedisCluster
let redis: RedisClient

beforeAll(async () => {
  cluster = await startRedisCluster()
  redis = await connectRedis({ cluster: cluster.nodes.map(({ host, port }) => `${host}:${port}`) })
})
afterAll(async () => {
  disconnectRedis(redis)
  await cluster.stop()
})

metadataStoreSuite('redis cluster of 3 primaries', () => redisMetadataHarness(redis))

bodyStoreSuite('redis cluster of 3 primaries', async () => {
  const store = redisBodyStore({ redis, namespace: freshNamespace(), maxBodyBytes: 64 * 1_048_576 })
  return { store, cleanup: () => store.close() }
})
