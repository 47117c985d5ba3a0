/* stat(2), statfs(2) and pathconf(2) */
#include "standin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

int mode_of(int fd) {
  struct statx s;
  if (fd < 0 || syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE, &s) == -1) return -1;
  return s.stx_mode;
}

int64_t size_of(int fd) {
  struct statx s;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &s) == -1) return -1;
  return (int64_t)s.stx_size;
}

bool is_path_only(int fd) {
  long flags = syscall(SYS_fcntl, fd, F_GETFL);
  return flags != -1 && (flags & O_PATH) != 0;
}

static struct b_timespec time_of(struct statx_timestamp t) { return (struct b_timespec){t.tv_sec, t.tv_nsec}; }

static void translate(const struct statx *s, struct b_stat *out) {
  bool device = S_ISCHR(s->stx_mode) || S_ISBLK(s->stx_mode);
  bool nameless = S_ISFIFO(s->stx_mode) || S_ISSOCK(s->stx_mode);
  memset(out, 0, sizeof *out);
  out->st_dev = makedev(s->stx_dev_major, s->stx_dev_minor);
  out->st_ino = s->stx_ino;
  out->st_nlink = s->stx_nlink;
  out->st_mode = s->stx_mode;
  out->st_uid = s->stx_uid;
  out->st_gid = s->stx_gid;
  out->st_rdev = device ? makedev(s->stx_rdev_major, s->stx_rdev_minor) : nameless ? 0 : UINT64_MAX;
  out->st_atim = time_of(s->stx_atime);
  out->st_mtim = time_of(s->stx_mtime);
  out->st_ctim = time_of(s->stx_ctime);
  out->st_birthtim = time_of(s->stx_btime);
  if ((s->stx_mask & STATX_BTIME) == 0) out->st_birthtim = (struct b_timespec){-1, 0};
  out->st_size = (int64_t)s->stx_size;
  out->st_blocks = (int64_t)s->stx_blocks;
  out->st_blksize = (int32_t)s->stx_blksize;
}

/* Files that have no type on Linux: epoll stands for a kqueue. Their members are those that FreeBSD reports. */
static void stat_object(enum kf_type type, struct b_stat *out) {
  memset(out, 0, sizeof *out);
  switch (type) {
    case KF_INOTIFY:
      out->st_mode = S_IFREG | S_IRUSR;
      out->st_blksize = 272;
      return;
    case KF_TIMERFD: out->st_blksize = 4096; return;
    case KF_PROCDESC: out->st_mode = S_IFREG | S_IRWXU; return;
    default: out->st_mode = S_IFIFO;
  }
}

static int stat_linux(int fd, const char *path, struct b_stat *out) {
  struct statx s;
  int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (syscall(SYS_statx, fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &s) == -1) return linux_error();
  if ((s.stx_mode & S_IFMT) == 0) stat_object(kinfo_type(fd), out);
  else translate(&s, out);
  return 0;
}

static int stat_at(int dirfd, const char *path, struct b_stat *out, int at_flags) {
  int flags = lookup_flags(at_flags, B_AT_SYMLINK_NOFOLLOW | B_AT_RESOLVE_BENEATH | B_AT_EMPTY_PATH);
  if (flags == -1) return B_EINVAL;
  struct lookup l = {.dirfd = dirfd, .path = path, .flags = (unsigned)flags, .rights = CAP_FSTAT};
  int error = lookup_start(&l);
  if (error != 0) return error;
  if (out == NULL) return B_EFAULT;
  if (is_plain_name(path)) {
    error = stat_linux(dirfd, path, out);
    if (error != 0 || !S_ISLNK(out->st_mode) || (flags & FOLLOW) == 0) return error;
  }
  error = lookup(&l);
  if (error == 0) error = stat_linux(l.found, "", out);
  lookup_end(&l);
  return error;
}

CALL(int, fstatat, int dirfd, const char *path, struct b_stat *out, int flags) {
  ENTER(fstatat);
  return returned(stat_at(dirfd, path, out, flags));
}

CALL(int, stat, const char *path, struct b_stat *out) {
  ENTER(stat);
  return returned(stat_at(B_AT_FDCWD, path, out, 0));
}

CALL(int, lstat, const char *path, struct b_stat *out) {
  ENTER(lstat);
  return returned(stat_at(B_AT_FDCWD, path, out, B_AT_SYMLINK_NOFOLLOW));
}

