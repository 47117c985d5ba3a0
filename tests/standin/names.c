/* Calls on the names in a directory: create, link, rename, remove. */
#include "standin.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>

static int linux_call(long result) { return result == -1 ? linux_error() : 0; }

/* Looks up a name to create, which must not exist. */
static int lookup_new(struct lookup *l) {
  l->operation = CREATE;
  int error = lookup(l);
  if (error != 0 || l->found == -1) return error;
  lookup_end(l);
  return B_EEXIST;
}

static int make_directory(int dirfd, const char *path, int mode) {
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = WILL_BE_DIR, .rights = CAP_MKDIRAT};
  int error = lookup_new(&l);
  if (error != 0) return error;
  error = linux_call(syscall(SYS_mkdirat, l.parent, l.name, mode & 0777));
  lookup_end(&l);
  return error;
}

CALL(int, mkdirat, int dirfd, const char *path, int mode) {
  ENTER(mkdirat);
  return returned(make_directory(dirfd, path, mode));
}

CALL(int, mkdir, const char *path, int mode) {
  ENTER_AMBIENT(mkdir);
  return returned(make_directory(B_AT_FDCWD, path, mode));
}

static int make_node(int dirfd, const char *path, unsigned mode, uint64_t device, uint64_t right) {
  struct lookup l = {.dirfd = dirfd, .path = path, .rights = right};
  int error = lookup_new(&l);
  if (error != 0) return error;
  error = linux_call(syscall(SYS_mknodat, l.parent, l.name, mode, (unsigned)device));
  lookup_end(&l);
  return error;
}

static int make_fifo(int dirfd, const char *path, int mode) {
  return make_node(dirfd, path, S_IFIFO | ((unsigned)mode & 07777), 0, CAP_MKFIFOAT);
}

CALL(int, mkfifoat, int dirfd, const char *path, int mode) {
  ENTER(mkfifoat);
  return returned(make_fifo(dirfd, path, mode));
}

CALL(int, mkfifo, const char *path, int mode) {
  ENTER_AMBIENT(mkfifo);
  return returned(make_fifo(B_AT_FDCWD, path, mode));
}

/* A FIFO needs the right MKFIFOAT, not MKNODAT. */
static int make_special(int dirfd, const char *path, int mode, uint64_t device) {
  if (S_ISFIFO(mode) && device == 0) return make_fifo(dirfd, path, mode);
  if (!S_ISCHR(mode) && !S_ISBLK(mode)) return B_EINVAL;
  if (geteuid() != 0) return B_EPERM;
  return make_node(dirfd, path, (unsigned)mode, device, CAP_MKNODAT);
}

CALL(int, mknodat, int dirfd, const char *path, int mode, uint64_t device) {
  ENTER(mknodat);
  return returned(make_special(dirfd, path, mode, device));
}

CALL(int, mknod, const char *path, int mode, uint64_t device) {
  ENTER(mknod);
  return returned(make_special(B_AT_FDCWD, path, mode, device));
}

static int make_symlink(const char *target, int dirfd, const char *path) {
  if (target == NULL) return B_EFAULT;
  if (strlen(target) >= B_PATH_MAX) return B_ENAMETOOLONG;
  struct lookup l = {.dirfd = dirfd, .path = path, .rights = CAP_SYMLINKAT};
  int error = lookup_new(&l);
  if (error != 0) return error;
  error = linux_call(syscall(SYS_symlinkat, target, l.parent, l.name));
  lookup_end(&l);
  return error;
}

CALL(int, symlinkat, const char *target, int dirfd, const char *path) {
  ENTER(symlinkat);
  return returned(make_symlink(target, dirfd, path));
}

CALL(int, symlink, const char *target, const char *path) {
  ENTER_AMBIENT(symlink);
  return returned(make_symlink(target, B_AT_FDCWD, path));
}

static long read_link(int dirfd, const char *path, char *buffer, size_t length) {
  if (length > SSIZE_MAX) return fail(B_EINVAL);
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = EMPTY_OK};
  int error = lookup(&l);
  if (error != 0) return fail(error);
  long result = -1;
  if (!S_ISLNK(l.mode)) error = B_EINVAL;
  else if (length == 0) result = 0;
  else {
    result = syscall(SYS_readlinkat, l.found, "", buffer, length > B_PATH_MAX * 4 ? B_PATH_MAX * 4 : length);
    if (result == -1) error = linux_error();
  }
  lookup_end(&l);
  return error != 0 ? fail(error) : result;
}

