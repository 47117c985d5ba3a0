import { show } from "./_list.ts";

/**
 * Requests of ioctl(2), by their names in sys/filio.h, sys/ttycom.h, sys/disk.h, sys/sockio.h and net/bpf.h.
 *
 * The values are those of 64-bit FreeBSD 13, 14 and 15; other systems differ. {@linkcode ioctl} makes other requests.
 *
 * @example A request's number
 * ```ts
 * import { Ioctl } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(Ioctl.FIONREAD, 0x4004667fn);
 * ```
 */
export const Ioctl = {
  /** Sets close-on-exec. */
  FIOCLEX: 0x20006601n,
  /** Clears close-on-exec. */
  FIONCLEX: 0x20006602n,
  /** Gets how many bytes can be read at once. */
  FIONREAD: 0x4004667fn,
  /** Sets or clears non-blocking mode. */
  FIONBIO: 0x8004667en,
  /** Sets or clears SIGIO on readiness. */
  FIOASYNC: 0x8004667dn,
  /** Sets the receiver of SIGIO. */
  FIOSETOWN: 0x8004667cn,
  /** Gets the receiver of SIGIO. */
  FIOGETOWN: 0x4004667bn,
  /** Gets a device's kind: disk, terminal, tape. */
  FIODTYPE: 0x4004667an,
  /** Gets the position of a tape or disk, as a block number. */
  FIOGETLBA: 0x40046679n,
  /** Gets a device's name. */
  FIODGNAME: 0x80106678n,
  /** Gets the number of bytes that wait to be sent. */
  FIONWRITE: 0x40046677n,
  /** Gets the free space of a send buffer, in bytes. */
  FIONSPACE: 0x40046676n,
  /** Finds the next data after an offset. */
  FIOSEEKDATA: 0xc0086661n,
  /** Finds the next hole after an offset. */
  FIOSEEKHOLE: 0xc0086662n,
  /** Gets where a file's block lies on disk. */
  FIOBMAP2: 0xc0106663n,
  /** Sets the page size of large-page shared memory. */
  FIOSSHMLPGCNF: 0x80306664n,
  /** Gets the page size of large-page shared memory. */
  FIOGSHMLPGCNF: 0x40306665n,
  /** Refuses further opens of a terminal. */
  TIOCEXCL: 0x2000740dn,
  /** Admits further opens of a terminal. */
  TIOCNXCL: 0x2000740en,
  /** Drops pending input and output. */
  TIOCFLUSH: 0x80047410n,
  /** Gets a terminal's attributes: tcgetattr(3), isatty(3). */
  TIOCGETA: 0x402c7413n,
  /** Sets attributes at once: tcsetattr(3). */
  TIOCSETA: 0x802c7414n,
  /** Sets attributes after output has drained. */
  TIOCSETAW: 0x802c7415n,
  /** Sets attributes after output has drained, and drops input. */
  TIOCSETAF: 0x802c7416n,
  /** Gets the line discipline. */
  TIOCGETD: 0x4004741an,
  /** Sets the line discipline. */
  TIOCSETD: 0x8004741bn,
  /** Begins a break. */
  TIOCSBRK: 0x2000747bn,
  /** Ends a break. */
  TIOCCBRK: 0x2000747an,
  /** Raises DTR. */
  TIOCSDTR: 0x20007479n,
  /** Lowers DTR. */
  TIOCCDTR: 0x20007478n,
  /** Gets the foreground process group: tcgetpgrp(3). */
  TIOCGPGRP: 0x40047477n,
  /** Sets the foreground process group: tcsetpgrp(3). */
  TIOCSPGRP: 0x80047476n,
  /** Gets how many bytes wait for output. */
  TIOCOUTQ: 0x40047473n,
  /** Types a character, as if at the keyboard. */
  TIOCSTI: 0x80017472n,
  /** Gives up the controlling terminal. */
  TIOCNOTTY: 0x20007471n,
  /** Sets packet mode of a pseudo-terminal. */
  TIOCPKT: 0x80047470n,
  /** Stops output. */
  TIOCSTOP: 0x2000746fn,
  /** Starts output again. */
  TIOCSTART: 0x2000746en,
  /** Sets all modem lines. */
  TIOCMSET: 0x8004746dn,
  /** Raises modem lines. */
  TIOCMBIS: 0x8004746cn,
  /** Lowers modem lines. */
  TIOCMBIC: 0x8004746bn,
  /** Gets the modem lines. */
  TIOCMGET: 0x4004746an,
  /** Gets rows and columns of a terminal. */
  TIOCGWINSZ: 0x40087468n,
  /** Sets rows and columns of a terminal. */
  TIOCSWINSZ: 0x80087467n,
  /** Gets the session of a terminal: tcgetsid(3). */
  TIOCGSID: 0x40047463n,
  /** Takes over console output. */
  TIOCCONS: 0x80047462n,
  /** Makes it the controlling terminal. */
  TIOCSCTTY: 0x20007461n,
  /** Leaves line editing to the other side of a pseudo-terminal. */
  TIOCEXT: 0x80047460n,
  /** Sends a signal through a pseudo-terminal. */
  TIOCSIG: 0x2004745fn,
  /** Waits until output has drained: tcdrain(3). */
  TIOCDRAIN: 0x2000745en,
  /** Returns whether it is the master of a pseudo-terminal. */
  TIOCPTMASTER: 0x2000741cn,
  /** Gets the number of a pseudo-terminal. */
  TIOCGPTN: 0x4004740fn,
  /** Gets when the last character came in. */
  TIOCTIMESTAMP: 0x40107459n,
  /** Sets user control mode of a pseudo-terminal. */
  TIOCUCNTL: 0x80047466n,
  /** Prints a status line, as Ctrl-T does. */
  TIOCSTAT: 0x20007465n,
  /** Gets the sector size of a disk, in bytes. */
  DIOCGSECTORSIZE: 0x40046480n,
  /** Gets the size of a disk, in bytes. */
  DIOCGMEDIASIZE: 0x40086481n,
  /** Gets the sectors per track, as reported by the firmware. */
  DIOCGFWSECTORS: 0x40046482n,
  /** Gets the heads, as reported by the firmware. */
  DIOCGFWHEADS: 0x40046483n,
  /** Writes a disk's cache out. */
  DIOCGFLUSH: 0x20006487n,
  /** Marks a range of a disk as unused. */
  DIOCGDELETE: 0x80106488n,
  /** Gets a disk's serial number. */
  DIOCGIDENT: 0x41006489n,
  /** Gets a disk's GEOM name. */
  DIOCGPROVIDERNAME: 0x4400648an,
  /** Gets the stripe size of a disk, in bytes. */
  DIOCGSTRIPESIZE: 0x4008648bn,
  /** Gets how far the first stripe is off, in bytes. */
  DIOCGSTRIPEOFFSET: 0x4008648cn,
  /** Gets the physical path of a disk. */
  DIOCGPHYSPATH: 0x4400648dn,
  /** Gets a GEOM attribute. */
  DIOCGATTR: 0xc148648en,
  /** Commands a zoned disk. */
  DIOCZONECMD: 0xc080648fn,
  /** Sets where kernel dumps go. */
  DIOCSKERNELDUMP: 0x80986491n,
  /** Gets where kernel dumps go. */
  DIOCGKERNELDUMP: 0xc0986492n,
  /** Returns whether the next byte is the urgent one: sockatmark(3). */
  SIOCATMARK: 0x40047307n,
  /** Sets the receiver of SIGIO and SIGURG of a socket. */
  SIOCSPGRP: 0x80047308n,
  /** Gets the receiver of SIGIO and SIGURG of a socket. */
  SIOCGPGRP: 0x40047309n,
  /** Gets an interface's address. */
  SIOCGIFADDR: 0xc0206921n,
  /** Gets an interface's peer address. */
  SIOCGIFDSTADDR: 0xc0206922n,
  /** Gets an interface's flags. */
  SIOCGIFFLAGS: 0xc0206911n,
  /** Sets an interface's flags. */
  SIOCSIFFLAGS: 0x80206910n,
  /** Gets an interface's broadcast address. */
  SIOCGIFBRDADDR: 0xc0206923n,
  /** Lists interfaces with their addresses. */
  SIOCGIFCONF: 0xc0106924n,
  /** Gets an interface's netmask. */
  SIOCGIFNETMASK: 0xc0206925n,
  /** Gets an interface's metric. */
  SIOCGIFMETRIC: 0xc0206917n,
  /** Gets an interface's MTU, in bytes. */
  SIOCGIFMTU: 0xc0206933n,
  /** Sets an interface's MTU, in bytes. */
  SIOCSIFMTU: 0x80206934n,
  /** Gets the physical media of an interface. */
  SIOCGIFPHYS: 0xc0206935n,
  /** Gets an interface's media. */
  SIOCGIFMEDIA: 0xc0306938n,
  /** Gets an interface's media, the newer kinds too. */
  SIOCGIFXMEDIA: 0xc030698bn,
  /** Gets an interface's index. */
  SIOCGIFINDEX: 0xc0206920n,
  /** Gets the capabilities of an interface. */
  SIOCGIFCAP: 0xc020691fn,
  /** Gets an interface's routing table. */
  SIOCGIFFIB: 0xc020695cn,
  /** Gets an interface's description. */
  SIOCGIFDESCR: 0xc020692an,
  /** Gets an interface's MAC label. */
  SIOCGIFMAC: 0xc0206926n,
  /** Lists an interface's groups. */
  SIOCGIFGROUP: 0xc0286988n,
  /** Gets an interface's status, as text. */
  SIOCGIFSTATUS: 0xc331693bn,
  /** Gets an interface's hardware address. */
  SIOCGHWADDR: 0xc020693en,
  /** Gets an alias address of an interface. */
  SIOCGIFALIAS: 0xc044692dn,
  /** Lists the kinds of interfaces that can be cloned. */
  SIOCIFGCLONERS: 0xc0106978n,
  /** Gets the capabilities of an interface, as an nvlist. Not in FreeBSD 13. */
  SIOCGIFCAPNV: 0xc020699cn,
  /** Gets an interface's RSS key. */
  SIOCGIFRSSKEY: 0xc0946996n,
  /** Gets an interface's RSS hash. */
  SIOCGIFRSSHASH: 0xc0186997n,
  /** Gets the buffer length of a bpf(4) descriptor, in bytes. */
  BIOCGBLEN: 0x40044266n,
  /** Sets the buffer length, in bytes. */
  BIOCSBLEN: 0xc0044266n,
  /** Sets the read filter, and drops the buffered packets. */
  BIOCSETF: 0x80104267n,
  /** Drops the buffered packets. */
  BIOCFLUSH: 0x20004268n,
  /** Puts the interface in promiscuous mode. */
  BIOCPROMISC: 0x20004269n,
  /** Gets the link type. */
  BIOCGDLT: 0x4004426an,
  /** Gets the interface. */
  BIOCGETIF: 0x4020426bn,
  /** Sets the interface. */
  BIOCSETIF: 0x8020426cn,
  /** Sets the time limit of a read. */
  BIOCSRTIMEOUT: 0x8010426dn,
  /** Gets the time limit of a read. */
  BIOCGRTIMEOUT: 0x4010426en,
  /** Gets how many packets came and were dropped. */
  BIOCGSTATS: 0x4008426fn,
  /** Sets whether a read returns with the first packet. */
  BIOCIMMEDIATE: 0x80044270n,
  /** Gets the version of the filter language. */
  BIOCVERSION: 0x40044271n,
  /** Returns whether link headers are the writer's own. */
  BIOCGHDRCMPLT: 0x40044274n,
  /** Sets whether link headers are the writer's own. */
  BIOCSHDRCMPLT: 0x80044275n,
  /** Locks the descriptor's settings. */
  BIOCLOCK: 0x2000427an,
  /** Sets the write filter. */
  BIOCSETWF: 0x8010427bn,
  /** Lists the link types. */
  BIOCGDLTLIST: 0xc0104279n,
  /** Sets the link type. */
  BIOCSDLT: 0x80044278n,
  /** Sets the read filter, and keeps the buffered packets. */
  BIOCSETFNR: 0x80104282n,
} as const;

