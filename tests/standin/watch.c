/* Timers and file watches by descriptor: calls of FreeBSD 15. */
#include "standin.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { B_NONBLOCK = 4, B_CLOEXEC = 0x100000 };

static int linux_descriptor_flags(int flags) {
  return ((flags & B_NONBLOCK) != 0 ? O_NONBLOCK : 0) | ((flags & B_CLOEXEC) != 0 ? O_CLOEXEC : 0);
}

CALL(int, timerfd_create, int clock, int flags) {
  ENTER(timerfd_create);
  enum { B_CLOCK_REALTIME = 0, B_CLOCK_MONOTONIC = 4, LINUX_CLOCK_MONOTONIC = 1 };
  if (!release15) return fail(B_ENOSYS);
  if (clock != B_CLOCK_REALTIME && clock != B_CLOCK_MONOTONIC) return fail(B_EINVAL);
  if ((flags & ~(B_NONBLOCK | B_CLOEXEC)) != 0) return fail(B_EINVAL);
  int linux_clock = clock == B_CLOCK_MONOTONIC ? LINUX_CLOCK_MONOTONIC : 0;
  return (int)fresh(answer(syscall(SYS_timerfd_create, linux_clock, linux_descriptor_flags(flags))));
}

CALL(int, timerfd_settime, int fd, int flags, const void *new, void *old) {
  ENTER(timerfd_settime);
  int error = check_rights(fd, CAP_WRITE, 0);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_timerfd_settime, fd, flags, new, old));
}

CALL(int, timerfd_gettime, int fd, void *now) {
  ENTER(timerfd_gettime);
  int error = check_rights(fd, CAP_READ, 0);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_timerfd_gettime, fd, now));
}

CALL(int, inotify_init1, int flags) {
  ENTER(inotify_init1);
  if (!release15) return fail(B_ENOSYS);
  if ((flags & ~(B_NONBLOCK | B_CLOEXEC)) != 0) return fail(B_EINVAL);
  return (int)fresh(answer(syscall(SYS_inotify_init1, linux_descriptor_flags(flags))));
}

static int add_watch(int fd, int dirfd, const char *path, uint32_t mask) {
  enum { ONLYDIR = 0x01000000, DONT_FOLLOW = 0x02000000 };
  if (!release15) return fail(B_ENOSYS);
  int error = check_rights(fd, 0, CAP1_INOTIFY_ADD);
  if (error != 0) return fail(error);
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (mask & DONT_FOLLOW) != 0 ? 0 : FOLLOW};
  error = lookup(&l);
  if (error == 0 && (mask & ONLYDIR) != 0 && !S_ISDIR(l.mode)) error = B_ENOTDIR;
  long watch = -1;
  if (error == 0) {
    char found[32];
    snprintf(found, sizeof found, "/proc/self/fd/%d", l.found);
    watch = syscall(SYS_inotify_add_watch, fd, found, mask & ~(uint32_t)DONT_FOLLOW);
    if (watch == -1) error = linux_error();
  }
  lookup_end(&l);
  return error != 0 ? fail(error) : (int)watch;
}

CALL(int, inotify_add_watch_at, int fd, int dirfd, const char *path, uint32_t mask) {
  ENTER(inotify_add_watch_at);
  return add_watch(fd, dirfd, path, mask);
}

CALL(int, inotify_add_watch, int fd, const char *path, uint32_t mask) {
  ENTER(inotify_add_watch);
  return add_watch(fd, B_AT_FDCWD, path, mask);
}

CALL(int, inotify_rm_watch, int fd, int watch) {
  ENTER(inotify_rm_watch);
  int error = check_rights(fd, 0, CAP1_INOTIFY_RM);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_inotify_rm_watch, fd, watch));
}