CALL(long, readlinkat, int dirfd, const char *path, char *buffer, size_t length) {
  ENTER(readlinkat);
  return read_link(dirfd, path, buffer, length);
}

CALL(long, readlink, const char *path, char *buffer, size_t length) {
  ENTER_AMBIENT(readlink);
  return read_link(B_AT_FDCWD, path, buffer, length);
}

static int link_linux(struct lookup *from, struct lookup *to) {
  int follow_proc = from->empty ? AT_SYMLINK_FOLLOW : 0;
  return linux_call(syscall(SYS_linkat, at_fd(from), at_name(from), to->parent, to->name, follow_proc));
}

/* Whether a lookup from this descriptor fails; asked before another lookup opens a descriptor of the same number. */
static bool starts_nowhere(int dirfd, const char *path) {
  return dirfd != B_AT_FDCWD && path != NULL && path[0] != '/' && check_open(dirfd) != 0;
}

static int make_link(int from_fd, const char *from_path, int to_fd, const char *to_path, int at_flags) {
  int flags = lookup_flags(at_flags, B_AT_SYMLINK_FOLLOW | B_AT_RESOLVE_BENEATH | B_AT_EMPTY_PATH);
  if (flags == -1) return B_EINVAL;
  struct lookup from = {
      .dirfd = from_fd, .path = from_path, .flags = (unsigned)flags, .rights = CAP_LINKAT_SOURCE};
  bool nowhere = starts_nowhere(to_fd, to_path);
  int error = lookup(&from);
  if (error != 0) return error;
  struct lookup to = {.dirfd = to_fd, .path = to_path, .rights = CAP_LINKAT_TARGET, .parent = -1, .found = -1};
  bool by_descriptor = (flags & EMPTY_OK) != 0 && from_path[0] == 0;
  if ((by_descriptor && geteuid() != 0) || S_ISDIR(from.mode)) error = B_EPERM;
  else error = nowhere ? B_EBADF : lookup_new(&to);
  if (error == 0) error = link_linux(&from, &to);
  lookup_end(&from);
  lookup_end(&to);
  return error;
}

CALL(int, linkat, int from_fd, const char *from, int to_fd, const char *to, int flags) {
  ENTER(linkat);
  return returned(make_link(from_fd, from, to_fd, to, flags));
}

CALL(int, link, const char *from, const char *to) {
  ENTER_AMBIENT(link);
  return returned(make_link(B_AT_FDCWD, from, B_AT_FDCWD, to, B_AT_SYMLINK_FOLLOW));
}

/* A rename that replaces a file also needs UNLINKAT. */
static int check_replaced(const struct lookup *from, const struct lookup *to, unsigned flags) {
  if (to->found == -1) return 0;
  if ((flags & B_AT_RENAME_NOREPLACE) != 0) return B_EEXIST;
  if (S_ISDIR(from->mode) && !S_ISDIR(to->mode)) return B_ENOTDIR;
  if (!S_ISDIR(from->mode) && S_ISDIR(to->mode)) return B_EISDIR;
  if (to->dirfd == B_AT_FDCWD || to->absolute) return 0;
  return check_rights(to->dirfd, CAP_UNLINKAT | CAP_LOOKUP, 0);
}

