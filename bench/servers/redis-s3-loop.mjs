import http from 'node:http'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { Redis } from 'ioredis'
import { built, config, serveOn } from './support/child.mjs'
import { originFields, payload } from './support/payload.mjs'

/** The least that a request served from Redis and S3 can do: one GET of its metadata, one GetObject of its body. */

const { connectS3 } = await built('stores/s3/client.js')
const redis = new Redis(config.redis)
// The same client, with the same settings, as Strata's: only what is done with it differs.
const s3 = connectS3(config.s3)
const Bucket = config.s3.bucket
const body = payload(config.bytes)
await redis.set('bench', JSON.stringify({ fields: originFields(body.length), object: 'bench/body' }))
await s3.send(new PutObjectCommand({ Bucket, Key: 'bench/body', Body: body }))

async function answer(res) {
  const { fields, object } = JSON.parse(await redis.get('bench'))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: object }))
  const bytes = await Body.transformToByteArray()
  res.writeHead(200, fields)
  res.end(bytes)
}

await serveOn(http.createServer((_req, res) => void answer(res).catch(error => res.destroy(error))))