CALL(int, fstat, int fd, struct b_stat *out) {
  ENTER(fstat);
  int error = check_rights(fd, CAP_FSTAT, 0);
  if (error == 0) error = out == NULL ? B_EFAULT : fd < 0 ? B_EBADF : stat_linux(fd, "", out);
  return returned(error);
}

static const char *type_name(long magic) {
  switch (magic) {
    case 0x01021994: return "tmpfs";
    case 0x9fa0: return "procfs";
    case 0x1373: return "devfs";
    case 0x6969: return "nfs";
    case 0x2fc12fc1: return "zfs";
    default: return "ufs";
  }
}

static int statfs_linux(int fd, struct b_statfs *out) {
  struct statfs s;
  if (syscall(SYS_fstatfs, fd, &s) == -1) return linux_error();
  memset(out, 0, sizeof *out);
  out->f_version = 0x20140518;
  out->f_flags = (s.f_flags & 1) | 0x1000; /* MNT_RDONLY, which is the same on Linux, and MNT_LOCAL */
  out->f_bsize = (uint64_t)(s.f_frsize != 0 ? s.f_frsize : s.f_bsize);
  out->f_iosize = (uint64_t)s.f_bsize;
  out->f_blocks = s.f_blocks;
  out->f_bfree = s.f_bfree;
  out->f_bavail = (int64_t)s.f_bavail;
  out->f_files = s.f_files;
  out->f_ffree = (int64_t)s.f_ffree;
  out->f_namemax = B_NAME_MAX;
  memcpy(out->f_fsid, &s.f_fsid, sizeof out->f_fsid);
  strcpy(out->f_fstypename, type_name(s.f_type));
  strcpy(out->f_mntfromname, "standin");
  strcpy(out->f_mntonname, "/");
  return 0;
}

CALL(int, fstatfs, int fd, struct b_statfs *out) {
  ENTER(fstatfs);
  int error = check_rights(fd, CAP_FSTATFS, 0);
  if (error != 0) return fail(error);
  int mode = mode_of(fd);
  if (mode == -1) return fail(B_EBADF);
  /* Only a vnode has a file system. */
  if (S_ISSOCK(mode)) return fail(B_EINVAL);
  return returned(statfs_linux(fd, out));
}

CALL(int, statfs, const char *path, struct b_statfs *out) {
  ENTER_AMBIENT(statfs);
  struct lookup l = {.dirfd = B_AT_FDCWD, .path = path, .flags = FOLLOW};
  int error = lookup(&l);
  if (error == 0) error = statfs_linux(l.found, out);
  lookup_end(&l);
  return returned(error);
}

static int pathconf_value(int mode, int name, long *value) {
  enum { LINKS = 1, CANON, INPUT, NAME, PATH, PIPE, CHOWN_RESTRICTED, NO_TRUNC, VDISABLE };
  switch (name) {
    case LINKS: *value = 32767; return 0;
    case CANON:
    case INPUT: *value = 255; return S_ISCHR(mode) ? 0 : B_EINVAL;
    case NAME: *value = B_NAME_MAX; return 0;
    case PATH: *value = B_PATH_MAX; return 0;
    case PIPE: *value = 512; return S_ISFIFO(mode) || S_ISDIR(mode) ? 0 : B_EINVAL;
    case CHOWN_RESTRICTED:
    case NO_TRUNC: *value = 1; return 0;
    case VDISABLE: *value = 255; return S_ISCHR(mode) ? 0 : B_EINVAL;
    default: return B_EINVAL;
  }
}

CALL(long, fpathconf, int fd, int name) {
  ENTER(fpathconf);
  int error = check_rights(fd, CAP_FPATHCONF, 0);
  int mode = mode_of(fd);
  long value = -1;
  if (error == 0) error = mode == -1 ? B_EBADF : pathconf_value(mode, name, &value);
  return error == 0 ? value : fail(error);
}

CALL(long, pathconf, const char *path, int name) {
  ENTER_AMBIENT(pathconf);
  struct lookup l = {.dirfd = B_AT_FDCWD, .path = path, .flags = FOLLOW};
  long value = -1;
  int error = lookup(&l);
  if (error == 0) error = pathconf_value((int)l.mode, name, &value);
  lookup_end(&l);
  return error == 0 ? value : fail(error);
}
