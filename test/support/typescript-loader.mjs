/** `node --import ./test/support/typescript-loader.mjs script.ts`: child processes of tests run the sources as they are. */
import { register } from 'node:module'

register('./typescript-hooks.mjs', import.meta.url)
