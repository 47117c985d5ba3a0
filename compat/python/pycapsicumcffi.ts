/**
 * The API of pycapsicumcffi, Python's module `cap`, for programs that are ported line for line.
 *
 * All of it is over the library's own parts: the sets are its `Rights`, `Fcntls` and `Ioctls`, and whatever it opens or
 * limits goes to the functions of the main module, too. `import cap` becomes a default import. A class is made with `new`,
 * a set `{a, b}` is a list `[a, b]`, `with` is `using`, and arguments by keyword are an object at the end.
 *
 * @example The demo of its README, here over /dev, which has files to open on every system
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert, assertEquals, assertThrows } from "jsr:@std/assert";
 *
 * // What Deno itself lacks: open() and listdir() with descriptors of directories.
 * const { open, listdir } = cap.compat33;
 *
 * if (isSupported()) {
 *   // The descriptor of a directory, from which the others come.
 *   const t = open("/dev", libc.O_RDONLY);
 *
 *   cap.enter();
 *   assert(cap.sandboxed());
 *
 *   // A set of no rights.
 *   let a = new cap.Rights();
 *   assert(a.isEmpty);
 *
 *   // openat(2), and a file of Python's from what it gives.
 *   const x = open("null", libc.O_RDWR, { dir_fd: t });
 *   using y = cap.fdopen(x, "r+");
 *   // The same in one call.
 *   using z = cap.openat(t, "null", libc.O_RDWR);
 *   assertEquals([y.readlines(), z.readlines()], [[], []]);
 *
 *   // The rights of a descriptor, and of a file.
 *   a = new cap.Rights(x);
 *   const b = new cap.Rights(y);
 *   assert(a.equals(b));
 *
 *   // A set of one right, made and ready-made.
 *   const c = new cap.Rights([cap.READ]);
 *   const d = cap.right.READ;
 *   assert(c.equals(d));
 *
 *   // From now on x can only be read.
 *   cap.limit(x, c);
 *   assertThrows(() => y.write("text"), Error, "missing WRITE");
 *   assert(listdir(t).includes("null"));
 *   libc.close(t);
 * }
 * ```
 *
 * ## Names
 *
 * | Python                                       | here                                           | main module                                      |
 * | -------------------------------------------- | ---------------------------------------------- | ------------------------------------------------ |
 * | `cap.enter()`                                | `cap.enter()`                                  | `enter()`                                        |
 * | `cap.sandboxed()`                            | `cap.sandboxed()`                              | `sandboxed()`                                    |
 * | `cap.openat(fd, path, flags, mode)`          | `cap.openat(fd, path, flags, mode)`            | `dir.openSync(path, options)`, `openAtSync()`    |
 * | `cap.compat33.open(path, flags, mode)`       | `cap.compat33.open(path, flags, mode)`         | `openSync(path, options)`, `openDirSync(path)`   |
 * | `cap.compat33.open(path, flags, dir_fd=fd)`  | `cap.compat33.open(path, flags, {dir_fd: fd})` | `dir.openSync(path, options)`, `openAtSync()`    |
 * | `cap.compat33.listdir(path)`                 | `cap.compat33.listdir(path)`                   | `listDirSync(path)`, `dir.listSync()`            |
 * | `os.fdopen(fd, mode)`                        | `cap.fdopen(fd, mode)`                         | `FdFile.fromFd(fd)`                              |
 * | `os.O_RDWR` and its like, `os.close(fd)`     | `libc.O_RDWR`, `libc.close(fd)`                | `libc.O_RDWR`, `libc.close(fd)`                  |
 * | `cap.AT_FDCWD`, `cap.O_CLOEXEC`              | `cap.AT_FDCWD`, `cap.O_CLOEXEC`                | `libc.AT_FDCWD`, `libc.O_CLOEXEC`                |
 * | `cap.ENOTCAPABLE`, `cap.ECAPMODE`            | `cap.ENOTCAPABLE`, `cap.ECAPMODE`              | `isNotCapable(error)`, `isCapModeViolation(error)` |
 * | `cap.READ`, `cap.WRITE`, ...                 | `cap.READ`, `cap.WRITE`, ...                   | `Right.READ`, or its name `"READ"`               |
 * | `cap.Rights({cap.READ})`                     | `new cap.Rights([cap.READ])`                   | `new Rights(["READ"])`                           |
 * | `cap.Rights(fd)`                             | `new cap.Rights(fd)`                           | `getRights(fd)`                                  |
 * | `cap.right.READ`                             | `cap.right.READ`                               | `new Rights(["READ"])`                           |
 * | `cap.right.NONE`, `cap.right.ALL`            | `cap.right.NONE`, `cap.right.ALL`              | `Rights.NONE`, `Rights.all(release)`             |
 * | `cap.limit(fd, rights)`                      | `cap.limit(fd, rights)`                        | `limit(fd, rights)`, `file.limit(rights)`        |
 * | `cap.fcntl.GETFL`, `SETFL`, `GETOWN`, `SETOWN`, `ALL` | `cap.fcntl.GETFL`, ...                | `Fcntl.GETFL`, ..., `Fcntls.ALL`                 |
 * | `cap.Fcntls({cap.fcntl.GETFL})`              | `new cap.Fcntls([cap.fcntl.GETFL])`            | `new Fcntls(["GETFL"])`                          |
 * | `cap.Fcntls(fd)`                             | `new cap.Fcntls(fd)`                           | `getFcntls(fd)`                                  |
 * | `cap.fcntls_limit(fd, fcntls)`               | `cap.fcntls_limit(fd, fcntls)`                 | `limitFcntls(fd, fcntls)`                        |
 * | `cap.Ioctls({termios.FIONREAD})`             | `new cap.Ioctls([Ioctl.FIONREAD])`             | `new Ioctls([Ioctl.FIONREAD])`                   |
 * | `cap.Ioctls(fd)`                             | `new cap.Ioctls(fd)`                           | `getIoctls(fd)`                                  |
 * | `cap.ioctls_limit(fd, ioctls)`               | `cap.ioctls_limit(fd, ioctls)`                 | `limitIoctls(fd, ioctls)`                        |
 * | `file.read()`, `readline()`, `readlines()`   | the same of `PythonFile`                       | `file.readAll()`, `file.lines()`                 |
 * | `file.write()`, `seek()`, `tell()`           | the same of `PythonFile`                       | `file.writeAllSync()`, `file.seekSync()`         |
 * | `file.fileno()`, `close()`, `flush()`        | the same of `PythonFile`                       | `file.fd`, `file.close()`                        |
 *
 * ## What differs, and why
 *
 * - `enter()` throws where there is no Capsicum. pycapsicumcffi goes on unprotected, which nobody notices.
 * - An OSError is the class that Deno has for the errno, as `Deno.errors.BadResource` for EBADF, or a `CapsicumError`. It
 *   has `errno` and, with the name, `code`.
 * - What is no right throws a `TypeError` or a `RangeError`; in Python, C aborts the process. So does `cap.right` with
 *   an unknown name, where Python has AttributeError. Rights are bigints, for a number can't hold 64 bits.
 * - `cap.READ` and its like are those of FreeBSD 15, on every release: limiting to one that the kernel does not know is
 *   EINVAL. Python has those of the system it was built on. Macros of the header that are no rights are left out.
 * - A copy of a set, and a second set of the same, is equal and not always the same object: compare with `equals()`.
 * - A sum of `cap.fcntl` values is taken where Python has ValueError: it means the same as the list.
 * - Every function takes an object with `fileno()`, as documented; in Python the functions that limit take numbers only.
 * - `ioctls_limit()` with the unlimited set throws for a descriptor that is limited. In Python it does nothing, and the
 *   caller takes it for done. A set has at most 256 requests, as the kernel's.
 * - With a directory, `openat()` and `open()` refuse a path that leads out of it, before `enter()` too, so that a port
 *   does not find out in the sandbox. A path of several names needs READ on a directory that is given as a number, since
 *   it is not known whether the kernel confines it: give a `Dir` in its place.
 * - A file needs neither FSTAT nor FCNTL, which Python's `os.fdopen()` asks for. A directory is refused when it is read.
 * - A file writes at once and `flush()` does nothing, for JavaScript closes no file that the program forgets. An error of
 *   writing comes from `write()`.
 * - A text file writes where its reader stands; Python's writes behind what it has read ahead. `tell()` works in a loop
 *   over lines, too. What is not UTF-8 throws when it is read, in Python also when it lies shortly behind that.
 * - A closed file, and one in a mode for something else, is `Deno.errors.BadResource`, as of `Deno.FsFile`, where Python
 *   has ValueError and UnsupportedOperation. Text is UTF-8, where Python asks the locale.
 * - `compat33` is always there; Python has it up to 3.2, and `os` from 3.3 on. `listdir()` of a descriptor opens it anew,
 *   which needs LOOKUP and READ; twice gives the same, where Python's gives nothing the second time. A name that is not
 *   UTF-8 has U+DC80 to U+DCFF for its bytes, as in Python 3.
 *
 * @module
 */
import { Right } from "../../rights/mod.ts";
import * as members from "./cap.ts";

export * from "./cap.ts";

/** The whole module `cap`, as `import cap` gives it in Python: its members, and each right by its name. */
const cap: Readonly<typeof Right & typeof members> = Object.freeze({ ...Right, ...members });
export default cap;
