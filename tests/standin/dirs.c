/* Listing directories, and the working directory. */
#include "standin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BATCH = 64 * 1024 };

struct linux_dirent {
  uint64_t d_ino;
  int64_t d_off;
  uint16_t d_reclen;
  uint8_t d_type;
  char d_name[];
};

static size_t record_length(size_t name_length) { return (sizeof(struct b_dirent) + name_length + 1 + 7) & ~(size_t)7; }

/* Writes one record and returns its length; 0 if it does not fit. */
static size_t put_record(const struct linux_dirent *from, char *to, size_t room) {
  size_t name_length = strlen(from->d_name);
  size_t length = record_length(name_length);
  if (length > room) return 0;
  struct b_dirent *record = (struct b_dirent *)to;
  record->d_fileno = from->d_ino;
  record->d_off = from->d_off;
  record->d_reclen = (uint16_t)length;
  record->d_type = from->d_type;
  record->d_pad0 = 0;
  record->d_namlen = (uint16_t)name_length;
  record->d_pad1 = 0;
  memset(to + length - 8, 0, 8);
  memcpy(record->d_name, from->d_name, name_length);
  return length;
}

/*
 * Fills `out` from Linux's records, and leaves the descriptor's offset after the last record written.
 *
 * A FreeBSD record is at most 4/3 as long as Linux's, so records read into three quarters of the buffer always fit. If
 * that is too small for one name, the whole buffer is used, and records that do not fit are read again next time.
 */
static int list(int fd, char *out, size_t room, size_t *written) {
  _Alignas(8) char batch[BATCH];
  bool whole_room = false;
  while (!whole_room || *written == 0) {
    size_t left = room - *written;
    size_t asked = whole_room ? left : left / 4 * 3;
    long got = syscall(SYS_getdents64, fd, batch, asked < BATCH ? asked : BATCH);
    if (got == 0 || (got == -1 && *written > 0)) return 0;
    if (got == -1 && (whole_room || errno != EINVAL)) return linux_error();
    if (got == -1) whole_room = true;
    int64_t behind = -1;
    for (long at = 0; at < got;) {
      const struct linux_dirent *entry = (const struct linux_dirent *)(batch + at);
      size_t length = put_record(entry, out + *written, room - *written);
      if (length == 0 && at == 0) return B_EINVAL;
      if (length == 0) return (int)(syscall(SYS_lseek, fd, behind, SEEK_SET) == -1 ? linux_error() : 0);
      *written += length;
      behind = entry->d_off;
      at += entry->d_reclen;
    }
  }
  return 0;
}

static int list_directory(int fd, char *out, size_t room, int64_t *base, size_t *written) {
  if (room > SSIZE_MAX) return B_EINVAL;
  int error = check_rights(fd, CAP_READ, 0);
  if (error != 0) return error;
  int mode = mode_of(fd);
  if (mode == -1 || is_path_only(fd)) return B_EBADF;
  if (S_ISFIFO(mode) || S_ISSOCK(mode)) return B_EINVAL;
  if (!S_ISDIR(mode)) return release15 ? B_ENOTDIR : B_EINVAL;
  long start = syscall(SYS_lseek, fd, 0, SEEK_CUR);
  error = list(fd, out, room, written);
  if (error != 0) {
    syscall(SYS_lseek, fd, start, SEEK_SET);
    return error;
  }
  if (base != NULL) *base = start;
  return 0;
}

CALL(long, getdirentries, int fd, char *out, size_t room, int64_t *base) {
  ENTER(getdirentries);
  size_t written = 0;
  int error = list_directory(fd, out, room, base, &written);
  return error != 0 ? fail(error) : (long)written;
}

CALL(long, getdents, int fd, char *out, size_t room) {
  ENTER(getdents);
  size_t written = 0;
  int error = list_directory(fd, out, room, NULL, &written);
  return error != 0 ? fail(error) : (long)written;
}

CALL(int, chdir, const char *path) {
  ENTER_AMBIENT(chdir);
  struct lookup l = {.dirfd = B_AT_FDCWD, .path = path, .flags = FOLLOW};
  int error = lookup(&l);
  if (error == 0 && syscall(SYS_fchdir, l.found) == -1) error = linux_error();
  lookup_end(&l);
  return returned(error);
}

CALL(int, fchdir, int fd) {
  ENTER_AMBIENT(fchdir);
  int error = check_rights(fd, CAP_FCHDIR, 0);
  if (error == 0 && (fd_flags(fd) & B_FD_RESOLVE_BENEATH) != 0) error = B_ENOTCAPABLE;
  if (error != 0) return fail(error);
  int mode = mode_of(fd);
  if (mode != -1 && (S_ISFIFO(mode) || S_ISSOCK(mode))) return fail(B_EINVAL);
  return (int)answer(syscall(SYS_fchdir, fd));
}

CALL(char *, getcwd, char *buffer, size_t size) {
  ENTER_WITH(getcwd, (fail(injected), NULL));
  if (in_capmode()) return fail(B_ECAPMODE), NULL;
  char path[B_PATH_MAX * 4];
  if (buffer != NULL && size == 0) return fail(B_EINVAL), NULL;
  long length = syscall(SYS_getcwd, path, sizeof path);
  if (length == -1) return answer(-1), NULL;
  if (buffer == NULL) buffer = malloc(size = (size_t)length);
  if ((size_t)length > size) return fail(B_ERANGE), NULL;
  return memcpy(buffer, path, (size_t)length);
}

CALL(char *, realpath, const char *path, char *resolved) {
  ENTER_WITH(realpath, (fail(injected), NULL));
  if (in_capmode()) return fail(B_ECAPMODE), NULL;
  struct lookup l = {.dirfd = B_AT_FDCWD, .path = path, .flags = FOLLOW};
  int error = lookup(&l);
  char link[32], text[B_PATH_MAX];
  long length = -1;
  if (error == 0) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", l.found);
    length = syscall(SYS_readlinkat, AT_FDCWD, link, text, sizeof text - 1);
    if (length == -1) error = linux_error();
  }
  lookup_end(&l);
  if (error != 0) return fail(error), NULL;
  if (resolved == NULL) resolved = malloc(B_PATH_MAX);
  memcpy(resolved, text, (size_t)length);
  resolved[length] = 0;
  return resolved;
}
