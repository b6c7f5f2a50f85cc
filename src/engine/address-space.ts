/** Exists to hold one guest address space: its linear memory, its page permissions, and who must hear when code pages change. */
import {
  ATTRIBUTE,
  ATTRIBUTE_COUNT,
  ATTRIBUTE_TABLE_SIZE,
  PAIRS_BASE,
  ATTRIBUTES_BASE,
  CHECKED_WASM_PAGES,
  GUEST_LIMIT,
  GUEST_MIN,
  MEMORY_WASM_PAGES,
  PAGE_SHIFT,
  PAGE_SIZE,
  UNMAPPED,
  SHADOW_DISPLACEMENT,
  UNADDRESSABLE_BASE,
} from './layout.ts'
import { setAddressable, setGuarded } from './addressable.ts'
import { defineBelow, SHADOW_PAGES, setDefined } from './definedness.ts'
import { SortedAddresses } from './sorted-addresses.ts'
import { forgetStrings } from './string-words.ts'
import { PAIRS_SIZE, pairUp } from '../wasm/pairs.ts'
import { Traces } from './traces.ts'
import { Zones } from './zones.ts'
import { usedPages, type UsedPages } from './used-pages.ts'

/** Access rights of a page, as in mmap(2): PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
export const PROT = { read: 1, write: 2, exec: 4 } as const

const NO_STOPS: ReadonlySet<number> = new Set()

/** Told when translated code made from a page no longer matches the page. Pages are page numbers, `count` of them from `first`. */
export interface CodeListener {
  /** A page to which plain stores could go is no longer such a page: translated code that relies on it must be left. */
  plainLost(): void
  invalidate(first: number, count: number): void
  endLife(): void
}

/**
 * Guest memory with permissions per page. Addresses are guest addresses in bytes (numbers); a range that does not lie in
 * [GUEST_MIN, GUEST_LIMIT) is never mapped. All methods are synchronous and change nothing outside the object.
 */
export class AddressSpace {
  readonly memory: WebAssembly.Memory
  readonly bytes: Uint8Array
  /** V bits by address, and the bits of guarded bytes, in spaces that have them: indices below 2^31 are much faster than larger ones. */
  readonly shadow: Uint8Array
  readonly guards: Uint8Array
  readonly view: DataView
  /** One attribute byte per page, a view into the memory itself. */
  readonly attributes: Uint8Array
  /** The same of two pages each, for translated code (wasm/pairs.ts): follows `attributes` by way of `pair`. */
  private readonly pairs: Uint8Array
  /** 1 for pages that can be executed: not an attribute, since a store to an ordinary page must find 0 there. */
  private readonly executable: Uint8Array
  /** 1 for pages that are watched as long as they can be both read and written (`watch`); null while there are none. */
  private watchable: Uint8Array | null = null
  /** 1 for pages that have bytes which may not be accessed (`guard`); null while there are none. */
  private guardedPages: Uint8Array | null = null
  /** 1 where a page's bytes may differ from zero, so that fresh anonymous memory need not be cleared twice. */
  private readonly touched: Uint8Array
  private readonly codeListeners: CodeListener[] = []
  private readonly zones: Zones
  private usedPages: UsedPages | null = null
  /** How many pages are mapped, and how many may ever have been written. */
  private mappedCount = 0
  private touchedCount = 0
  /** Pages that were `clean` and have been written since (each once), in no particular order: emptied by whoever asked for it. */
  readonly dirtied: number[] = []
  /** Asked about a page that cannot be accessed: true when it can be from now on, since its contents lay elsewhere. */
  absent: ((address: number, store: boolean) => boolean) | null = null
  /** Entries of functions at which translated code asks the kernel (Processor's KernelEntry.intercept). They go with the pages they lie in. */
  readonly intercepts = new Set<number>()
  /** Addresses of instructions before which the kernel is asked in the same way, for those who look on: they stay until `setStops`. */
  private stops: ReadonlySet<number> = NO_STOPS
  /** Grows with every change of `intercepts`: single instructions are translated with them in mind. */
  interceptsVersion = 0
  private readonly sortedIntercepts = new SortedAddresses()
  /** Accesses to these bytes are told (KernelEntry.traced); null while there are none. */
  private traces: Traces | null = null
  /** Told of bytes that the kernel is about to write in a traced range. */
  onKernelWrite: ((address: number, length: number) => void) | null = null
  /** Does code there belong to the system's libraries, whose plain accesses are no scheduling points? Asked when code is translated. */
  isQuiet: (pc: number) => boolean = () => false
  /** Told of instructions at which clean code had to go on in full code. */
  onDeopt: (pc: number) => void = () => {}

