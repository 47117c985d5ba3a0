/* dup(2), fcntl(2), flock(2) and ioctl(2) */
#include "standin.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

enum { KEPT_BY_DUP = B_FD_RESOLVE_BENEATH | FD_OPENED_FOR_EXEC };

static int duplicate(int fd, long command, long argument) {
  long copy = syscall(SYS_fcntl, fd, command, argument);
  if (copy == -1) return (int)answer(-1);
  inherit(fd, (int)copy, KEPT_BY_DUP);
  return (int)copy;
}

static int duplicate_to(int fd, int to, bool cloexec) {
  if (fd == to) {
    if (check_open(fd) != 0) return fail(B_EBADF);
    return cloexec ? (int)answer(syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC)) == -1 ? -1 : to : to;
  }
  long copy = syscall(SYS_dup3, fd, to, cloexec ? O_CLOEXEC : 0);
  if (copy == -1) return (int)answer(-1);
  inherit(fd, to, KEPT_BY_DUP);
  return to;
}

CALL(int, dup, int fd) {
  ENTER(dup);
  return duplicate(fd, F_DUPFD, 0);
}

CALL(int, dup2, int fd, int to) {
  ENTER(dup2);
  return duplicate_to(fd, to, false);
}

CALL(int, dup3, int fd, int to, int flags) {
  ENTER(dup3);
  if (fd == to || (flags & ~(B_O_CLOEXEC | B_O_CLOFORK)) != 0) return fail(B_EINVAL);
  return duplicate_to(fd, to, (flags & B_O_CLOEXEC) != 0);
}

static const int status_flags[][2] = {
    {B_O_NONBLOCK, O_NONBLOCK}, {B_O_APPEND, O_APPEND}, {B_O_ASYNC, O_ASYNC},
    {B_O_DSYNC, O_DSYNC},       {B_O_DIRECT, O_DIRECT},
};

static int get_status(int fd) {
  int error = check_fcntl(fd, 1 << B_F_GETFL);
  if (error != 0) return fail(error);
  long linux_flags = syscall(SYS_fcntl, fd, F_GETFL);
  if (linux_flags == -1) return (int)answer(-1);
  if ((linux_flags & O_PATH) != 0) return (fd_flags(fd) & FD_OPENED_FOR_EXEC) != 0 ? B_O_EXEC : B_O_PATH;
  int flags = (int)linux_flags & O_ACCMODE;
  for (size_t i = 0; i < sizeof status_flags / sizeof *status_flags; i++) {
    if ((linux_flags & status_flags[i][1]) != 0) flags |= status_flags[i][0];
  }
  if ((linux_flags & O_SYNC) == O_SYNC) flags = (flags & ~B_O_DSYNC) | B_O_SYNC;
  return flags;
}

static int set_status(int fd, int flags) {
  int error = check_fcntl(fd, 1 << B_F_SETFL);
  if (error != 0) return fail(error);
  int linux_flags = 0;
  for (size_t i = 0; i < sizeof status_flags / sizeof *status_flags; i++) {
    if ((flags & status_flags[i][0]) != 0) linux_flags |= status_flags[i][1];
  }
  long result = syscall(SYS_fcntl, fd, F_SETFL, linux_flags);
  if (result == -1 && errno == EINVAL) result = syscall(SYS_fcntl, fd, F_SETFL, linux_flags & ~O_DIRECT);
  return (int)answer(result);
}

static bool has_owner(int fd) {
  int mode = mode_of(fd);
  return mode == -1 || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode);
}

static int owner(int fd, int command, long argument) {
  int error = check_fcntl(fd, 1u << command);
  if (error != 0) return fail(error);
  if (!has_owner(fd)) return fail(B_ENOTTY);
  return (int)answer(syscall(SYS_fcntl, fd, command == B_F_GETOWN ? F_GETOWN : F_SETOWN, argument));
}

