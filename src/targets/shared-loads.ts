type Load<Loaded> = {
  readonly result: Promise<Loaded>
  /** Something changed since it began: it may have read what was before. */
  isOvertaken: boolean
  /** For whoever asked since: begins when this one has ended. */
  next: PromiseWithResolvers<Loaded> | undefined
}

type Options<Loaded> = Readonly<{
  load: (id: string) => Promise<Loaded>
  /** Told of what was loaded before those are who asked for it, unless it was overtaken. */
  onLoaded: (id: string, loaded: Loaded) => void
}>

/**
 * Loads what many ask for at the same time: of each id, one load is under way, and at most one more waits for its end.
 * Whoever asks after a change that was told of gets what a load has read that began after it.
 */
export class SharedLoads<Loaded> {
  readonly #load: Options<Loaded>['load']
  readonly #onLoaded: Options<Loaded>['onLoaded']
  readonly #underWay = new Map<string, Load<Loaded>>()

  constructor({ load, onLoaded }: Options<Loaded>) {
    this.#load = load
    this.#onLoaded = onLoaded
  }

  /** @throws what the load fails with; then the next who asks has it done again. */
  ask(id: string): Promise<Loaded> {
    const load = this.#underWay.get(id) ?? this.#begin(id)
    if (!load.isOvertaken) return load.result
    load.next ??= Promise.withResolvers<Loaded>()
    return load.next.promise
  }

  /** What `id` stands for has changed: a load under way is for those only who asked before. */
  overtake(id: string): void {
    const load = this.#underWay.get(id)
    if (load !== undefined) load.isOvertaken = true
  }

  /** Everything may have changed, and loads under way may never end: nobody who asks from now on waits for them. */
  abandonAll(): void {
    const abandoned = [...this.#underWay]
    this.#underWay.clear()
    for (const [id, load] of abandoned) {
      load.isOvertaken = true
      load.next?.resolve(this.ask(id))
    }
  }

  #begin(id: string): Load<Loaded> {
    const load: Load<Loaded> = { result: this.#load(id), isOvertaken: false, next: undefined }
    this.#underWay.set(id, load)
    const end = () => {
      if (this.#underWay.get(id) !== load) return
      this.#underWay.delete(id)
      load.next?.resolve(this.ask(id))
    }
    const succeed = (loaded: Loaded) => {
      if (!load.isOvertaken) this.#onLoaded(id, loaded)
      end()
    }
    load.result.then(succeed, end)
    return load
  }
}