  /** Are there V bits (definedness.ts)? */
  readonly checked: boolean

  constructor(checked = false) {
    this.checked = checked
    const pages = checked ? CHECKED_WASM_PAGES : MEMORY_WASM_PAGES
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    this.bytes = new Uint8Array(this.memory.buffer)
    this.shadow = checked ? this.bytes.subarray(SHADOW_DISPLACEMENT) : this.bytes.subarray(0, 0)
    this.guards = checked ? this.bytes.subarray(UNADDRESSABLE_BASE) : this.shadow
    this.view = new DataView(this.memory.buffer)
    this.attributes = this.bytes.subarray(ATTRIBUTES_BASE, ATTRIBUTES_BASE + ATTRIBUTE_COUNT)
    this.pairs = this.bytes.subarray(PAIRS_BASE, PAIRS_BASE + 2 * PAIRS_SIZE)
    this.bytes.fill(UNMAPPED, ATTRIBUTES_BASE, ATTRIBUTES_BASE + ATTRIBUTE_TABLE_SIZE)
    this.pairs.fill(UNMAPPED)
    this.touched = new Uint8Array(ATTRIBUTE_COUNT)
    this.executable = new Uint8Array(ATTRIBUTE_COUNT)
    this.zones = new Zones(this.view, this.attributes)
  }

  /** To be called after the attributes of pages [first, end) have changed. */
  private pair(first: number, end = first + 1): void {
    pairUp(this.attributes, this.pairs, first, end, ATTRIBUTE.noRead)
  }

  /** Makes the plain pages around `address` the stack zone (zones.ts). */
  rezone(address: number): void {
    this.zones.rezone(address)
  }

  /** To be called before pages in a range get attributes with the `forbidden` bits set: some access that was plain until now may not be any more. */
  private losePlain(first: number, count: number, forbidden: number): void {
    const noLonger = forbidden & ATTRIBUTE.noRead ? ATTRIBUTE.noRead : 255
    for (let page = first; page < first + count; page++) {
      if ((this.attributes[page]! & noLonger) !== 0) continue
      for (const listener of this.codeListeners) listener.plainLost()
      this.zones.forgetWindows(first, first + count)
      break
    }
    this.zones.forgetStack()
  }

  listen(listener: CodeListener): void {
    this.codeListeners.push(listener)
  }

  /** A run in this space is over, and another one may begin in it. */
  endLife(): void {
    for (const listener of this.codeListeners) listener.endLife()
  }

  /** From now on code that reaches `address` asks the kernel first. */
  intercept(address: number): void {
    if (this.intercepts.has(address)) return
    this.dropCode(address >>> PAGE_SHIFT, 1)
    this.intercepts.add(address)
    this.interceptsVersion++
  }

  /** From now on the kernel is asked before the instructions at these addresses, and at no others but those of functions. */
  setStops(addresses: ReadonlySet<number>): void {
    if (addresses === this.stops) return
    for (const address of this.stops) {
      if (addresses.has(address)) continue
      this.dropCode(address >>> PAGE_SHIFT, 1)
      this.intercepts.delete(address)
    }
    this.stops = addresses
    for (const address of addresses) this.intercept(address)
    this.interceptsVersion++
  }

  isStop(address: number): boolean {
    return this.stops.has(address)
  }

