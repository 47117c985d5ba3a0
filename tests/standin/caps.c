/*
 * The capabilities of each descriptor: rights, ioctls and fcntls.
 *
 * A descriptor without an entry is unlimited. Deno can close a descriptor and reuse its number without this library
 * noticing, so an entry records its file, and is dropped if the number now belongs to another file.
 */
#include "standin.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_FD = 1 << 20, ALL_IOCTLS = -1 };

struct identity {
  uint64_t device, inode, birth;
};

struct entry {
  struct identity file;
  uint64_t rights[2];
  uint32_t fcntls;
  unsigned flags;
  int ioctl_count;
  uint64_t ioctls[];
};

static _Atomic(struct entry *) entries[MAX_FD];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int identify(int fd, struct identity *file) {
  struct statx s;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &s) == -1) return linux_error();
  file->device = (uint64_t)s.stx_dev_major << 32 | s.stx_dev_minor;
  file->inode = s.stx_ino;
  file->birth = (uint64_t)s.stx_btime.tv_sec * 1000000000u + s.stx_btime.tv_nsec;
  return 0;
}

int check_open(int fd) { return syscall(SYS_fcntl, fd, F_GETFD) == -1 ? B_EBADF : 0; }

static void put_entry(int fd, struct entry *entry) { free(atomic_exchange(&entries[fd], entry)); }

/* Returns the entry of a descriptor, or NULL. The caller holds the lock. */
static struct entry *entry_of(int fd) {
  struct entry *entry = atomic_load(&entries[fd]);
  if (entry == NULL) return NULL;
  struct identity now;
  if (identify(fd, &now) == 0 && memcmp(&now, &entry->file, sizeof now) == 0) return entry;
  put_entry(fd, NULL);
  return NULL;
}

static bool has_entry(int fd) { return fd >= 0 && fd < MAX_FD && atomic_load(&entries[fd]) != NULL; }

static bool contains(const uint64_t have[2], uint64_t rights0, uint64_t rights1) {
  return (rights0 & ~have[0]) == 0 && (rights1 & ~have[1]) == 0;
}

static bool is_full(const struct entry *entry) {
  return contains(entry->rights, cap_all[0], cap_all[1]) && entry->fcntls == CAP_FCNTL_ALL &&
         entry->ioctl_count == ALL_IOCTLS;
}

/* ENOTCAPABLE if a right is missing. An unlimited descriptor is not checked: Linux reports if it is closed. */
int check_rights(int fd, uint64_t rights0, uint64_t rights1) {
  if (!has_entry(fd)) return 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(fd);
  bool allowed = entry == NULL || contains(entry->rights, rights0, rights1);
  pthread_mutex_unlock(&lock);
  return allowed ? 0 : B_ENOTCAPABLE;
}

int check_fcntl(int fd, uint32_t command_bit) {
  if (!has_entry(fd)) return 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(fd);
  bool allowed = entry == NULL || (contains(entry->rights, CAP_FCNTL, 0) && (entry->fcntls & command_bit) != 0);
  pthread_mutex_unlock(&lock);
  return allowed ? 0 : B_ENOTCAPABLE;
}

static bool lists(const struct entry *entry, uint64_t request) {
  for (int i = 0; i < entry->ioctl_count; i++) {
    if (entry->ioctls[i] == request) return true;
  }
  return entry->ioctl_count == ALL_IOCTLS;
}

int check_ioctl(int fd, uint64_t request) {
  if (!has_entry(fd)) return 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(fd);
  bool allowed = entry == NULL || lists(entry, request);
  pthread_mutex_unlock(&lock);
  return allowed ? 0 : B_ENOTCAPABLE;
}

/* check_rights() for the directory where a lookup starts; also reports whether it is limited in any way. */
int check_directory(int fd, uint64_t rights, bool *limited, unsigned *flags) {
  *limited = false;
  *flags = 0;
  if (!has_entry(fd)) return 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(fd);
  bool allowed = entry == NULL || contains(entry->rights, rights, 0);
  if (entry != NULL) {
    *limited = !is_full(entry);
    *flags = entry->flags;
  }
  pthread_mutex_unlock(&lock);
  return allowed ? 0 : B_ENOTCAPABLE;
}

static size_t entry_size(int ioctl_count) {
  return sizeof(struct entry) + sizeof(uint64_t) * (size_t)(ioctl_count > 0 ? ioctl_count : 0);
}

