/* Modes, owners, flags, times and access checks. */
#include "standin.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { OF_PATH = B_AT_SYMLINK_NOFOLLOW | B_AT_RESOLVE_BENEATH | B_AT_EMPTY_PATH };

static int linux_call(long result) { return result == -1 ? linux_error() : 0; }

/* The file of an O_EXEC descriptor, which is opened by Linux's O_PATH: such a descriptor takes changes by this path only. */
static const char *proc_path(int fd, char path[32]) {
  snprintf(path, 32, "/proc/self/fd/%d", fd);
  return path;
}

static bool opened_for_exec(int fd) { return (fd_flags(fd) & FD_OPENED_FOR_EXEC) != 0; }

/* Only root may make a file sticky. */
static int check_sticky(int mode, int file_mode) {
  return (mode & S_ISVTX) != 0 && file_mode != -1 && !S_ISDIR(file_mode) && syscall(SYS_geteuid) != 0 ? B_EFTYPE : 0;
}

static int chmod_at(int dirfd, const char *path, int mode, int at_flags, uint64_t right) {
  int flags = lookup_flags(at_flags, OF_PATH);
  if (flags == -1) return B_EINVAL;
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (unsigned)flags, .rights = right};
  int error = lookup(&l);
  if (error != 0) return error;
  error = check_sticky(mode, (int)l.mode);
  if (error == 0 && S_ISLNK(l.mode)) error = B_EOPNOTSUPP; /* Linux's symlinks have no mode */
  char found[32]; /* not its name: a symlink may have replaced it */
  if (error == 0) error = linux_call(syscall(SYS_fchmodat, AT_FDCWD, proc_path(l.found, found), mode & 07777));
  lookup_end(&l);
  return error;
}

CALL(int, fchmodat, int dirfd, const char *path, int mode, int flags) {
  ENTER(fchmodat);
  return returned(chmod_at(dirfd, path, mode, flags, CAP_FCHMOD));
}

CALL(int, chmod, const char *path, int mode) {
  ENTER_AMBIENT(chmod);
  return returned(chmod_at(B_AT_FDCWD, path, mode, 0, 0));
}

CALL(int, lchmod, const char *path, int mode) {
  ENTER_AMBIENT(lchmod);
  return returned(chmod_at(B_AT_FDCWD, path, mode, B_AT_SYMLINK_NOFOLLOW, 0));
}

CALL(int, fchmod, int fd, int mode) {
  ENTER(fchmod);
  int error = check_rights(fd, CAP_FCHMOD, 0);
  if (error == 0) error = check_sticky(mode, mode_of(fd));
  if (error != 0) return fail(error);
  char path[32];
  if (opened_for_exec(fd)) return (int)answer(syscall(SYS_fchmodat, AT_FDCWD, proc_path(fd, path), mode & 07777));
  return (int)answer(syscall(SYS_fchmod, fd, mode & 07777));
}

static int chown_at(int dirfd, const char *path, unsigned user, unsigned group, int at_flags, uint64_t right) {
  int flags = lookup_flags(at_flags, OF_PATH);
  if (flags == -1) return B_EINVAL;
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (unsigned)flags, .rights = right};
  int error = lookup(&l);
  if (error == 0) error = linux_call(syscall(SYS_fchownat, l.found, "", user, group, AT_EMPTY_PATH));
  lookup_end(&l);
  return error;
}

CALL(int, fchownat, int dirfd, const char *path, unsigned user, unsigned group, int flags) {
  ENTER(fchownat);
  return returned(chown_at(dirfd, path, user, group, flags, CAP_FCHOWN));
}

CALL(int, chown, const char *path, unsigned user, unsigned group) {
  ENTER_AMBIENT(chown);
  return returned(chown_at(B_AT_FDCWD, path, user, group, 0, 0));
}

CALL(int, lchown, const char *path, unsigned user, unsigned group) {
  ENTER_AMBIENT(lchown);
  return returned(chown_at(B_AT_FDCWD, path, user, group, B_AT_SYMLINK_NOFOLLOW, 0));
}