  /** From now on stores to these ranges are told, and with `reads` loads too; what is stored into pages that cannot be read, only by the kernel. */
  setTraces(ranges: readonly { start: number; end: number }[], reads: boolean): void {
    for (const page of this.traces?.pages ?? []) {
      this.attributes[page] = this.untraced(page)
      this.pair(page)
    }
    this.traces = null
    if (ranges.length === 0) return
    this.traces = new Traces(ranges, reads)
    for (const page of this.traces.pages) {
      this.losePlain(page, 1, ATTRIBUTE.noRead | ATTRIBUTE.noWrite)
      setAddressable(this, page << PAGE_SHIFT, PAGE_SIZE, true)
      this.attributes[page] = this.watchedAttribute(page, this.attributes[page]!)
      this.pair(page)
    }
    for (const { start, end } of ranges) setAddressable(this, start, end - start, false)
  }

  /** Is an access one that is told? */
  isTraced(address: number, length: number, store: boolean): boolean {
    return this.traces?.tell(address, length, store) ?? false
  }

  /** Is the page at an address watched although it can only be read? */
  isReadOnly(address: number): boolean {
    return this.traces !== null && this.traces.readOnly.has(address >>> PAGE_SHIFT)
  }

  /** Does an access touch bytes of a traced range, told or not? */
  touchesTraces(address: number, length: number): boolean {
    return this.traces?.touch(address, length) ?? false
  }

  /** The intercepted addresses within ranges [start, end), ascending. */
  interceptedIn(ranges: readonly (readonly [number, number])[]): number[] {
    return this.sortedIntercepts.within(this.intercepts, this.interceptsVersion, ranges)
  }

  /**
   * From now on accesses to these pages ask which bytes are addressable, while the pages can be read and written: other rights speak for themselves. None is
   * addressable at first.
   */
  watch(start: number, length: number): void {
    const first = start >>> PAGE_SHIFT
    const count = length / PAGE_SIZE
    this.losePlain(first, count, ATTRIBUTE.noRead | ATTRIBUTE.noWrite)
    this.watchable ??= new Uint8Array(ATTRIBUTE_COUNT)
    this.watchable.fill(1, first, first + count)
    for (let page = first; page < first + count; page++)
      this.attributes[page] = this.watchedAttribute(page, this.attributes[page]!)
    this.pair(first, first + count)
    setAddressable(this, start, length, false)
  }

  /** As `watch`, in spaces with V bits: see setGuarded. */
  guard(start: number, length: number): void {
    const first = start >>> PAGE_SHIFT
    this.guardedPages ??= new Uint8Array(ATTRIBUTE_COUNT)
    this.guardedPages.fill(1, first, first + length / PAGE_SIZE)
    setGuarded(this, start, length, true)
  }

  isGuardedPage(page: number): boolean {
    return this.guardedPages !== null && this.guardedPages[page] !== 0
  }

  unguardAll(): void {
    if (this.guardedPages !== null) this.unguard(0, ATTRIBUTE_COUNT)
  }

  private unguard(first: number, end: number): void {
    for (let page = first; page < end; page++) {
      if (!this.isGuardedPage(page)) continue
      this.guardedPages![page] = 0
      setGuarded(this, page << PAGE_SHIFT, PAGE_SIZE, false)
    }
  }

  /** The attribute of a page that would have `attribute` if nobody watched. */
  private watchedAttribute(page: number, attribute: number): number {
    const isTraced = this.traces !== null && this.traces.pages.has(page)
    if (!isTraced && (this.watchable === null || this.watchable[page] === 0)) return attribute
    if ((attribute & (ATTRIBUTE.unmapped | ATTRIBUTE.noRead)) !== 0) return attribute
    if ((attribute & ATTRIBUTE.noWrite) !== 0) {
      if (!isTraced || !this.traces!.reads) return attribute
      this.traces!.readOnly.add(page)
    } else this.traces?.readOnly.delete(page)
    return attribute | ATTRIBUTE.watched | ATTRIBUTE.noRead | ATTRIBUTE.noWrite
  }

  private forgetIntercepts(start: number, length: number): void {
    for (const address of this.intercepts)
      if (address >= start && address < start + length && !this.stops.has(address)) this.intercepts.delete(address)
    this.interceptsVersion++
  }

