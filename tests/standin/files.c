/* Calls on open files: read, write, seek, truncate, sync, copy. */
#include "standin.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { COPY_CHUNK = 1 << 16 };

CALL(int, close, int fd) {
  ENTER(close);
  /* Must precede close(2): afterwards another thread may get the number. */
  fresh(fd);
  return (int)answer(syscall(SYS_close, fd));
}

CALL(int, close_range, unsigned low, unsigned high, int flags) {
  ENTER(close_range);
  enum { CLOEXEC_ONLY = 4 }; /* the same in Linux */
  if ((flags & ~CLOEXEC_ONLY) != 0 || low > high) return fail(B_EINVAL);
  return (int)answer(syscall(SYS_close_range, low, high, flags));
}

CALL(void, closefrom, int low) { syscall(SYS_close_range, low < 0 ? 0u : (unsigned)low, ~0u, 0); }

/* Whether a FIFO had no writer since it was opened: both systems report POLLHUP only after a writer has closed it. */
static bool awaits_writer(int fd, const struct timespec *timeout) {
  struct pollfd polled = {.fd = fd, .events = POLLIN};
  return S_ISFIFO(mode_of(fd)) && syscall(SYS_ppoll, &polled, 1, timeout, NULL, 0) == 0;
}

CALL(long, read, int fd, void *buffer, size_t length) {
  ENTER(read);
  if (length > SSIZE_MAX) return fail(B_EINVAL);
  int error = check_rights(fd, CAP_READ, 0);
  if (error != 0) return fail(error);
  long result = syscall(SYS_read, fd, buffer, shortened(length));
  /* Linux reports the end of the file here. */
  while (result == 0 && length > 0 && awaits_writer(fd, &(struct timespec){0, 0})) {
    if ((syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) != 0) return fail(B_EAGAIN);
    awaits_writer(fd, NULL);
    result = syscall(SYS_read, fd, buffer, shortened(length));
  }
  return answer(result);
}

CALL(long, write, int fd, const void *buffer, size_t length) {
  ENTER(write);
  if (length > SSIZE_MAX) return fail(B_EINVAL);
  int error = check_rights(fd, CAP_WRITE, 0);
  return error != 0 ? fail(error) : answer(syscall(SYS_write, fd, buffer, shortened(length)));
}

CALL(long, pread, int fd, void *buffer, size_t length, int64_t offset) {
  ENTER(pread);
  if (length > SSIZE_MAX) return fail(B_EINVAL);
  int error = check_rights(fd, CAP_PREAD, 0);
  return error != 0 ? fail(error) : answer(syscall(SYS_pread64, fd, buffer, shortened(length), offset));
}

CALL(long, pwrite, int fd, const void *buffer, size_t length, int64_t offset) {
  ENTER(pwrite);
  if (length > SSIZE_MAX) return fail(B_EINVAL);
  int error = check_rights(fd, CAP_PWRITE, 0);
  if (error != 0) return fail(error);
  /* With O_APPEND, both systems append and ignore the offset. */
  return answer(syscall(SYS_pwrite64, fd, buffer, shortened(length), offset));
}

/* The vectors of a call, shortened if a test asked for that. */
static int shorten_vectors(const struct iovec *vectors, int count, struct iovec *out) {
  if (count < 1 || count > B_IOV_MAX) return B_EINVAL;
  size_t total = 0;
  for (int i = 0; i < count; i++) {
    if (vectors[i].iov_len > SSIZE_MAX - total) return B_EINVAL;
    total += vectors[i].iov_len;
  }
  size_t left = shortened(total);
  for (int i = 0; i < count; i++) {
    out[i] = vectors[i];
    if (out[i].iov_len > left) out[i].iov_len = left;
    left -= out[i].iov_len;
  }
  return 0;
}

static long transfer(long number, int fd, const struct iovec *vectors, int count, uint64_t right, int64_t offset) {
  struct iovec cut[B_IOV_MAX];
  int error = shorten_vectors(vectors, count, cut);
  if (error == 0) error = check_rights(fd, right, 0);
  return error != 0 ? fail(error) : answer(syscall(number, fd, cut, count, offset, 0));
}

CALL(long, readv, int fd, const struct iovec *vectors, int count) {
  ENTER(readv);
  return transfer(SYS_readv, fd, vectors, count, CAP_READ, 0);
}

CALL(long, writev, int fd, const struct iovec *vectors, int count) {
  ENTER(writev);
  return transfer(SYS_writev, fd, vectors, count, CAP_WRITE, 0);
}

CALL(long, preadv, int fd, const struct iovec *vectors, int count, int64_t offset) {
  ENTER(preadv);
  return transfer(SYS_preadv, fd, vectors, count, CAP_PREAD, offset);
}

CALL(long, pwritev, int fd, const struct iovec *vectors, int count, int64_t offset) {
  ENTER(pwritev);
  return transfer(SYS_pwritev, fd, vectors, count, CAP_PWRITE, offset);
}

