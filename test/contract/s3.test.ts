import { afterAll, beforeAll } from '@jest/globals'
import { s3BodyStore } from '../../src/stores/s3/bodies.js'
import { connectS3 } from '../../src/stores/s3/client.js'
import { startS3, type S3Server } from '../support/s3-server.js'
import { bodyStoreSuite } from './body-store.suite.js'

let s3: S3Server
let namespaces = 0

beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.stop())

bodyStoreSuite('s3', async () => {
  const { endpoint, bucket, accessKey, secretKey, region, prefix } = s3
  const client = connectS3({ bucket, endpoint, region, accessKeyId: accessKey, secretAccessKey: secretKey })
  const store = s3BodyStore({ client, bucket, prefix, namespace: `ns-${++namespaces}` })
  return { store, cleanup: () => store.close() }
})
