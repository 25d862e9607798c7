/** A member of a roster knows its place, so that it can leave without a search. It is in one roster at a time. */
export interface Listed {
  /** Where it stands; -1 outside. Kept by the roster alone. */
  place: number;
}

/** A set of things that come and go with every request, without order. A Set would be built anew again and again. */
export class Roster<T extends Listed> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(member: T): boolean {
    return this.#members[member.place] === member;
  }

  add(member: T): void {
    if (!this.has(member)) member.place = this.#members.push(member) - 1;
  }

  delete(member: T): void {
    if (!this.has(member)) return;
    const last = this.#members.pop() as T;
    if (last !== member) {
      this.#members[member.place] = last;
      last.place = member.place;
    }
    member.place = -1;
  }

  /** A copy, which stays when members come and go. */
  list(): readonly T[] {
    return [...this.#members];
  }

  some(holds: (member: T) => boolean): boolean {
    return this.#members.some(holds);
  }
}