  /** Maps fresh zeroed pages; `start` and `length` are multiples of PAGE_SIZE. What was mapped there is gone. */
  map(start: number, length: number, prot: number): void {
    const first = start >>> PAGE_SHIFT
    const count = length / PAGE_SIZE
    this.dropCode(first, count)
    if (this.intercepts.size > 0) this.forgetIntercepts(start, length)
    if (attributeOf(prot) !== 0) this.losePlain(first, count, attributeOf(prot))
    this.executable.fill(prot & PROT.exec ? 1 : 0, first, first + count)
    if (this.traces !== null) this.tellKernelWrite(start, length)
    if (this.guardedPages !== null) this.unguard(first, first + count)
    this.zero(first, first + count)
    const attribute = attributeOf(prot)
    for (let page = first; page < first + count; page++) this.setMapped(page, this.watchedAttribute(page, attribute))
    this.pair(first, first + count)
  }

  private setMapped(page: number, attribute: number): void {
    if ((this.attributes[page]! & ATTRIBUTE.unmapped) !== 0) this.mappedCount++
    if ((attribute & (ATTRIBUTE.noRead | ATTRIBUTE.watched)) !== ATTRIBUTE.noRead) this.touch(page)
    this.attributes[page] = attribute
  }

  /** From now on the page's bytes may differ from zero. */
  private touch(page: number): void {
    if (this.touched[page] !== 0) return
    this.touched[page] = 1
    this.touchedCount++
  }

  /** Maps the pages of a range as another space has them: rights and contents. With `contents` false they are zero. */
  adopt(from: AddressSpace, start: number, length: number, contents: boolean): void {
    const first = start >>> PAGE_SHIFT
    const end = first + length / PAGE_SIZE
    this.dropCode(first, end - first)
    this.losePlain(first, end - first, UNMAPPED)
    if (this.guardedPages !== null) this.unguard(first, end)
    for (let page = first; page < end; page++) {
      this.executable[page] = from.executable[page]!
      const attribute = from.untraced(page) & ~(ATTRIBUTE.code | ATTRIBUTE.clean | ATTRIBUTE.kept)
      if ((this.attributes[page]! & ATTRIBUTE.unmapped) !== 0) this.mappedCount++
      this.attributes[page] = attribute
    }
    this.pair(first, end)
    for (let page = first; page < end;) {
      const used = contents ? from.nextUsed(page, end) : end
      this.zero(page, used)
      let stop = used
      while (stop < end && from.nextUsed(stop, stop + 1) === stop) this.touch(stop++)
      if (stop > used) this.bytes.set(from.bytes.subarray(used << PAGE_SHIFT, stop << PAGE_SHIFT), used << PAGE_SHIFT)
      page = stop
    }
    for (let page = first; page < end; page++) if ((this.attributes[page]! & ATTRIBUTE.noRead) === 0) this.touch(page)
    if (this.checked && from.checked)
      for (let page = first; page < end; page++) this.adoptDefinedness(from, page, contents)
  }

  private adoptDefinedness(from: AddressSpace, page: number, contents: boolean): void {
    const shadow = SHADOW_PAGES + page
    if (contents && from.nextUsed(shadow, shadow + 1) === shadow) {
      const at = shadow * PAGE_SIZE
      this.bytes.set(from.bytes.subarray(at, at + PAGE_SIZE), at)
    } else if (this.touched[page] !== 0) setDefined(this, page << PAGE_SHIFT, PAGE_SIZE)
  }

  /** The first page in `[page, end)` (page numbers) that is not all zero, or `end`. */
  nextUsed(page: number, end: number): number {
    this.usedPages ??= usedPages(this.memory)
    return this.usedPages(page, end)
  }

  /** Makes pages `[first, end)` all zero without touching those that are. */
  private zero(first: number, end: number): void {
    for (let page = first; page < end; page++) {
      if (this.checked && this.touched[page] !== 0) setDefined(this, page << PAGE_SHIFT, PAGE_SIZE)
      if (this.touched[page] !== 0 && this.nextUsed(page, page + 1) === page)
        this.bytes.fill(0, page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT)
    }
  }

