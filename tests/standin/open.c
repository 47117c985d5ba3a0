/* open(2) */
#include "standin.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
  KNOWN_13 = B_O_ACCMODE | B_O_NONBLOCK | B_O_APPEND | B_O_SHLOCK | B_O_EXLOCK | B_O_ASYNC | B_O_SYNC |
             B_O_NOFOLLOW | B_O_CREAT | B_O_TRUNC | B_O_EXCL | B_O_NOCTTY | B_O_DIRECT | B_O_DIRECTORY |
             B_O_EXEC | B_O_TTY_INIT | B_O_CLOEXEC | B_O_VERIFY | B_O_PATH | B_O_RESOLVE_BENEATH | B_O_DSYNC |
             B_O_EMPTY_PATH,
  KNOWN_15 = KNOWN_13 | B_O_NAMEDATTR | B_O_CLOFORK,
};

enum { UNDECIDED = -1 };

static uint64_t rights_for(int flags) {
  uint64_t rights = 0;
  if ((flags & B_O_EXEC) != 0) {
    rights |= CAP_FEXECVE;
    if ((flags & B_O_PATH) != 0) return rights;
  } else {
    int mode = flags & B_O_ACCMODE;
    if (mode == 0 || mode == B_O_RDWR) rights |= CAP_READ;
    if (mode == B_O_WRONLY || mode == B_O_RDWR) {
      rights |= (flags & (B_O_APPEND | B_O_TRUNC)) != 0 ? CAP_WRITE : CAP_WRITE | CAP_SEEK;
    }
  }
  if ((flags & B_O_CREAT) != 0) rights |= CAP_CREATE;
  if ((flags & B_O_TRUNC) != 0) rights |= CAP_FTRUNCATE;
  if ((flags & (release15 ? B_O_SYNC | B_O_DSYNC : B_O_SYNC)) != 0) rights |= CAP_FSYNC;
  if ((flags & (B_O_EXLOCK | B_O_SHLOCK)) != 0) rights |= CAP_FLOCK;
  return rights;
}

static int check_flags(int *flags) {
  if (release15 && (*flags & ~KNOWN_15) != 0) return B_EINVAL;
  if (!release15) *flags &= KNOWN_13;
  if ((*flags & B_O_PATH) != 0) *flags &= release15 ? ~B_O_ACCMODE : ~(B_O_ACCMODE | B_O_CREAT);
  else if ((*flags & B_O_EXEC) != 0 ? (*flags & B_O_ACCMODE) != 0 : (*flags & B_O_ACCMODE) == B_O_ACCMODE) {
    return B_EINVAL;
  }
  int exclusive_directory = B_O_CREAT | B_O_EXCL | B_O_DIRECTORY;
  if ((*flags & exclusive_directory) == exclusive_directory) return B_EINVAL;
  if ((*flags & B_O_CREAT) != 0 && (*flags & B_O_EMPTY_PATH) != 0) return B_EINVAL;
  return 0;
}

/* Whether a file is truncated only once it is locked. */
static bool truncates_locked(int flags) {
  return (flags & (B_O_EXLOCK | B_O_SHLOCK)) != 0 && (flags & B_O_TRUNC) != 0 && (flags & B_O_ACCMODE) != 0;
}

static int linux_flags(int flags) {
  if (truncates_locked(flags)) flags &= ~B_O_TRUNC;
  static const int pairs[][2] = {
      {B_O_NONBLOCK, O_NONBLOCK}, {B_O_APPEND, O_APPEND}, {B_O_SYNC, O_SYNC},
      {B_O_DSYNC, O_DSYNC},       {B_O_TRUNC, O_TRUNC},   {B_O_DIRECT, O_DIRECT},
  };
  int common = ((flags & B_O_CLOEXEC) != 0 ? O_CLOEXEC : 0) | ((flags & B_O_DIRECTORY) != 0 ? O_DIRECTORY : 0);
  if ((flags & (B_O_PATH | B_O_EXEC)) != 0) return common | O_PATH;
  int result = common | O_NOCTTY | (flags & B_O_ACCMODE);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if ((flags & pairs[i][0]) != 0) result |= pairs[i][1];
  }
  return result;
}

static unsigned created_mode(int mode) { return (unsigned)mode & 07777 & ~(unsigned)S_ISVTX; }

/* Linux's openat(2). Retries without O_DIRECT, which is only a hint on FreeBSD. */
static int open_linux(int dirfd, const char *name, int flags, unsigned mode) {
  int fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
  if (fd == -1 && errno == EINVAL && (flags & O_DIRECT) != 0) {
    fd = (int)syscall(SYS_openat, dirfd, name, flags & ~O_DIRECT, mode);
  }
  return fd;
}

static bool has_dotdot(const char *path) {
  for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 1, "..")) {
    if ((at == path || at[-1] == '/') && (at[2] == 0 || at[2] == '/')) return true;
  }
  return false;
}

/*
 * Opens by one Linux call if FreeBSD would do the same: the path has no ".." and no symlink, and the call succeeds or
 * its error is unambiguous. Returns UNDECIDED if the full lookup is needed.
 */