CALL(int64_t, lseek, int fd, int64_t offset, int whence) {
  ENTER(lseek);
  int error = check_rights(fd, CAP_SEEK, 0);
  if (error != 0) return fail(error);
  long result = syscall(SYS_lseek, fd, offset, whence);
  if (result == -1 && errno == EBADF && is_path_only(fd)) return fail(B_ESPIPE);
  return answer(result);
}

CALL(int, ftruncate, int fd, int64_t length) {
  ENTER(ftruncate);
  if (length < 0) return fail(B_EINVAL);
  int error = check_rights(fd, CAP_FTRUNCATE, 0);
  if (error != 0) return fail(error);
  long result = syscall(SYS_ftruncate, fd, length);
  if (result == -1 && errno == EBADF && check_open(fd) == 0) return fail(B_EINVAL);
  return (int)answer(result);
}

CALL(int, truncate, const char *path, int64_t length) {
  ENTER_AMBIENT(truncate);
  if (length < 0) return fail(B_EINVAL);
  struct lookup l = {.dirfd = B_AT_FDCWD, .path = path, .flags = FOLLOW};
  int error = lookup(&l);
  if (error == 0 && S_ISDIR(l.mode)) error = B_EISDIR;
  if (error == 0) {
    int fd = (int)syscall(SYS_openat, at_fd(&l), at_name(&l), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (l.empty ? 0 : O_NOFOLLOW));
    if (fd == -1 || syscall(SYS_ftruncate, fd, length) == -1) error = linux_error();
    close_quietly(fd);
  }
  lookup_end(&l);
  return returned(error);
}

CALL(int, fsync, int fd) {
  ENTER(fsync);
  int error = check_rights(fd, CAP_FSYNC, 0);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_fsync, fd));
}

CALL(int, fdatasync, int fd) {
  ENTER(fdatasync);
  int error = check_rights(fd, CAP_FSYNC, 0);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_fdatasync, fd));
}

/* Returns an error number and does not set errno. */
CALL(int, posix_fallocate, int fd, int64_t offset, int64_t length) {
  ENTER_WITH(posix_fallocate, injected);
  if (offset < 0 || length <= 0) return B_EINVAL;
  if (offset > INT64_MAX - length) return B_EFBIG;
  int error = check_rights(fd, CAP_PWRITE, 0);
  if (error != 0) return error;
  return syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : linux_error();
}

/* Returns an error number and does not set errno. */
CALL(int, posix_fadvise, int fd, int64_t offset, int64_t length, int advice) {
  ENTER_WITH(posix_fadvise, injected);
  if (!release15 && in_capmode()) return fail(B_ECAPMODE);
  if (offset < 0 || length < 0 || offset > INT64_MAX - length || advice < 0 || advice > 5) return B_EINVAL;
  int mode = mode_of(fd);
  if (mode == -1) return B_EBADF;
  if (S_ISFIFO(mode) || S_ISSOCK(mode)) return B_ESPIPE;
  if (!S_ISREG(mode)) return B_ENODEV;
  return syscall(SYS_fadvise64, fd, offset, length, advice) == 0 ? 0 : linux_error();
}

/* Replaces copy_file_range(2) where Linux does not support it, such as across file systems. */
static long copy_by_hand(int in, int64_t *in_offset, int out, int64_t *out_offset, size_t length) {
  char *chunk = malloc(COPY_CHUNK);
  if (chunk == NULL) abort();
  size_t wanted = length < COPY_CHUNK ? length : COPY_CHUNK;
  int64_t from = in_offset != NULL ? *in_offset : syscall(SYS_lseek, in, 0, SEEK_CUR);
  int64_t to = out_offset != NULL ? *out_offset : syscall(SYS_lseek, out, 0, SEEK_CUR);
  long copied = syscall(SYS_pread64, in, chunk, wanted, from);
  if (copied > 0) copied = syscall(SYS_pwrite64, out, chunk, copied, to);
  int error = errno;
  free(chunk);
  errno = error;
  if (copied <= 0) return copied;
  if (in_offset != NULL) *in_offset += copied;
  else syscall(SYS_lseek, in, from + copied, SEEK_SET);
  if (out_offset != NULL) *out_offset += copied;
  else syscall(SYS_lseek, out, to + copied, SEEK_SET);
  return copied;
}

CALL(long, copy_file_range, int in, int64_t *in_offset, int out, int64_t *out_offset, size_t length, unsigned flags) {
  ENTER(copy_file_range);
  enum { CLONE = 0x800000 };
  if ((flags & ~(release15 ? CLONE : 0u)) != 0) return fail(B_EINVAL);
  int error = check_rights(in, release15 && in_offset != NULL ? CAP_PREAD : CAP_READ, 0);
  if (error == 0) error = check_rights(out, release15 && out_offset != NULL ? CAP_PWRITE : CAP_WRITE, 0);
  if (error != 0) return fail(error);
  length = shortened(length > SSIZE_MAX ? SSIZE_MAX : length);
  long copied = syscall(SYS_copy_file_range, in, in_offset, out, out_offset, length, 0);
  if (copied == -1 && (errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS)) {
    copied = copy_by_hand(in, in_offset, out, out_offset, length);
  }
  return answer(copied);
}