  /** Unmaps everything: the space is as good as new. */
  clear(): void {
    this.setTraces([], false)
    this.setStops(NO_STOPS)
    this.onKernelWrite = null
    forgetStrings(this, true)
    if (this.checked) defineBelow(this)
    if (this.mappedCount > 0) this.unmap(GUEST_MIN, GUEST_LIMIT - GUEST_MIN)
    this.dirtied.length = 0
  }

  /** Bytes of all pages that could ever be accessed: what the memory may take of the host's at most. */
  touchedBytes(): number {
    return this.touchedCount * PAGE_SIZE
  }

  /** Removes mappings; unmapped pages in the range are no error (munmap(2)). */
  unmap(start: number, length: number): void {
    const first = start >>> PAGE_SHIFT
    const count = length / PAGE_SIZE
    this.dropCode(first, count)
    if (this.intercepts.size > 0) this.forgetIntercepts(start, length)
    this.losePlain(first, count, UNMAPPED)
    for (let page = first; page < first + count; page++)
      if ((this.attributes[page]! & ATTRIBUTE.unmapped) === 0) this.mappedCount--
    this.attributes.fill(UNMAPPED, first, first + count)
    this.pair(first, first + count)
    this.watchable?.fill(0, first, first + count)
    this.executable.fill(0, first, first + count)
  }

  /** Changes the rights of mapped pages; contents stay. */
  protect(start: number, length: number, prot: number): void {
    const first = start >>> PAGE_SHIFT
    const count = length / PAGE_SIZE
    // A page that is watched from now on cannot even be read without asking.
    const forbidden = attributeOf(prot) | (this.watchable === null && this.traces === null ? 0 : ATTRIBUTE.noRead)
    if (forbidden !== 0) this.losePlain(first, count, forbidden)
    if ((prot & PROT.exec) === 0 || (prot & PROT.write) !== 0) this.dropCode(first, count)
    for (let page = first; page < first + count; page++) {
      const attribute = this.attributes[page]!
      if ((attribute & ATTRIBUTE.unmapped) !== 0) continue
      const plain = attributeOf(prot) | (attribute & (ATTRIBUTE.code | ATTRIBUTE.clean | ATTRIBUTE.kept))
      this.attributes[page] = this.watchedAttribute(page, plain)
      this.executable[page] = prot & PROT.exec ? 1 : 0
      if ((prot & 7) !== 0) this.touch(page)
    }
    this.pair(first, first + count)
  }

  /** Can instructions be fetched from the page at `address`? */
  isExecutable(address: number): boolean {
    return address >= GUEST_MIN && address < GUEST_LIMIT && this.executable[address >>> PAGE_SHIFT] !== 0
  }

  isMapped(address: number): boolean {
    return (
      address >= GUEST_MIN &&
      address < GUEST_LIMIT &&
      (this.attributes[address >>> PAGE_SHIFT]! & ATTRIBUTE.unmapped) === 0
    )
  }

  /** PROT_* bits of the page at `address`, or -1 when it is not mapped. */
  protOf(address: number): number {
    if (!this.isMapped(address)) return -1
    const a = this.attributes[address >>> PAGE_SHIFT]!
    return (
      ((a & ATTRIBUTE.noRead) === 0 || a & ATTRIBUTE.watched ? PROT.read : 0) |
      ((a & ATTRIBUTE.noWrite) === 0 || (a & ATTRIBUTE.watched && !this.isReadOnly(address)) ? PROT.write : 0) |
      (this.executable[address >>> PAGE_SHIFT] !== 0 ? PROT.exec : 0)
    )
  }

