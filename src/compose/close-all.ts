/**
 * Takes each step in its turn, the next one when the one before it is over, however that went: what can't be closed keeps nothing else
 * open.
 * @throws the first error that a step has thrown, once all have been taken
 */
export async function closeAll(steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
