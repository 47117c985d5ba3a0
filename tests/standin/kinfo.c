/* The types of descriptors and the list of all descriptors: fcntl(2) F_KINFO and sysctl(3). */
#include "standin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { PTMX_MAJOR = 5, PTMX_MINOR = 2 };

/* Linux's name for the file of a descriptor: a path, or a text such as "socket:[7]". */
static void read_target(int fd, char target[PATH_MAX]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, target, PATH_MAX - 1);
  target[length == -1 ? 0 : length] = 0;
}

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

static enum kf_type type_of(int fd, const char *target, const struct stat *s) {
  static const struct { const char *target; enum kf_type type; } objects[] = {
      {"anon_inode:[eventpoll]", KF_KQUEUE}, {"anon_inode:[eventfd]", KF_EVENTFD}, {"anon_inode:[timerfd]", KF_TIMERFD},
      {"anon_inode:inotify", KF_INOTIFY},    {"anon_inode:[pidfd]", KF_PROCDESC},  {"pidfd:", KF_PROCDESC},
      {"/memfd:", KF_SHM},
  };
  for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
    if (starts_with(target, objects[i].target)) return objects[i].type;
  }
  if (S_ISSOCK(s->st_mode)) return KF_SOCKET;
  if (S_ISFIFO(s->st_mode)) return target[0] == '/' ? KF_FIFO : KF_PIPE;
  if (S_ISCHR(s->st_mode) && s->st_rdev == makedev(PTMX_MAJOR, PTMX_MINOR)) return KF_PTS;
  return (s->st_mode & S_IFMT) != 0 ? KF_VNODE : KF_UNKNOWN;
}

/* Linux's own fstat(2), for members that this library reports differently. */
static bool stat_itself(int fd, struct stat *out) { return syscall(SYS_newfstatat, fd, "", out, AT_EMPTY_PATH) == 0; }

enum kf_type kinfo_type(int fd) {
  char target[PATH_MAX];
  struct stat s;
  if (!stat_itself(fd, &s)) return KF_UNKNOWN;
  read_target(fd, target);
  return type_of(fd, target, &s);
}

/* The path, which only vnodes and FIFOs have: a socket has its domain's name here, a terminal's master the slave's. */
static void name_object(int fd, enum kf_type type, const char *target, const struct stat *s, char path[B_PATH_MAX]) {
  int domain = -1, number = -1;
  socklen_t length = sizeof domain;
  switch (type) {
    case KF_VNODE:
    case KF_FIFO:
      if (target[0] == '/' && s->st_nlink > 0) snprintf(path, B_PATH_MAX, "%s", target);
      return;
    case KF_SOCKET:
      syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
      strcpy(path, domain == AF_INET ? "internet" : domain == AF_INET6 ? "internet6" : domain == AF_UNIX ? "local" : "route");
      return;
    case KF_PTS:
      if (syscall(SYS_ioctl, fd, TIOCGPTN, &number) == 0) snprintf(path, B_PATH_MAX, "pts/%d", number);
      return;
    default: return;
  }
}

static int fill_kinfo(int fd, struct b_kinfo_file *out) {
  char target[PATH_MAX];
  struct stat s;
  if (!stat_itself(fd, &s)) return linux_error();
  read_target(fd, target);
  memset(out, 0, sizeof *out);
  out->kf_structsize = sizeof *out;
  out->kf_type = type_of(fd, target, &s);
  out->kf_fd = fd;
  name_object(fd, out->kf_type, target, &s, out->kf_path);
  return 0;
}

int tell_kinfo(int fd, struct b_kinfo_file *out) {
  if (in_capmode()) return B_ECAPMODE;
  if (out == NULL) return B_EFAULT;
  if (out->kf_structsize != sizeof *out) return B_EINVAL;
  int error = check_open(fd);
  if (error == 0) error = check_rights(fd, CAP_FCNTL, 0);
  return error != 0 ? error : fill_kinfo(fd, out);
}

/* The caller's buffer, which sysctl(3) fills with records. */
struct records {
  char *to; /* NULL: only measure */
  size_t room, used;
  bool full;
};

/* Records are packed: each ends after its path. A record that does not fit ends the list, without an error. */
static void put_kinfo(struct records *out, struct b_kinfo_file *record) {
  size_t size = (offsetof(struct b_kinfo_file, kf_path) + strlen(record->kf_path) + 1 + 7) & ~(size_t)7;
  record->kf_structsize = (int)size;
  if (out->to != NULL && size > out->room - out->used) out->full = true;
  if (out->full) return;
  if (out->to != NULL) memcpy(out->to + out->used, record, size);
  out->used += size;
}

/* The program, the working directory and the root directory have negative numbers. */
static void put_places(struct records *out) {
  static const struct { const char *link; int number; } places[] = {
      {"/proc/self/exe", -5}, {"/proc/self/cwd", -1}, {"/proc/self/root", -2},
  };
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct b_kinfo_file record = {.kf_type = KF_VNODE, .kf_fd = places[i].number};
    syscall(SYS_readlinkat, AT_FDCWD, places[i].link, record.kf_path, sizeof record.kf_path - 1);
    put_kinfo(out, &record);
  }
}

static int put_descriptors(struct records *out) {
  struct linux_name { uint64_t ino; int64_t off; uint16_t length; uint8_t type; char name[]; };
  _Alignas(8) char batch[4096];
  int dir = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir == -1) return linux_error();
  long got;
  while ((got = syscall(SYS_getdents64, dir, batch, sizeof batch)) > 0) {
    for (long at = 0; at < got;) {
      const struct linux_name *entry = (const struct linux_name *)(batch + at);
      at += entry->length;
      struct b_kinfo_file record;
      int fd = atoi(entry->name);
      if (entry->name[0] != '.' && fd != dir && fill_kinfo(fd, &record) == 0) put_kinfo(out, &record);
    }
  }
  close_quietly(dir);
  return 0;
}

/* Supports kern.proc.filedesc of this process only. */
CALL(int, sysctl, const int *name, unsigned length, void *old, size_t *old_length, const void *new, size_t new_length) {
  ENTER(sysctl);
  (void)new_length;
  enum { CTL_KERN = 1, KERN_PROC = 14, FILEDESC = 33 };
  bool known = length == 4 && name[0] == CTL_KERN && name[1] == KERN_PROC && name[2] == FILEDESC;
  if (in_capmode()) return fail(B_EPERM);
  if (!known) return fail(B_ENOENT);
  if (new != NULL) return fail(B_EPERM);
  if (name[3] != syscall(SYS_getpid)) return fail(B_ESRCH);
  if (old_length == NULL) return old == NULL ? 0 : fail(B_EFAULT);
  struct records out = {.to = old, .room = *old_length};
  put_places(&out);
  int error = put_descriptors(&out);
  if (error == 0) *old_length = out.used;
  return returned(error);
}