  /** How many bytes from `address` on, at most `length`, can be accessed with `forbidden` attribute bits clear. */
  accessible(address: number, length: number, forbidden: number): number {
    if (!(address >= GUEST_MIN && address < GUEST_LIMIT)) return 0
    let at = address
    const end = Math.min(address + length, GUEST_LIMIT)
    while (at < end) {
      const attribute = this.attributes[at >>> PAGE_SHIFT]!
      const isBarred =
        (attribute & ATTRIBUTE.watched) === 0 || ((forbidden & ATTRIBUTE.noWrite) !== 0 && this.isReadOnly(at))
      if ((attribute & forbidden) !== 0 && isBarred) {
        if (this.absent === null || !this.absent(at, (forbidden & ATTRIBUTE.noWrite) !== 0)) break
      }
      at = (at & ~(PAGE_SIZE - 1)) + PAGE_SIZE
    }
    return Math.max(0, Math.min(at, end) - address)
  }

  /** The bytes at `address` as a view (not a copy), or null when any of them cannot be read. Also the way to write is `write`, never this view. */
  read(address: number, length: number): Uint8Array | null {
    if (length !== 0 && this.accessible(address, length, ATTRIBUTE.noRead) < length) return null
    return this.bytes.subarray(address, address + length)
  }

  /** Copies `data` to `address`; false, with nothing written, when any byte cannot be written. Drops translations made from the pages. */
  write(address: number, data: Uint8Array): boolean {
    if (data.length === 0) return true
    if (this.accessible(address, data.length, ATTRIBUTE.noWrite) < data.length) return false
    this.poke(address, data)
    return true
  }

  /** Copies `data` to `address` whatever the rights of the (mapped) pages: what the kernel does when it loads a file. */
  poke(address: number, data: Uint8Array): void {
    this.willWrite(address, data.length)
    this.bytes.set(data, address)
  }

  /** As `poke`, for bytes that all who share the pages get: they do not count as written here. */
  receive(address: number, data: Uint8Array): void {
    const first = address >>> PAGE_SHIFT
    const last = (address + data.length - 1) >>> PAGE_SHIFT
    this.dropCode(first, last - first + 1)
    setDefined(this, address, data.length)
    for (let page = first; page <= last; page++) {
      this.touch(page)
      this.attributes[page]! &= ~ATTRIBUTE.kept
    }
    this.pair(first, last + 1)
    this.bytes.set(data, address)
  }

  /** A NUL-terminated string of at most `max` bytes without its NUL, or null when it runs into unreadable memory. */
  readString(address: number, max: number): Uint8Array | null {
    const room = this.accessible(address, max, ATTRIBUTE.noRead)
    const end = this.bytes.subarray(address, address + room).indexOf(0)
    return end < 0 ? null : this.bytes.slice(address, address + end)
  }

  readU32(address: number): number | null {
    // Within a page that can plainly be read: heaps read stacks millions of times.
    const isPlain = (address & (PAGE_SIZE - 1)) <= PAGE_SIZE - 4 && address >= GUEST_MIN && address < GUEST_LIMIT
    if (isPlain && (this.attributes[address >>> PAGE_SHIFT]! & ATTRIBUTE.noRead) === 0)
      return this.view.getUint32(address, true)
    return this.accessible(address, 4, ATTRIBUTE.noRead) < 4 ? null : this.view.getUint32(address, true)
  }

  writeU32(address: number, value: number): boolean {
    if (this.accessible(address, 4, ATTRIBUTE.noWrite) < 4) return false
    this.willWrite(address, 4)
    this.view.setUint32(address, value, true)
    return true
  }

  readU64(address: number): bigint | null {
    return this.accessible(address, 8, ATTRIBUTE.noRead) < 8 ? null : this.view.getBigUint64(address, true)
  }

  writeU64(address: number, value: bigint): boolean {
    if (this.accessible(address, 8, ATTRIBUTE.noWrite) < 8) return false
    this.willWrite(address, 8)
    this.view.setBigUint64(address, value, true)
    return true
  }

  /** Clears what stands in the way of plain stores to a writable range, which the kernel is about to make: checkpoint and code marks. */
  willWrite(address: number, length: number): void {
    setDefined(this, address, length)
    if (this.traces !== null) this.tellKernelWrite(address, length)
    this.clearMarks(address, length)
  }

  private tellKernelWrite(address: number, length: number): void {
    if (this.touchesTraces(address, length)) this.onKernelWrite?.(address, length)
  }