static bool is_readable(const void *memory, size_t length) {
  char copy[64];
  struct iovec to = {copy, length}, from = {(void *)memory, length};
  long read = syscall(SYS_process_vm_readv, syscall(SYS_getpid), &to, 1, &from, 1, 0);
  return read == (long)length || (read == -1 && errno != EFAULT && memory != NULL);
}

static int lock_record(int fd, int command, struct b_flock *lock) {
  static const int commands[] = {F_GETLK, F_SETLK, F_SETLKW};
  /* The kernel copies the argument before it checks the rights. */
  if (!is_readable(lock, sizeof *lock)) return fail(B_EFAULT);
  int error = check_rights(fd, CAP_FLOCK, 0);
  if (error != 0) return fail(error);
  struct flock l = {.l_whence = lock->l_whence, .l_start = lock->l_start, .l_len = lock->l_len};
  switch (lock->l_type) {
    case B_F_RDLCK: l.l_type = F_RDLCK; break;
    case B_F_WRLCK: l.l_type = F_WRLCK; break;
    case B_F_UNLCK: l.l_type = F_UNLCK; break;
    default: return fail(check_open(fd) != 0 ? B_EBADF : B_EINVAL);
  }
  if (command == B_F_GETLK && l.l_type == F_UNLCK) {
    if (check_open(fd) != 0) return fail(B_EBADF);
    return 0;
  }
  if (syscall(SYS_fcntl, fd, commands[command - B_F_GETLK], &l) == -1) return (int)answer(-1);
  if (command != B_F_GETLK) return 0;
  if (l.l_type == F_UNLCK) {
    lock->l_type = B_F_UNLCK;
    return 0;
  }
  lock->l_type = l.l_type == F_RDLCK ? B_F_RDLCK : B_F_WRLCK;
  lock->l_whence = l.l_whence;
  lock->l_start = l.l_start;
  lock->l_len = l.l_len;
  lock->l_pid = l.l_pid;
  lock->l_sysid = 0;
  return 0;
}

static int get_descriptor_flags(int fd) {
  long flags = syscall(SYS_fcntl, fd, F_GETFD);
  if (flags == -1) return (int)answer(-1);
  return (int)flags | (int)(fd_flags(fd) & (B_FD_RESOLVE_BENEATH | B_FD_CLOFORK));
}

static int set_descriptor_flags(int fd, long flags) {
  if (syscall(SYS_fcntl, fd, F_SETFD, flags & FD_CLOEXEC) == -1) return (int)answer(-1);
  if (!release15) return 0;
  return set_fd_flags(fd, (unsigned)flags & (B_FD_RESOLVE_BENEATH | B_FD_CLOFORK), B_FD_CLOFORK);
}

/* Read-ahead hints apply to regular files only. */
static int read_ahead(int fd) {
  int mode = mode_of(fd);
  if (mode == -1 || S_ISSOCK(mode) || is_path_only(fd)) return fail(B_EBADF);
  return S_ISREG(mode) ? 0 : fail(B_ENOTTY);
}

/* Seals are for memory files only, but Linux has them on all files of a tmpfs. */
static int seals(int fd, int command, long argument) {
  if (check_open(fd) != 0) return fail(B_EBADF);
  if (kinfo_type(fd) != KF_SHM) return fail(B_EINVAL);
  return (int)answer(syscall(SYS_fcntl, fd, command, argument));
}

