/** Things that happen in a round, for those who wait for one of them. */
export class Signals {
  #waiting: { readonly name: string; readonly resolve: () => void }[] = []
  #over = false

  emit(name: string): void {
    const called = this.#waiting.filter(one => one.name === name)
    this.#waiting = this.#waiting.filter(one => one.name !== name)
    for (const { resolve } of called) resolve()
  }

  /** Resolves when it happens, at the latest after `mostMs`, and at once when the round is over. */
  wait(name: string, mostMs: number): Promise<void> {
    if (this.#over) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, mostMs)
      this.#waiting.push({ name, resolve: () => (clearTimeout(timer), resolve()) })
    })
  }

  /** Nobody waits any longer. */
  end(): void {
    this.#over = true
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }
}

export const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