static int open_directly(const struct lookup *l, int flags, int mode, int *fd) {
  if (l->empty || has_dotdot(l->path) || (flags & (B_O_EXEC | B_O_SHLOCK | B_O_EXLOCK)) != 0) return UNDECIDED;
  bool creates = (flags & B_O_CREAT) != 0;
  if (creates && (flags & (B_O_DIRECTORY | B_O_PATH)) != 0) return UNDECIDED;
  struct open_how how = {.flags = (uint64_t)linux_flags(flags), .resolve = RESOLVE_NO_SYMLINKS};
  if (creates) {
    how.flags |= (flags & B_O_EXCL) != 0 ? O_CREAT | O_EXCL : O_CREAT;
    how.mode = created_mode(mode);
  }
  if ((flags & B_O_NOFOLLOW) != 0) how.flags |= O_NOFOLLOW;
  *fd = (int)syscall(SYS_openat2, l->dirfd, l->path, &how, sizeof how);
  if (*fd != -1) return 0;
  bool missing = errno == ENOENT && !creates && is_plain_name(l->path);
  return missing || errno == EINTR || errno == EMFILE ? linux_error() : UNDECIDED;
}

static int open_created(struct lookup *l, int flags, int mode, int *fd) {
  int creating = O_CREAT | O_NOFOLLOW | ((flags & B_O_EXCL) != 0 ? O_EXCL : 0);
  int with = linux_flags(flags);
  bool path_only = (with & O_PATH) != 0;
  *fd = open_linux(l->parent, l->name, creating | (path_only ? O_CLOEXEC : with), created_mode(mode));
  if (*fd == -1) return linux_error();
  if (path_only) {
    close_quietly(*fd);
    *fd = open_linux(l->parent, l->name, with | O_NOFOLLOW, 0);
  }
  return *fd == -1 ? linux_error() : 0;
}

static int open_found(struct lookup *l, int flags, int *fd) {
  bool path_only = (flags & B_O_PATH) != 0;
  if (S_ISLNK(l->mode) && (!path_only || (flags & B_O_EXEC) != 0)) return B_EMLINK;
  if ((flags & B_O_DIRECTORY) != 0 && !S_ISDIR(l->mode)) return B_ENOTDIR;
  if (!path_only && S_ISSOCK(l->mode)) return B_EOPNOTSUPP;
  bool writes = (flags & (B_O_WRONLY | B_O_RDWR | B_O_TRUNC)) != 0;
  if (!path_only && writes && S_ISDIR(l->mode)) return B_EISDIR;
  if ((flags & B_O_EXEC) != 0 && syscall(SYS_faccessat, at_fd(l), at_name(l), X_OK) == -1) return linux_error();
  int nofollow = l->empty ? 0 : O_NOFOLLOW;
  *fd = open_linux(at_fd(l), at_name(l), linux_flags(flags) | nofollow, 0);
  return *fd == -1 ? linux_error() : 0;
}

static int open_slowly(struct lookup *l, int flags, int mode, int *fd) {
  int error = lookup(l);
  if (error != 0) return error;
  if (l->found == -1) error = open_created(l, flags, mode, fd);
  else if (l->operation == CREATE && (flags & B_O_EXCL) != 0) error = B_EEXIST;
  else if (l->operation == CREATE && S_ISDIR(l->mode)) error = B_EISDIR;
  else error = open_found(l, flags, fd);
  lookup_end(l);
  return error;
}

static int lock_opened(int fd, int flags) {
  if ((flags & (B_O_EXLOCK | B_O_SHLOCK)) == 0) return 0;
  int how = (flags & B_O_EXLOCK) != 0 ? LOCK_EX : LOCK_SH;
  if ((flags & B_O_NONBLOCK) != 0) how |= LOCK_NB;
  if (syscall(SYS_flock, fd, how) == 0 && (!truncates_locked(flags) || syscall(SYS_ftruncate, fd, 0L) == 0)) return 0;
  int error = linux_error();
  close_quietly(fd);
  return error;
}

static int open_at(int dirfd, const char *path, int flags, int mode) {
  struct lookup l = {.dirfd = dirfd, .path = path, .rights = rights_for(flags)};
  int error = check_flags(&flags);
  if (error != 0) return fail(error);
  if ((flags & B_O_NAMEDATTR) != 0) return fail(B_EINVAL);
  if ((flags & (B_O_CREAT | B_O_DIRECTORY)) == B_O_CREAT) l.operation = CREATE;
  if ((flags & B_O_NOFOLLOW) == 0 && (l.operation == LOOKUP || (flags & B_O_EXCL) == 0)) l.flags |= FOLLOW;
  if ((flags & B_O_RESOLVE_BENEATH) != 0) l.flags |= BENEATH;
  if ((flags & B_O_EMPTY_PATH) != 0) l.flags |= EMPTY_OK;
  error = lookup_start(&l);
  if (error != 0) return fail(error);
  int fd;
  error = open_directly(&l, flags, mode, &fd);
  if (error == UNDECIDED) error = open_slowly(&l, flags, mode, &fd);
  if (error == 0) error = lock_opened(fd, flags);
  if (error != 0) return fail(error);
  if (l.inherits || l.marked) inherit(dirfd, fd, B_FD_RESOLVE_BENEATH);
  else fresh(fd);
  unsigned marks = ((flags & B_O_EXEC) != 0 ? FD_OPENED_FOR_EXEC : 0) |
                   ((flags & B_O_CLOFORK) != 0 ? B_FD_CLOFORK : 0);
  set_fd_flags(fd, marks, 0);
  return fd;
}

CALL(int, open, const char *path, int flags, int mode) {
  ENTER(open);
  return open_at(B_AT_FDCWD, path, flags, mode);
}

CALL(int, openat, int dirfd, const char *path, int flags, int mode) {
  ENTER(openat);
  return open_at(dirfd, path, flags, mode);
}

CALL(int, creat, const char *path, int mode) {
  ENTER(creat);
  return open_at(B_AT_FDCWD, path, B_O_CREAT | B_O_TRUNC | B_O_WRONLY, mode);
}
