import type S3rver from 's3rver'

/** s3rver on 127.0.0.1, to be `run`, with one bucket, without three things that S3 never does. */
export function steadyS3rver(options: { directory: string; bucket: string; port?: number }): S3rver