  /** Clears checkpoint and code marks of a range. */
  clearMarks(address: number, length: number): void {
    const first = address >>> PAGE_SHIFT
    const last = (address + length - 1) >>> PAGE_SHIFT
    this.dropCode(first, last - first + 1)
    for (let page = first; page <= last; page++) {
      this.touch(page)
      this.dirty(page)
    }
  }

  /** Notes that a page is about to be written. */
  dirty(page: number): void {
    const attribute = this.attributes[page]!
    if ((attribute & (ATTRIBUTE.clean | ATTRIBUTE.kept)) === 0) return
    this.attributes[page]! &= ~(ATTRIBUTE.clean | ATTRIBUTE.kept)
    this.pair(page)
    if ((attribute & ATTRIBUTE.clean) !== 0) this.dirtied.push(page)
  }

  /** From now on `isKept` tells whether a page has not been written since. Ranges [first, end) of page numbers. */
  keep(ranges: readonly (readonly [first: number, end: number])[]): void {
    for (const listener of this.codeListeners) listener.plainLost()
    this.zones.forgetWindows(0, ATTRIBUTE_COUNT)
    this.zones.forgetStack()
    for (const [first, end] of ranges) {
      for (let page = first; page < end; page++)
        if ((this.attributes[page]! & ATTRIBUTE.unmapped) === 0) this.attributes[page]! |= ATTRIBUTE.kept
      this.pair(first, end)
    }
  }

  isKept(page: number): boolean {
    return (this.attributes[page]! & ATTRIBUTE.kept) !== 0
  }

  /** The attribute that a page would have if its accesses were not told. */
  private untraced(page: number): number {
    const attribute = this.attributes[page]!
    const isTraced = this.traces !== null && this.traces.pages.has(page) && (attribute & ATTRIBUTE.watched) !== 0
    if (!isTraced) return attribute
    const barred = this.traces!.readOnly.has(page) ? 0 : ATTRIBUTE.noWrite
    return attribute & ~(ATTRIBUTE.watched | ATTRIBUTE.noRead | barred)
  }

  /** From now on the first write to each of these mapped pages is noted in `dirtied`. */
  watchWrites(first: number, count: number): void {
    this.losePlain(first, count, ATTRIBUTE.clean)
    for (let page = first; page < first + count; page++) {
      if ((this.attributes[page]! & ATTRIBUTE.unmapped) === 0) this.attributes[page]! |= ATTRIBUTE.clean
    }
    this.pair(first, first + count)
  }

  /** Notes that code was translated from the page of `address`: stores to it take the slow path from now on. */
  markCode(address: number): void {
    if ((this.attributes[address >>> PAGE_SHIFT]! & ATTRIBUTE.code) !== 0) return
    this.losePlain(address >>> PAGE_SHIFT, 1, ATTRIBUTE.code)
    this.attributes[address >>> PAGE_SHIFT]! |= ATTRIBUTE.code
    this.pair(address >>> PAGE_SHIFT)
  }

  /** Page numbers of all mapped pages, ascending. */
  mappedPages(): number[] {
    const pages: number[] = []
    for (let page = GUEST_MIN >>> PAGE_SHIFT; page < ATTRIBUTE_COUNT; page++)
      if ((this.attributes[page]! & ATTRIBUTE.unmapped) === 0) pages.push(page)
    return pages
  }

  private dropCode(first: number, count: number): void {
    let from = -1
    for (let page = first; page < first + count; page++) {
      if ((this.attributes[page]! & ATTRIBUTE.code) === 0) continue
      this.attributes[page]! &= ~ATTRIBUTE.code
      if (from < 0) from = page
    }
    if (from >= 0) this.pair(from, first + count)
    if (from >= 0) for (const listener of this.codeListeners) listener.invalidate(first, count)
  }
}

function attributeOf(prot: number): number {
  // On x86 a page that can be written or executed can be read.
  return (prot & 7 ? 0 : ATTRIBUTE.noRead) | (prot & PROT.write ? 0 : ATTRIBUTE.noWrite)
}