/** The name of a request: a key of {@linkcode Ioctl}. */
export type IoctlName = keyof typeof Ioctl;

/** The direction of the argument, as in the C macro that makes the request; "r" is out of the kernel. */
export type IoctlDirection = "none" | "r" | "w" | "rw" | "int";

const void_ = 0x20000000n, out = 0x40000000n, in_ = 0x80000000n;
const directions = { none: void_, r: out, w: in_, rw: in_ | out, int: void_ };
const largestSize = 0x1fff;

/**
 * Makes the number of an ioctl(2) request, like the macros of sys/ioccom.h.
 *
 * @param dir `"none"` for `_IO`, `"r"` for `_IOR`, `"w"` for `_IOW`, `"rw"` for `_IOWR`, `"int"` for `_IOWINT`.
 * @param group The group: one character.
 * @param num The number within the group, 0 to 255.
 * @param size The size of the argument in bytes: 1 to 8191, but 0 for `"none"` and 4 for `"int"`, where it may be left out.
 * @throws {TypeError} If an argument has the wrong type.
 * @throws {RangeError} If an argument is not one of those named.
 *
 * @example _IOR('t', 104, struct winsize)
 * ```ts
 * import { Ioctl, ioctl } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(ioctl("r", "t", 104, 8), Ioctl.TIOCGWINSZ);
 * assertEquals(ioctl("none", "f", 1), Ioctl.FIOCLEX);
 * ```
 */
