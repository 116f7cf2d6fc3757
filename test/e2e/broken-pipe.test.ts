import { expect, test } from '@jest/globals'
import { runStrata } from '../support/strata-cli.js'

test('a reader that has had enough ends the command without a stack trace', async () => {
  const strata = runStrata(['warm', '--help'])
  strata.child.stdout!.destroy()
  expect([await strata.ended, strata.stderr()]).toEqual([141, ''])
})
