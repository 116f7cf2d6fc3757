import type S3rver from 's3rver'

/** Takes out of s3rver what S3 never does, see `steady-s3rver.mjs`. */
export function steady(s3: S3rver): void