export function ioctl(dir: "none" | "int", group: string, num: number, size?: number): bigint;
/** Makes the number of a request with an argument of `size` bytes. */
export function ioctl(dir: IoctlDirection, group: string, num: number, size: number): bigint;
export function ioctl(dir: IoctlDirection, group: string, num: number, size?: number): bigint {
  if (typeof dir !== "string" || typeof group !== "string") {
    const value = typeof dir !== "string" ? dir : group;
    throw new TypeError(`${show(value)} is not a string: ioctl() is called as in ioctl("r", "t", 104, 8).`);
  }
  if (!Object.hasOwn(directions, dir)) {
    throw new RangeError(`${show(dir)} is not a direction: expected "none", "r", "w", "rw" or "int".`);
  }
  const code = group.charCodeAt(0);
  if (group.length !== 1 || code > 0xff) {
    throw new RangeError(`${show(group)} is not an ioctl group: expected one character up to U+00FF.`);
  }
  const fixed = dir === "none" ? 0 : dir === "int" ? 4 : undefined;
  const bytes = integer(size ?? fixed, "size", fixed ?? 1, fixed ?? largestSize);
  return directions[dir] | BigInt(bytes << 16 | code << 8 | integer(num, "number", 0, 0xff));
}

function integer(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`${show(value)} is not the ${what} of an ioctl: expected a number.`);
  }
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const range = min === max ? `${min}` : `${min} to ${max}`;
  throw new RangeError(`${value} is not the ${what} of such an ioctl: expected ${range}.`);
}
