/* FreeBSD's numbers and structs: amd64 and arm64, the same in every release where no release is named. */
#ifndef FREEBSD_H
#define FREEBSD_H

#include <stdint.h>

/* errno: only numbers that differ from Linux's or that the stand-in sets itself. */
enum {
  B_EPERM = 1,
  B_ENOENT = 2,
  B_ESRCH = 3,
  B_EINTR = 4,
  B_ENXIO = 6,
  B_EBADF = 9,
  B_ENOMEM = 12,
  B_EACCES = 13,
  B_EFAULT = 14,
  B_EBUSY = 16,
  B_EEXIST = 17,
  B_EXDEV = 18,
  B_ENODEV = 19,
  B_ENOTDIR = 20,
  B_EISDIR = 21,
  B_EINVAL = 22,
  B_ENOTTY = 25,
  B_EFBIG = 27,
  B_ESPIPE = 29,
  B_EMLINK = 31,
  B_ERANGE = 34,
  B_EAGAIN = 35,
  B_EDEADLK = 11,
  B_ENOTSOCK = 38,
  B_EDESTADDRREQ = 39,
  B_ENOPROTOOPT = 42,
  B_EOPNOTSUPP = 45,
  B_EAFNOSUPPORT = 47,
  B_EADDRINUSE = 48,
  B_ELOOP = 62,
  B_ENAMETOOLONG = 63,
  B_ENOSYS = 78,
  B_EFTYPE = 79,
  B_ENOTCAPABLE = 93,
  B_ECAPMODE = 94,
};

/* open(2) */
enum {
  B_O_WRONLY = 1,
  B_O_RDWR = 2,
  B_O_ACCMODE = 3,
  B_O_NONBLOCK = 4,
  B_O_APPEND = 8,
  B_O_SHLOCK = 0x10,
  B_O_EXLOCK = 0x20,
  B_O_ASYNC = 0x40,
  B_O_SYNC = 0x80,
  B_O_NOFOLLOW = 0x100,
  B_O_CREAT = 0x200,
  B_O_TRUNC = 0x400,
  B_O_EXCL = 0x800,
  B_O_NOCTTY = 0x8000,
  B_O_DIRECT = 0x10000,
  B_O_DIRECTORY = 0x20000,
  B_O_EXEC = 0x40000,
  B_O_TTY_INIT = 0x80000,
  B_O_CLOEXEC = 0x100000,
  B_O_VERIFY = 0x200000,
  B_O_PATH = 0x400000,
  B_O_RESOLVE_BENEATH = 0x800000,
  B_O_DSYNC = 0x1000000,
  B_O_EMPTY_PATH = 0x2000000,
  B_O_NAMEDATTR = 0x4000000,
  B_O_CLOFORK = 0x8000000,
};

/* the *at calls */
enum {
  B_AT_FDCWD = -100,
  B_FD_NONE = -200,
  B_AT_EACCESS = 0x100,
  B_AT_SYMLINK_NOFOLLOW = 0x200,
  B_AT_SYMLINK_FOLLOW = 0x400,
  B_AT_REMOVEDIR = 0x800,
  B_AT_RESOLVE_BENEATH = 0x2000,
  B_AT_EMPTY_PATH = 0x4000,
  B_AT_RENAME_NOREPLACE = 1,
};

/* fcntl(2) */
enum {
  B_F_DUPFD = 0,
  B_F_GETFD = 1,
  B_F_SETFD = 2,
  B_F_GETFL = 3,
  B_F_SETFL = 4,
  B_F_GETOWN = 5,
  B_F_SETOWN = 6,
  B_F_DUP2FD = 10,
  B_F_GETLK = 11,
  B_F_SETLK = 12,
  B_F_SETLKW = 13,
  B_F_READAHEAD = 15,
  B_F_RDAHEAD = 16,
  B_F_DUPFD_CLOEXEC = 17,
  B_F_DUP2FD_CLOEXEC = 18,
  B_F_ADD_SEALS = 19,
  B_F_GET_SEALS = 20,
  B_F_ISUNIONSTACK = 21,
  B_F_KINFO = 22,
  B_F_DUPFD_CLOFORK = 23,
  B_F_DUP3FD = 24,
  B_F_DUP3FD_SHIFT = 16,
  B_FD_CLOEXEC = 1,
  B_FD_RESOLVE_BENEATH = 2,
  B_FD_CLOFORK = 4,
  B_F_RDLCK = 1,
  B_F_UNLCK = 2,
  B_F_WRLCK = 3,
};

struct b_flock {
  int64_t l_start;
  int64_t l_len;
  int32_t l_pid;
  int16_t l_type;
  int16_t l_whence;
  int32_t l_sysid;
  int32_t l_pad;
};

struct b_kinfo_file {
  int32_t kf_structsize;
  int32_t kf_type;
  int32_t kf_fd;
  int32_t kf_ref_count;
  int32_t kf_flags;
  int32_t kf_pad0;
  int64_t kf_offset;
  uint64_t kf_others[42];
  char kf_path[1024];
};
_Static_assert(sizeof(struct b_kinfo_file) == 1392, "FreeBSD's struct kinfo_file has 1392 bytes");

struct b_timespec {
  int64_t tv_sec;
  int64_t tv_nsec;
};

struct b_timeval {
  int64_t tv_sec;
  int64_t tv_usec;
};