/* Returns a copy of the entry, with room for `ioctl_count` ioctls, to change and store; NULL if not open. */
static struct entry *editable(int fd, int ioctl_count) {
  struct identity file;
  if (fd < 0 || fd >= MAX_FD || identify(fd, &file) != 0) return NULL;
  struct entry *old = entry_of(fd);
  int room = old != NULL && old->ioctl_count > ioctl_count ? old->ioctl_count : ioctl_count;
  struct entry *new = calloc(1, entry_size(room));
  if (new == NULL) abort();
  if (old != NULL) memcpy(new, old, entry_size(old->ioctl_count));
  else {
    new->file = file;
    memcpy(new->rights, cap_all, sizeof cap_all);
    new->fcntls = CAP_FCNTL_ALL;
    new->ioctl_count = ALL_IOCTLS;
  }
  return new;
}

/* Ends a change: stores the entry, or frees it if `error` is set or nothing is limited. */
static int put_edited(int fd, struct entry *entry, int error) {
  if (error == 0) put_entry(fd, is_full(entry) && entry->flags == 0 ? NULL : entry);
  if (error != 0 || atomic_load(&entries[fd]) != entry) free(entry);
  pthread_mutex_unlock(&lock);
  return returned(error);
}

unsigned fd_flags(int fd) {
  if (!has_entry(fd)) return 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(fd);
  unsigned flags = entry == NULL ? 0 : entry->flags;
  pthread_mutex_unlock(&lock);
  return flags;
}

int set_fd_flags(int fd, unsigned set, unsigned clear) {
  if (set == 0 && !has_entry(fd)) return 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = editable(fd, 0);
  if (entry == NULL) {
    pthread_mutex_unlock(&lock);
    return fail(B_EBADF);
  }
  entry->flags = (entry->flags & ~clear) | set;
  return put_edited(fd, entry, 0);
}

/* Registers a new descriptor, which is unlimited. */
long fresh(long fd) {
  if (fd >= 0 && fd < MAX_FD && has_entry((int)fd)) {
    pthread_mutex_lock(&lock);
    put_entry((int)fd, NULL);
    pthread_mutex_unlock(&lock);
  }
  return fd;
}

/* Gives a new descriptor the capabilities of another one, which may be of another file. */
void inherit(int from, int to, unsigned flags) {
  fresh(to);
  if (!has_entry(from) || to < 0 || to >= MAX_FD) return;
  pthread_mutex_lock(&lock);
  struct entry *model = entry_of(from);
  if (model != NULL) {
    struct entry *copy = malloc(entry_size(model->ioctl_count));
    if (copy == NULL) abort();
    memcpy(copy, model, entry_size(model->ioctl_count));
    copy->flags &= flags;
    bool worth = !is_full(copy) || copy->flags != 0;
    if (worth && identify(to, &copy->file) == 0) put_entry(to, copy);
    else free(copy);
  }
  pthread_mutex_unlock(&lock);
}

static const uint64_t MAGIC = 0x73656974696c6962;

/* Writes the capabilities of descriptors to a new file without a name, for another process. */
int export_capabilities(const int *fds, size_t count) {
  int file = (int)syscall(SYS_memfd_create, "capabilities", MFD_CLOEXEC);
  if (file == -1) abort();
  syscall(SYS_write, file, &MAGIC, sizeof MAGIC);
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < count; i++) {
    struct entry *entry = has_entry(fds[i]) ? entry_of(fds[i]) : NULL;
    uint64_t size = entry == NULL ? 0 : entry_size(entry->ioctl_count);
    syscall(SYS_write, file, &size, sizeof size);
    if (entry != NULL) syscall(SYS_write, file, entry, size);
  }
  pthread_mutex_unlock(&lock);
  return file;
}

/* Gives descriptors the capabilities in a file; false if it is another file. */
bool import_capabilities(int file, const int *fds, size_t count) {
  uint64_t magic = 0, size;
  long at = sizeof magic;
  if (syscall(SYS_pread64, file, &magic, sizeof magic, 0L) != sizeof magic || magic != MAGIC) return false;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < count; i++) {
    if (syscall(SYS_pread64, file, &size, sizeof size, at) != sizeof size) abort();
    at += sizeof size;
    if (size == 0) continue;
    struct entry *entry = malloc(size);
    if (entry == NULL || syscall(SYS_pread64, file, entry, size, at) != (long)size) abort();
    at += (long)size;
    if (fds[i] < MAX_FD && identify(fds[i], &entry->file) == 0) put_entry(fds[i], entry);
    else free(entry);
  }
  pthread_mutex_unlock(&lock);
  return true;
}

