import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'

/**
 * Makes the bucket of STRATA_S3_BUCKET if it is not there: for local setups and tests. It reads the S3 variables that Strata
 * itself reads. Exit code 0 when the bucket is there afterwards.
 */

const {
  STRATA_S3_BUCKET: Bucket,
  STRATA_S3_ENDPOINT: endpoint,
  STRATA_S3_REGION: region = 'us-east-1',
  STRATA_S3_ACCESS_KEY_ID: accessKeyId,
  STRATA_S3_SECRET_ACCESS_KEY: secretAccessKey,
} = process.env

if (!Bucket) {
  process.stderr.write('create-bucket: set STRATA_S3_BUCKET\n')
  process.exit(2)
}

const client = new S3Client({
  endpoint,
  region,
  forcePathStyle: endpoint !== undefined,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  maxAttempts: 10,
  ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
})

try {
  await client.send(new HeadBucketCommand({ Bucket }))
  process.stdout.write(`bucket ${Bucket} is there\n`)
} catch (error) {
  if (error.$metadata?.httpStatusCode !== 404) fail(error)
  await client.send(new CreateBucketCommand({ Bucket })).catch(failUnlessOurs)
  process.stdout.write(`bucket ${Bucket} is made\n`)
}

/** Another one may have made it in between. */
function failUnlessOurs(error) {
  if (error.name !== 'BucketAlreadyOwnedByYou') fail(error)
}

function fail(error) {
  process.stderr.write(`create-bucket: ${error.name}: ${error.message}\n`)
  process.exit(1)
}