CALL(int, fcntl, int fd, int command, long argument) {
  ENTER(fcntl);
  switch (command) {
    case B_F_DUPFD: return duplicate(fd, F_DUPFD, (int)argument);
    case B_F_DUPFD_CLOEXEC: return duplicate(fd, F_DUPFD_CLOEXEC, (int)argument);
    case B_F_DUP2FD: return duplicate_to(fd, (int)argument, false);
    case B_F_DUP2FD_CLOEXEC: return duplicate_to(fd, (int)argument, true);
    case B_F_GETFD: return get_descriptor_flags(fd);
    case B_F_SETFD: return set_descriptor_flags(fd, argument);
    case B_F_GETFL: return get_status(fd);
    case B_F_SETFL: return set_status(fd, (int)argument);
    case B_F_GETOWN:
    case B_F_SETOWN: return owner(fd, command, argument);
    case B_F_GETLK:
    case B_F_SETLK:
    case B_F_SETLKW: return lock_record(fd, command, (struct b_flock *)argument);
    case B_F_READAHEAD:
    case B_F_RDAHEAD: return read_ahead(fd);
    case B_F_ADD_SEALS: return seals(fd, F_ADD_SEALS, argument);
    case B_F_GET_SEALS: return seals(fd, F_GET_SEALS, 0);
    case B_F_ISUNIONSTACK: return kinfo_type(fd) == KF_VNODE ? 0 : fail(B_EBADF);
    case B_F_KINFO: return returned(tell_kinfo(fd, (struct b_kinfo_file *)argument));
  }
  if (!release15) return fail(B_EINVAL);
  if (command == B_F_DUPFD_CLOFORK) return duplicate(fd, F_DUPFD, (int)argument);
  if ((command & ((1 << B_F_DUP3FD_SHIFT) - 1)) != B_F_DUP3FD) return fail(B_EINVAL);
  int flags = command >> B_F_DUP3FD_SHIFT;
  if ((flags & ~(B_FD_CLOEXEC | B_FD_CLOFORK)) != 0) return fail(B_EINVAL);
  return duplicate_to(fd, (int)argument, (flags & B_FD_CLOEXEC) != 0);
}

static bool is_nameless_pipe(int fd) {
  struct statfs s;
  return syscall(SYS_fstatfs, fd, &s) == 0 && s.f_type == PIPEFS_MAGIC;
}

/* Whether an open file has a lock of flock(2). */
static bool is_locked(int fd) {
  char path[40], text[2048];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  int info = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (info == -1) return false;
  long length = syscall(SYS_read, info, text, sizeof text - 1);
  close_quietly(info);
  text[length > 0 ? length : 0] = 0;
  return strstr(text, "FLOCK") != NULL;
}

CALL(int, flock, int fd, int how) {
  ENTER(flock);
  int error = check_rights(fd, CAP_FLOCK, 0);
  if (error != 0) return fail(error);
  int mode = mode_of(fd);
  if (mode == -1) return fail(B_EBADF);
  bool opened_for_exec = (fd_flags(fd) & FD_OPENED_FOR_EXEC) != 0;
  bool no_vnode = S_ISSOCK(mode) || (S_ISFIFO(mode) && is_nameless_pipe(fd));
  if (no_vnode || (is_path_only(fd) && !opened_for_exec)) return fail(B_EOPNOTSUPP);
  if ((how & (LOCK_UN | LOCK_EX | LOCK_SH)) == 0) return fail(B_EBADF);
  int linux_how = (how & LOCK_UN) != 0 ? LOCK_UN : (how & LOCK_EX) != 0 ? LOCK_EX : LOCK_SH;
  /* A shared lock stays if it can't be changed without waiting. Linux gives it up first. */
  bool keeps = linux_how == LOCK_EX && (how & LOCK_NB) != 0 && is_locked(fd);
  if (syscall(SYS_flock, fd, linux_how | (how & LOCK_NB)) == 0) return 0;
  error = linux_error();
  if (keeps) syscall(SYS_flock, fd, LOCK_SH | LOCK_NB);
  return fail(error);
}

/* FreeBSD's requests */
enum {
  FIOCLEX_ = 0x20006601,
  FIONCLEX_ = 0x20006602,
  FIONREAD_ = 0x4004667f,
  FIODTYPE_ = 0x4004667a,
  FIOGETOWN_ = 0x4004667b,
  FIOSETOWN_ = (int)0x8004667c,
  FIOASYNC_ = (int)0x8004667d,
  FIONBIO_ = (int)0x8004667e,
  TIOCGETA_ = 0x402c7413,
  TIOCGWINSZ_ = 0x40087468,
  TIOCSWINSZ_ = (int)0x80087467,
  TIOCGETD_ = 0x4004741a,
  TIOCOUTQ_ = 0x40047473,
};