static bool is_valid(const uint64_t rights[2]) {
  for (int i = 0; i < 2; i++) {
    if ((rights[i] & (VERSION_BITS | INDEX_BITS)) != (i == 0 ? INDEX0 : INDEX1)) return false;
    if ((rights[i] & ~cap_all[i]) != 0) return false;
  }
  return true;
}

CALL(int, cap_rights_limit, int fd, const uint64_t *rights) {
  ENTER(cap_rights_limit);
  if (rights == NULL) return fail(B_EFAULT);
  if (!is_valid(rights)) return fail(B_EINVAL);
  pthread_mutex_lock(&lock);
  struct entry *entry = editable(fd, 0);
  if (entry == NULL) {
    pthread_mutex_unlock(&lock);
    return fail(B_EBADF);
  }
  if (!contains(entry->rights, rights[0], rights[1])) return put_edited(fd, entry, B_ENOTCAPABLE);
  memcpy(entry->rights, rights, sizeof entry->rights);
  if ((rights[1] & CAP1_IOCTL) == 0) entry->ioctl_count = 0;
  if ((rights[0] & CAP_FCNTL) == 0) entry->fcntls = 0;
  return put_edited(fd, entry, 0);
}

CALL(int, __cap_rights_get, int version, int fd, uint64_t *rights) {
  ENTER(__cap_rights_get);
  if (version != 0) return fail(B_EINVAL);
  if (check_open(fd) != 0) return fail(B_EBADF);
  if (rights == NULL) return fail(B_EFAULT);
  pthread_mutex_lock(&lock);
  struct entry *entry = has_entry(fd) ? entry_of(fd) : NULL;
  memcpy(rights, entry == NULL ? cap_all : entry->rights, sizeof cap_all);
  pthread_mutex_unlock(&lock);
  return 0;
}

CALL(int, cap_ioctls_limit, int fd, const uint64_t *requests, size_t count) {
  ENTER(cap_ioctls_limit);
  if (count > IOCTLS_MAX_COUNT) return fail(B_EINVAL);
  if (count > 0 && requests == NULL) return fail(B_EFAULT);
  pthread_mutex_lock(&lock);
  struct entry *entry = editable(fd, (int)count);
  if (entry == NULL) {
    pthread_mutex_unlock(&lock);
    return fail(B_EBADF);
  }
  bool grows = entry->ioctl_count != ALL_IOCTLS && (int)count > entry->ioctl_count;
  for (size_t i = 0; i < count && !grows; i++) grows = !lists(entry, requests[i]);
  if (grows) return put_edited(fd, entry, B_ENOTCAPABLE);
  entry->ioctl_count = (int)count;
  if (count > 0) memcpy(entry->ioctls, requests, count * sizeof *requests);
  return put_edited(fd, entry, 0);
}

CALL(int64_t, cap_ioctls_get, int fd, uint64_t *requests, size_t room) {
  ENTER(cap_ioctls_get);
  if (check_open(fd) != 0) return fail(B_EBADF);
  pthread_mutex_lock(&lock);
  struct entry *entry = has_entry(fd) ? entry_of(fd) : NULL;
  int64_t count = entry == NULL || entry->ioctl_count == ALL_IOCTLS ? CAP_IOCTLS_ALL : entry->ioctl_count;
  if (requests != NULL && count != CAP_IOCTLS_ALL) {
    size_t fits = (size_t)count < room ? (size_t)count : room;
    memcpy(requests, entry->ioctls, fits * sizeof *requests);
  }
  pthread_mutex_unlock(&lock);
  return count;
}

CALL(int, cap_fcntls_limit, int fd, uint32_t mask) {
  ENTER(cap_fcntls_limit);
  if ((mask & ~(uint32_t)CAP_FCNTL_ALL) != 0) return fail(B_EINVAL);
  pthread_mutex_lock(&lock);
  struct entry *entry = editable(fd, 0);
  if (entry == NULL) {
    pthread_mutex_unlock(&lock);
    return fail(B_EBADF);
  }
  if ((mask & ~entry->fcntls) != 0) return put_edited(fd, entry, B_ENOTCAPABLE);
  entry->fcntls = mask;
  return put_edited(fd, entry, 0);
}

CALL(int, cap_fcntls_get, int fd, uint32_t *mask) {
  ENTER(cap_fcntls_get);
  if (check_open(fd) != 0) return fail(B_EBADF);
  if (mask == NULL) return fail(B_EFAULT);
  pthread_mutex_lock(&lock);
  struct entry *entry = has_entry(fd) ? entry_of(fd) : NULL;
  *mask = entry == NULL ? CAP_FCNTL_ALL : entry->fcntls;
  pthread_mutex_unlock(&lock);
  return 0;
}
