/* Memory mappings and anonymous files. */
#include "standin.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

enum { B_MAP_SHARED = 1, B_MAP_PRIVATE = 2, B_MAP_FIXED = 0x10, B_MAP_GUARD = 0x2000, B_MAP_ANON = 0x1000 };

static uint64_t mapping_rights(int protection, int flags) {
  uint64_t rights = CAP_MMAP;
  if ((protection & PROT_READ) != 0) rights |= CAP_MMAP_R;
  if ((protection & PROT_WRITE) != 0 && (flags & B_MAP_SHARED) != 0) rights |= CAP_MMAP_W;
  if ((protection & PROT_EXEC) != 0) rights |= CAP_MMAP_X;
  return rights;
}

CALL(void *, mmap, void *address, size_t length, int protection, int flags, int fd, int64_t offset) {
  ENTER_WITH(mmap, (fail(injected), MAP_FAILED));
  int linux_flags = flags & (B_MAP_SHARED | B_MAP_PRIVATE | B_MAP_FIXED);
  if ((flags & (B_MAP_ANON | B_MAP_GUARD)) != 0) {
    linux_flags |= MAP_ANONYMOUS | ((linux_flags & B_MAP_SHARED) != 0 ? 0 : MAP_PRIVATE);
    fd = -1;
  } else {
    int error = check_rights(fd, mapping_rights(protection, flags), 0);
    if (error != 0) return fail(error), MAP_FAILED;
  }
  return (void *)answer(syscall(SYS_mmap, address, length, protection & 7, linux_flags, fd, offset));
}

CALL(int, munmap, void *address, size_t length) {
  ENTER(munmap);
  return (int)answer(syscall(SYS_munmap, address, length));
}

CALL(int, mprotect, void *address, size_t length, int protection) {
  ENTER(mprotect);
  return (int)answer(syscall(SYS_mprotect, address, length, protection));
}

CALL(int, msync, void *address, size_t length, int flags) {
  ENTER(msync);
  enum { B_MS_ASYNC = 1, B_MS_INVALIDATE = 2 };
  int linux_flags = (flags & B_MS_ASYNC) != 0 ? MS_ASYNC : MS_SYNC;
  if ((flags & B_MS_INVALIDATE) != 0) linux_flags |= MS_INVALIDATE;
  return (int)answer(syscall(SYS_msync, address, length, linux_flags));
}

static int anonymous_file(const char *name, unsigned linux_flags) {
  return (int)fresh(answer(syscall(SYS_memfd_create, name, linux_flags)));
}

CALL(int, memfd_create, const char *name, unsigned flags) {
  ENTER(memfd_create);
  if ((flags & ~3u) != 0) return fail(B_EINVAL);
  return anonymous_file(name, flags);
}

CALL(int, shm_open, const char *path, int flags, int mode) {
  ENTER(shm_open);
  const char *anonymous = (const char *)1;
  if ((flags & ~(B_O_RDWR | B_O_CREAT | B_O_EXCL | B_O_TRUNC | B_O_CLOEXEC)) != 0) return fail(B_EINVAL);
  if (path == anonymous) return (flags & B_O_RDWR) == 0 ? fail(B_EINVAL) : anonymous_file("SHM_ANON", MFD_CLOEXEC);
  if (in_capmode()) return fail(B_ECAPMODE);
  if (path[0] != '/') return fail(B_EINVAL);
  char file[B_PATH_MAX * 2];
  snprintf(file, sizeof file, "/dev/shm%s", path);
  int linux_flags = (flags & B_O_RDWR) | O_CLOEXEC | O_NOFOLLOW | ((flags & B_O_CREAT) != 0 ? O_CREAT : 0) |
                    ((flags & B_O_EXCL) != 0 ? O_EXCL : 0) | ((flags & B_O_TRUNC) != 0 ? O_TRUNC : 0);
  return (int)fresh(answer(syscall(SYS_openat, AT_FDCWD, file, linux_flags, mode & 07777)));
}

CALL(int, shm_unlink, const char *path) {
  ENTER_AMBIENT(shm_unlink);
  char file[B_PATH_MAX * 2];
  snprintf(file, sizeof file, "/dev/shm%s", path);
  return (int)answer(syscall(SYS_unlinkat, AT_FDCWD, file, 0));
}