CALL(int, fchown, int fd, unsigned user, unsigned group) {
  ENTER(fchown);
  int error = check_rights(fd, CAP_FCHOWN, 0);
  if (error != 0) return fail(error);
  if (opened_for_exec(fd)) return (int)answer(syscall(SYS_fchownat, fd, "", user, group, AT_EMPTY_PATH));
  return (int)answer(syscall(SYS_fchown, fd, user, group));
}

/* Linux has no file flags: none are set, and setting one fails. */
static int check_file_flags(unsigned long file_flags) { return file_flags == 0 ? 0 : B_EOPNOTSUPP; }

CALL(int, fchflags, int fd, unsigned long file_flags) {
  ENTER(fchflags);
  int error = check_rights(fd, CAP_FCHFLAGS, 0);
  if (error == 0 && (check_open(fd) != 0 || is_path_only(fd))) error = B_EBADF;
  return returned(error != 0 ? error : check_file_flags(file_flags));
}

static int chflags_at(int dirfd, const char *path, unsigned long file_flags, int at_flags, uint64_t right) {
  int flags = lookup_flags(at_flags, OF_PATH);
  if (flags == -1) return B_EINVAL;
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (unsigned)flags, .rights = right};
  int error = lookup(&l);
  if (error == 0) error = check_file_flags(file_flags);
  lookup_end(&l);
  return error;
}

CALL(int, chflagsat, int dirfd, const char *path, unsigned long file_flags, int flags) {
  ENTER(chflagsat);
  return returned(chflags_at(dirfd, path, file_flags, flags, CAP_FCHFLAGS));
}

CALL(int, chflags, const char *path, unsigned long file_flags) {
  ENTER_AMBIENT(chflags);
  return returned(chflags_at(B_AT_FDCWD, path, file_flags, 0, 0));
}

CALL(int, lchflags, const char *path, unsigned long file_flags) {
  ENTER_AMBIENT(lchflags);
  return returned(chflags_at(B_AT_FDCWD, path, file_flags, B_AT_SYMLINK_NOFOLLOW, 0));
}

struct times {
  struct b_timespec value[2];
  bool now;       /* both are the current time */
  bool unchanged; /* both stay unchanged, so nothing is checked */
};

static int translate_times(const struct b_timespec *from, struct times *to) {
  memset(to, 0, sizeof *to);
  to->now = from == NULL;
  if (from == NULL) return 0;
  to->unchanged = from[0].tv_nsec == B_UTIME_OMIT && from[1].tv_nsec == B_UTIME_OMIT;
  for (int i = 0; i < 2; i++) {
    struct b_timespec t = from[i];
    if (t.tv_nsec == B_UTIME_NOW) t.tv_nsec = UTIME_NOW;
    else if (t.tv_nsec == B_UTIME_OMIT) t.tv_nsec = UTIME_OMIT;
    else if (t.tv_nsec < 0 || t.tv_nsec >= 1000000000) return B_EINVAL;
    else if (t.tv_sec == -1) t.tv_nsec = UTIME_OMIT; /* the kernel's mark for "no value" */
    to->value[i] = t;
  }
  return 0;
}

static const void *linux_times(const struct times *times) { return times->now ? NULL : times->value; }

static int utimens_at(int dirfd, const char *path, const struct b_timespec *from, int at_flags, uint64_t right) {
  int flags = lookup_flags(at_flags, OF_PATH);
  if (flags == -1) return B_EINVAL;
  struct times times;
  int error = translate_times(from, &times);
  if (error != 0) return error;
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (unsigned)flags, .rights = right};
  error = lookup(&l);
  if (error == 0 && !times.unchanged) {
    bool is_link = S_ISLNK(l.mode) && !l.empty;
    char found[32]; /* not its name: a symlink may have replaced it */
    error = linux_call(is_link ? syscall(SYS_utimensat, l.parent, l.name, linux_times(&times), AT_SYMLINK_NOFOLLOW)
                               : syscall(SYS_utimensat, AT_FDCWD, proc_path(l.found, found), linux_times(&times), 0));
  }
  lookup_end(&l);
  return error;
}