static int rename_at(int from_fd, const char *from_path, int to_fd, const char *to_path, unsigned flags) {
  if ((flags & ~(unsigned)B_AT_RENAME_NOREPLACE) != 0) return B_EINVAL;
  struct lookup from = {.dirfd = from_fd, .path = from_path, .operation = DELETE, .rights = CAP_RENAMEAT_SOURCE};
  bool nowhere = starts_nowhere(to_fd, to_path);
  int error = lookup(&from);
  if (error != 0) return error;
  struct lookup to = {.dirfd = to_fd, .path = to_path, .operation = RENAME, .rights = CAP_RENAMEAT_TARGET};
  if (S_ISDIR(from.mode)) to.flags |= WILL_BE_DIR;
  error = nowhere ? B_EBADF : lookup(&to);
  if (error == B_EISDIR && S_ISDIR(from.mode)) error = B_EINVAL;
  if (error == 0) {
    error = check_replaced(&from, &to, flags);
    unsigned linux_flags = (flags & B_AT_RENAME_NOREPLACE) != 0 ? RENAME_NOREPLACE : 0;
    if (error == 0) {
      error = linux_call(syscall(SYS_renameat2, from.parent, from.name, to.parent, to.name, linux_flags));
    }
    lookup_end(&to);
  }
  lookup_end(&from);
  return error;
}

CALL(int, renameat, int from_fd, const char *from, int to_fd, const char *to) {
  ENTER(renameat);
  return returned(rename_at(from_fd, from, to_fd, to, 0));
}

CALL(int, renameat2, int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
  ENTER(renameat2);
  return release15 ? returned(rename_at(from_fd, from, to_fd, to, flags)) : fail(B_ENOSYS);
}

CALL(int, rename, const char *from, const char *to) {
  ENTER_AMBIENT(rename);
  return returned(rename_at(B_AT_FDCWD, from, B_AT_FDCWD, to, 0));
}

static int remove_name(int dirfd, const char *path, int fd, unsigned flags) {
  struct lookup l = {.dirfd = dirfd, .path = path, .operation = DELETE, .flags = flags, .rights = CAP_UNLINKAT};
  int error = lookup(&l);
  if (error != 0) return error == B_EINVAL ? B_EPERM : error;
  if (S_ISDIR(l.mode)) error = B_EPERM;
  else if (fd != B_FD_NONE && !same_file(fd, l.found)) error = B_EDEADLK;
  else error = linux_call(syscall(SYS_unlinkat, l.parent, l.name, 0));
  lookup_end(&l);
  return error;
}

static int remove_directory(int dirfd, const char *path, int fd, unsigned flags) {
  struct lookup l = {.dirfd = dirfd, .path = path, .operation = DELETE, .flags = flags, .rights = CAP_UNLINKAT};
  int error = lookup(&l);
  if (error != 0) return error;
  if (!S_ISDIR(l.mode)) error = B_ENOTDIR;
  else if (is_mount_root(l.found)) error = B_EBUSY;
  else if (fd != B_FD_NONE && !same_file(fd, l.found)) error = B_EDEADLK;
  else error = linux_call(syscall(SYS_unlinkat, l.parent, l.name, AT_REMOVEDIR));
  lookup_end(&l);
  return error;
}

static int remove_at(int dirfd, const char *path, int fd, int at_flags) {
  if ((at_flags & ~(B_AT_REMOVEDIR | B_AT_RESOLVE_BENEATH)) != 0) return B_EINVAL;
  bool directory = (at_flags & B_AT_REMOVEDIR) != 0;
  if (fd != B_FD_NONE) {
    int error = check_rights(fd, directory ? CAP_LOOKUP : 0, 0);
    if (error == 0 && check_open(fd) != 0) error = B_EBADF;
    if (error != 0) return error;
  }
  /* 13.2 accepts the flag and ignores it. */
  unsigned flags = release15 && (at_flags & B_AT_RESOLVE_BENEATH) != 0 ? BENEATH : 0;
  return directory ? remove_directory(dirfd, path, fd, flags) : remove_name(dirfd, path, fd, flags);
}

CALL(int, unlinkat, int dirfd, const char *path, int flags) {
  ENTER(unlinkat);
  return returned(remove_at(dirfd, path, B_FD_NONE, flags));
}

CALL(int, funlinkat, int dirfd, const char *path, int fd, int flags) {
  ENTER(funlinkat);
  return returned(remove_at(dirfd, path, fd, flags));
}

CALL(int, unlink, const char *path) {
  ENTER_AMBIENT(unlink);
  return returned(remove_name(B_AT_FDCWD, path, B_FD_NONE, 0));
}

CALL(int, rmdir, const char *path) {
  ENTER_AMBIENT(rmdir);
  return returned(remove_directory(B_AT_FDCWD, path, B_FD_NONE, 0));
}