enum { B_UTIME_NOW = -1, B_UTIME_OMIT = -2 };

struct b_stat {
  uint64_t st_dev;
  uint64_t st_ino;
  uint64_t st_nlink;
  uint16_t st_mode;
  int16_t st_bsdflags;
  uint32_t st_uid;
  uint32_t st_gid;
  int32_t st_padding1;
  uint64_t st_rdev;
  struct b_timespec st_atim;
  struct b_timespec st_mtim;
  struct b_timespec st_ctim;
  struct b_timespec st_birthtim;
  int64_t st_size;
  int64_t st_blocks;
  int32_t st_blksize;
  uint32_t st_flags;
  uint64_t st_gen;
  uint64_t st_spare[10];
};
_Static_assert(sizeof(struct b_stat) == 224, "FreeBSD's struct stat has 224 bytes");

struct b_dirent {
  uint64_t d_fileno;
  int64_t d_off;
  uint16_t d_reclen;
  uint8_t d_type;
  uint8_t d_pad0;
  uint16_t d_namlen;
  uint16_t d_pad1;
  char d_name[];
};
_Static_assert(sizeof(struct b_dirent) == 24, "a FreeBSD dirent's name starts at byte 24");

struct b_statfs {
  uint32_t f_version;
  uint32_t f_type;
  uint64_t f_flags;
  uint64_t f_bsize;
  uint64_t f_iosize;
  uint64_t f_blocks;
  uint64_t f_bfree;
  int64_t f_bavail;
  uint64_t f_files;
  int64_t f_ffree;
  uint64_t f_counts[4];
  uint32_t f_nvnodelistsize;
  uint32_t f_spare0;
  uint64_t f_spare[9];
  uint32_t f_namemax;
  uint32_t f_owner;
  int32_t f_fsid[2];
  char f_charspare[80];
  char f_fstypename[16];
  char f_mntfromname[1024];
  char f_mntonname[1024];
};
_Static_assert(sizeof(struct b_statfs) == 2344, "FreeBSD's struct statfs has 2344 bytes");

enum { B_PATH_MAX = 1024, B_NAME_MAX = 255, B_IOV_MAX = 1024, B_MAXSYMLINKS = 32 };

/* The index bits of a right name its word, as in sys/capsicum.h; the words are stored separately. */
#define INDEX0 0x0200000000000000u
#define INDEX1 0x0400000000000000u
#define INDEX_BITS 0x3e00000000000000u
#define VERSION_BITS 0xc000000000000000u

#define CAP_READ 0x1u
#define CAP_WRITE 0x2u
#define CAP_SEEK 0xcu
#define CAP_PREAD (CAP_READ | CAP_SEEK)
#define CAP_PWRITE (CAP_WRITE | CAP_SEEK)
#define CAP_MMAP 0x10u
#define CAP_MMAP_R (CAP_MMAP | CAP_PREAD)
#define CAP_MMAP_W (CAP_MMAP | CAP_PWRITE)
#define CAP_MMAP_X (CAP_MMAP | CAP_SEEK | 0x20u)
#define CAP_CREATE 0x40u
#define CAP_FEXECVE 0x80u
#define CAP_FSYNC 0x100u
#define CAP_FTRUNCATE 0x200u
#define CAP_LOOKUP 0x400u
#define CAP_FCHDIR 0x800u
#define CAP_FCHFLAGS 0x1000u
#define CAP_FCHMOD 0x2000u
#define CAP_FCHOWN 0x4000u
#define CAP_FCNTL 0x8000u
#define CAP_FLOCK 0x10000u
#define CAP_FPATHCONF 0x20000u
#define CAP_FSTAT 0x80000u
#define CAP_FSTATFS 0x100000u
#define CAP_FUTIMES 0x200000u
#define CAP_LINKAT_TARGET 0x400000u
#define CAP_MKDIRAT 0x800000u
#define CAP_MKFIFOAT 0x1000000u
#define CAP_MKNODAT 0x2000000u
#define CAP_RENAMEAT_SOURCE 0x4000000u
#define CAP_SYMLINKAT 0x8000000u
#define CAP_UNLINKAT 0x10000000u
#define CAP_ACCEPT 0x20000000u
#define CAP_BIND 0x40000000u
#define CAP_CONNECT 0x80000000u
#define CAP_GETPEERNAME 0x100000000u
#define CAP_GETSOCKNAME 0x200000000u
#define CAP_GETSOCKOPT 0x400000000u
#define CAP_LISTEN 0x800000000u
#define CAP_SETSOCKOPT 0x2000000000u
#define CAP_SHUTDOWN 0x4000000000u
#define CAP_BINDAT 0x8000000000u
#define CAP_CONNECTAT 0x10000000000u
#define CAP_LINKAT_SOURCE 0x20000000000u
#define CAP_RENAMEAT_TARGET 0x40000000000u

#define CAP1_EVENT 0x20u
#define CAP1_KQUEUE_EVENT 0x40u
#define CAP1_IOCTL 0x80u
#define CAP1_KQUEUE_CHANGE 0x100000u
#define CAP1_INOTIFY_ADD 0x200000u
#define CAP1_INOTIFY_RM 0x400000u

enum { CAP_FCNTL_ALL = 0x78, IOCTLS_MAX_COUNT = 256 };
#define CAP_IOCTLS_ALL INT64_MAX

#endif