CALL(int, utimensat, int dirfd, const char *path, const struct b_timespec *times, int flags) {
  ENTER(utimensat);
  return returned(utimens_at(dirfd, path, times, flags, CAP_FUTIMES));
}

static int futimens_linux(int fd, const struct b_timespec *from) {
  struct times times;
  int error = translate_times(from, &times);
  if (error != 0 || times.unchanged) return error;
  error = check_rights(fd, CAP_FUTIMES, 0);
  if (error != 0) return error;
  if (fd < 0) return B_EBADF;
  char path[32];
  bool by_path = opened_for_exec(fd);
  return linux_call(syscall(SYS_utimensat, by_path ? AT_FDCWD : fd, by_path ? proc_path(fd, path) : NULL,
                            linux_times(&times), 0));
}

CALL(int, futimens, int fd, const struct b_timespec *times) {
  ENTER(futimens);
  return returned(futimens_linux(fd, times));
}

/* Converts struct timeval to struct timespec; NULL means the current time. */
static int from_timevals(const struct b_timeval *from, struct b_timespec to[2], const struct b_timespec **result) {
  *result = from == NULL ? NULL : to;
  for (int i = 0; from != NULL && i < 2; i++) {
    if (from[i].tv_usec < 0 || from[i].tv_usec >= 1000000) return B_EINVAL;
    to[i] = (struct b_timespec){from[i].tv_sec, from[i].tv_usec * 1000};
  }
  return 0;
}

CALL(int, futimes, int fd, const struct b_timeval *times) {
  ENTER(futimes);
  struct b_timespec values[2];
  const struct b_timespec *given;
  int error = from_timevals(times, values, &given);
  return returned(error != 0 ? error : futimens_linux(fd, given));
}

static int utimes_at(int dirfd, const char *path, const struct b_timeval *times, int flags, uint64_t right) {
  struct b_timespec values[2];
  const struct b_timespec *given;
  int error = from_timevals(times, values, &given);
  return error != 0 ? error : utimens_at(dirfd, path, given, flags, right);
}

CALL(int, futimesat, int dirfd, const char *path, const struct b_timeval *times) {
  ENTER(futimesat);
  return returned(utimes_at(dirfd, path, times, 0, CAP_FUTIMES));
}

CALL(int, utimes, const char *path, const struct b_timeval *times) {
  ENTER_AMBIENT(utimes);
  return returned(utimes_at(B_AT_FDCWD, path, times, 0, 0));
}

CALL(int, lutimes, const char *path, const struct b_timeval *times) {
  ENTER_AMBIENT(lutimes);
  return returned(utimes_at(B_AT_FDCWD, path, times, B_AT_SYMLINK_NOFOLLOW, 0));
}

static int access_at(int dirfd, const char *path, int mode, int at_flags, uint64_t right) {
  int allowed = B_AT_EACCESS | B_AT_RESOLVE_BENEATH | B_AT_EMPTY_PATH | (release15 ? B_AT_SYMLINK_NOFOLLOW : 0);
  int flags = lookup_flags(at_flags, allowed);
  if (flags == -1 || (mode & ~(R_OK | W_OK | X_OK)) != 0) return B_EINVAL;
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (unsigned)flags, .rights = right};
  int error = lookup(&l);
  if (error == 0) {
    int linux_flags = AT_EMPTY_PATH | ((at_flags & B_AT_EACCESS) != 0 ? AT_EACCESS : 0);
    error = linux_call(syscall(SYS_faccessat2, l.found, "", mode, linux_flags));
  }
  lookup_end(&l);
  return error;
}

CALL(int, faccessat, int dirfd, const char *path, int mode, int flags) {
  ENTER(faccessat);
  return returned(access_at(dirfd, path, mode, flags, CAP_FSTAT));
}

CALL(int, access, const char *path, int mode) {
  ENTER_AMBIENT(access);
  return returned(access_at(B_AT_FDCWD, path, mode, 0, 0));
}

CALL(int, eaccess, const char *path, int mode) {
  ENTER_AMBIENT(eaccess);
  return returned(access_at(B_AT_FDCWD, path, mode, B_AT_EACCESS, 0));
}