struct b_termios {
  uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
  uint8_t c_cc[20];
  uint32_t c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct b_termios) == 44, "FreeBSD's struct termios has 44 bytes");

static bool is_terminal(int fd, struct termios *t) { return syscall(SYS_ioctl, fd, TCGETS, t) == 0; }

/* Only the flags that programs use: echo, canonical mode, signals, extensions, output processing. */
static int get_termios(int fd, struct b_termios *out) {
  static const unsigned local[][2] = {{8, ECHO}, {0x80, ISIG}, {0x100, ICANON}, {0x400, IEXTEN}};
  struct termios t;
  if (!is_terminal(fd, &t)) return linux_error();
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
    if ((t.c_lflag & local[i][1]) != 0) out->c_lflag |= local[i][0];
  }
  out->c_oflag = t.c_oflag & 1;
  out->c_ispeed = out->c_ospeed = 9600;
  return 0;
}

static int bytes_to_read(int fd, int *count) {
  int mode = mode_of(fd);
  if (!S_ISREG(mode) && !S_ISDIR(mode)) {
    return syscall(SYS_ioctl, fd, FIONREAD, count) == -1 ? linux_error() : 0;
  }
  *count = (int)(size_of(fd) - syscall(SYS_lseek, fd, 0, SEEK_CUR));
  return 0;
}

static int device_type(int fd, int *type) {
  struct termios t;
  enum { D_TTY = 4 };
  if (!S_ISCHR(mode_of(fd))) return B_ENOTTY;
  *type = is_terminal(fd, &t) ? D_TTY : 0;
  return 0;
}

static int plain_ioctl(int fd, unsigned long request, void *data) {
  return syscall(SYS_ioctl, fd, request, data) == -1 ? linux_error() : 0;
}

static int owner_ioctl(int fd, long command, int *data) {
  if (!has_owner(fd)) return B_ENOTTY;
  long result = syscall(SYS_fcntl, fd, command, (long)*data);
  if (result == -1) return linux_error();
  if (command == F_GETOWN) *data = (int)result;
  return 0;
}

static int send_request(int fd, unsigned long request, void *data) {
  if (check_open(fd) != 0) return fail(B_EBADF);
  int error = check_ioctl(fd, request & 0xffffffffu);
  if (error != 0) return fail(error);
  if (is_path_only(fd)) return fail(B_EBADF);
  switch ((int)request) {
    case FIOCLEX_: return (int)answer(syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC));
    case FIONCLEX_: return (int)answer(syscall(SYS_fcntl, fd, F_SETFD, 0));
    case FIONREAD_: return returned(bytes_to_read(fd, data));
    case FIODTYPE_: return returned(device_type(fd, data));
    case FIOGETOWN_: return returned(owner_ioctl(fd, F_GETOWN, data));
    case FIOSETOWN_: return returned(owner_ioctl(fd, F_SETOWN, data));
    case FIOASYNC_: return returned(plain_ioctl(fd, FIOASYNC, data));
    case FIONBIO_: return returned(plain_ioctl(fd, FIONBIO, data));
    case TIOCGETA_: return returned(get_termios(fd, data));
    case TIOCGWINSZ_: return returned(plain_ioctl(fd, TIOCGWINSZ, data));
    case TIOCSWINSZ_: return returned(plain_ioctl(fd, TIOCSWINSZ, data));
    case TIOCGETD_: return returned(plain_ioctl(fd, TIOCGETD, data));
    case TIOCOUTQ_: return returned(plain_ioctl(fd, TIOCOUTQ, data));
    default: return fail(B_ENOTTY);
  }
}

CALL(int, ioctl, int fd, unsigned long request, void *data) {
  ENTER(ioctl);
  return send_request(fd, request, data);
}

CALL(int, tcgetattr, int fd, struct b_termios *out) {
  ENTER(tcgetattr);
  return send_request(fd, TIOCGETA_, out);
}

CALL(int, isatty, int fd) {
  ENTER_WITH(isatty, (fail(injected), 0));
  struct b_termios t;
  return send_request(fd, TIOCGETA_, &t) == 0;
}
