/* Processes, signals, random bytes, the system's limits. */
#include "standin.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

CALL(int, getpid, void) {
  ENTER(getpid);
  return (int)syscall(SYS_getpid);
}

CALL(int, getppid, void) {
  ENTER(getppid);
  return (int)syscall(SYS_getppid);
}

CALL(int, umask, int mask) {
  ENTER(umask);
  return (int)syscall(SYS_umask, mask & 07777);
}

/* Translates FreeBSD's signal number to Linux's; -1 if Linux has no such signal. */
static int linux_signal(int number) {
  static const signed char differing[32] = {
      [7] = -1,       [10] = SIGBUS,  [12] = SIGSYS,  [16] = SIGURG,  [17] = SIGSTOP, [18] = SIGTSTP,
      [19] = SIGCONT, [20] = SIGCHLD, [23] = SIGIO,   [29] = -1,      [30] = SIGUSR1, [31] = SIGUSR2,
  };
  if (number < 0 || number > 31) return -1;
  return differing[number] != 0 ? differing[number] : number;
}

CALL(int, kill, int process, int number) {
  ENTER(kill);
  if (in_capmode() && process != syscall(SYS_getpid)) return fail(B_ECAPMODE);
  if (number < 0 || number > 128) return fail(B_EINVAL);
  int translated = linux_signal(number);
  return (int)answer(syscall(SYS_kill, process, translated == -1 ? 0 : translated));
}

static int wait_for(int process, int *status, int options, void *usage) {
  if (!release15 && in_capmode()) return fail(B_ECAPMODE);
  return (int)answer(syscall(SYS_wait4, process, status, options & 3, usage));
}

CALL(int, wait4, int process, int *status, int options, void *usage) {
  ENTER(wait4);
  return wait_for(process, status, options, usage);
}

CALL(int, waitpid, int process, int *status, int options) {
  ENTER(waitpid);
  return wait_for(process, status, options, NULL);
}

CALL(long, getrandom, void *buffer, size_t length, unsigned flags) {
  ENTER(getrandom);
  if ((flags & ~7u) != 0) return fail(B_EINVAL);
  return answer(syscall(SYS_getrandom, buffer, length, flags & 3));
}

CALL(int, getentropy, void *buffer, size_t length) {
  ENTER(getentropy);
  if (length > 256) return fail(B_EINVAL);
  return syscall(SYS_getrandom, buffer, length, 0) == -1 ? (int)answer(-1) : 0;
}

/* The soft limit, but at most kern.maxfilesperproc. */
static long open_files(void) {
  enum { MAX_FILES_PER_PROCESS = 1 << 20 };
  struct rlimit limit;
  if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) == -1) return 1024;
  return limit.rlim_cur > MAX_FILES_PER_PROCESS ? MAX_FILES_PER_PROCESS : (long)limit.rlim_cur;
}

CALL(int, getdtablesize, void) {
  ENTER(getdtablesize);
  return (int)open_files();
}

CALL(long, sysconf, int name) {
  ENTER(sysconf);
  enum { ARG_MAX_ = 1, CLK_TCK = 3, NGROUPS = 4, OPEN_MAX = 5, PAGESIZE = 47, IOV = 56, NPROC_CONF = 57, NPROC = 58 };
  switch (name) {
    case ARG_MAX_: return 524288;
    case CLK_TCK: return 128;
    case NGROUPS: return 1023;
    case OPEN_MAX: return open_files();
    case PAGESIZE: return 4096;
    case IOV: return B_IOV_MAX;
    case NPROC_CONF:
    case NPROC: return 2;
    default: return fail(B_EINVAL);
  }
}

/* FreeBSD's clocks: real time 0, virtual 1, profiling 2, monotonic 4, and variants of these. */
static int linux_clock(int clock) {
  switch (clock) {
    case 0: case 9: case 10: return 0;
    case 1: case 2: case 15: return 2;
    case 4: case 11: case 12: return 1;
    case 5: case 7: case 8: return 7;
    case 13: return 0;
    case 14: return 3;
    default: return -1;
  }
}

CALL(int, clock_gettime, int clock, struct b_timespec *now) {
  ENTER(clock_gettime);
  if (linux_clock(clock) == -1) return fail(B_EINVAL);
  return (int)answer(syscall(SYS_clock_gettime, linux_clock(clock), now));
}

CALL(int, nanosleep, const struct b_timespec *wanted, struct b_timespec *left) {
  ENTER(nanosleep);
  return (int)answer(syscall(SYS_nanosleep, wanted, left));
}

/* Returns an error number and does not set errno. */
CALL(int, clock_nanosleep, int clock, int flags, const struct b_timespec *wanted, struct b_timespec *left) {
  ENTER_WITH(clock_nanosleep, injected);
  if (in_capmode()) return fail(B_ECAPMODE);
  if (linux_clock(clock) == -1) return B_EINVAL;
  return syscall(SYS_clock_nanosleep, linux_clock(clock), flags & 1, wanted, left) == -1 ? linux_error() : 0;
}
