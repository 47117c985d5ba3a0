/*
 * The stand-in: the part of FreeBSD's libc for Capsicum and files, for Linux (x86_64 and arm64, glibc).
 *
 * It is test equipment. It exports FreeBSD's symbols with FreeBSD's numbers, structs and errno over real Linux files,
 * and simulates what Linux lacks: rights, ioctls and fcntls of descriptors, capability mode, and a path lookup that
 * obeys them. It answers like the recorded kernel of tests/data/kernel_traces.json, and provides no protection: code that
 * calls Linux directly, such as Deno's own API, is not limited. (On x86_64 preload.ts makes Linux refuse such calls in
 * capability mode. Every call made here therefore goes through syscall(), which is exempt.)
 *
 * Simulated releases: STANDIN_RELEASE=15.1 (the default) or 13.2, read when the library is loaded. A directory is the
 * root of a mount if Linux reports it so, or if STANDIN_MOUNT_ROOTS (absolute paths, joined by colons) names it.
 * For tests: standin_release(), standin_fail(call, nth, errno), standin_fail_from(call, nth, errno), standin_calls(call),
 * standin_short(max_bytes).
 *
 * F_KINFO and sysctl(3) kern.proc.filedesc report only the type and path. procctl(2) supports PROC_TRAPCAP_CTL and PROC_TRAPCAP_STATUS.
 *
 * Not simulated: fork, exec, process descriptors, and addresses of messages; kevent(2); file flags, ACLs and
 * extended attributes; jails and chroot; link and rename between simulated mounts; the symbols that a release lacks.
 */
#ifndef STANDIN_H
#define STANDIN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "freebsd.h"

/*
 * Defines an exported call. Its C name differs from its symbol, because glibc's headers declare the same names. Nothing
 * here may call a glibc function whose name is exported: it would call the stand-in's.
 */
#define CALL(type, name, ...) \
  __attribute__((visibility("default"))) type b_##name(__VA_ARGS__) __asm__(#name); \
  type b_##name(__VA_ARGS__)

/* Counts a call. If a test asked it to fail, returns `result`, which may use `injected`. */
#define ENTER_WITH(name, result) \
  static struct call entered_call = {#name, 0, 0, 0, false}; \
  static struct call *entered __attribute__((section("standin_calls"), used)) = &entered_call; \
  int injected = enter_call(entered); \
  if (injected != 0) return result
#define ENTER(name) ENTER_WITH(name, fail(injected))

/* For calls that capability mode refuses. */
#define ENTER_AMBIENT(name) \
  ENTER(name); \
  if (in_capmode()) return fail(B_ECAPMODE)

struct call {
  const char *name;
  atomic_long count;
  atomic_long fail_at;
  atomic_int fail_errno;
  atomic_bool fails_on;
};

/* calls.c */
int enter_call(struct call *call);
size_t shortened(size_t length);

/* errno.c: functions that return an int error return 0 or FreeBSD's errno */
int fail(int error);
int linux_error(void);
long answer(long linux_result);
static inline int returned(int error) { return error == 0 ? 0 : fail(error); }

/* release.c */
extern bool release15;
extern uint64_t cap_all[2];

/* capmode.c */
bool in_capmode(void);
void trap_violation(void);

/* caps.c */
enum { FD_OPENED_FOR_EXEC = 0x100 };

int check_open(int fd);
int check_rights(int fd, uint64_t rights0, uint64_t rights1);
int check_fcntl(int fd, uint32_t command_bit);
int check_ioctl(int fd, uint64_t request);
int check_directory(int fd, uint64_t rights, bool *limited, unsigned *flags);
unsigned fd_flags(int fd);
int set_fd_flags(int fd, unsigned set, unsigned clear);
long fresh(long fd);
void inherit(int from, int to, unsigned flags);
int export_capabilities(const int *fds, size_t count);
bool import_capabilities(int file, const int *fds, size_t count);

/* sockets.c */
int message_flags(int flags);

/* lookup.c */
enum operation { LOOKUP, CREATE, DELETE, RENAME };
enum {
  FOLLOW = 1,
  BENEATH = 2,
  EMPTY_OK = 4,
  WILL_BE_DIR = 8,
};

/* A path as given, and the result of its lookup. */
struct lookup {
  int dirfd;
  const char *path;
  enum operation operation;
  unsigned flags;
  uint64_t rights;

  bool strict;    /* the path must not leave dirfd */
  bool inherits;  /* the opened descriptor gets dirfd's capabilities */
  bool marked;    /* the opened descriptor gets dirfd's FD_RESOLVE_BENEATH */
  bool absolute;
  bool empty; /* found has no name: the path was empty, or Linux followed a link of /proc */
  int parent; /* directory of the last component */
  bool owns_parent;
  int found;     /* O_PATH descriptor of the file that the path names, or -1 */
  unsigned mode; /* st_mode of found */
  char name[B_NAME_MAX + 1];
};

int lookup_start(struct lookup *l);
int lookup(struct lookup *l);
void lookup_end(struct lookup *l);

/* The file found, as a directory and a name for Linux calls; a symlink is not followed. */
int at_fd(const struct lookup *l);
const char *at_name(struct lookup *l);

/* Whether it is a single name: not "..", and without a slash. */
bool is_plain_name(const char *path);
bool same_file(int fd, int other);
/* Converts AT_ flags to lookup flags; -1 if one is not in `allowed`. */
int lookup_flags(int at_flags, int allowed);
bool is_mount_root(int fd);

/* stat.c: -1 or false if the descriptor is not open */
int mode_of(int fd);
int64_t size_of(int fd);
bool is_path_only(int fd);

/* kinfo.c: KF_TYPE_ of sys/user.h, for the types that Linux has */
enum kf_type {
  KF_VNODE = 1,
  KF_SOCKET = 2,
  KF_PIPE = 3,
  KF_FIFO = 4,
  KF_KQUEUE = 5,
  KF_SHM = 8,
  KF_PTS = 10,
  KF_PROCDESC = 11,
  KF_EVENTFD = 13,
  KF_TIMERFD = 14,
  KF_INOTIFY = 15,
  KF_UNKNOWN = 255,
};
enum kf_type kinfo_type(int fd);
int tell_kinfo(int fd, struct b_kinfo_file *out);

static inline void close_quietly(int fd) {
  if (fd >= 0) syscall(SYS_close, fd);
}

#endif
