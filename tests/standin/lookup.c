/*
 * Path lookup, component by component, by FreeBSD's rules.
 *
 * Opens each component with O_PATH|O_NOFOLLOW and checks it, because Linux's own lookup has other rules for "..",
 * symlinks and trailing slashes, and another order of errors.
 */
#include "standin.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct identity {
  uint64_t device, inode;
};

struct walk {
  struct lookup *l;
  int at; /* the directory in which the next component is looked up */
  bool owns_at;
  bool trailing_slash;
  int links;
  struct identity start;
  bool left_mount; /* 15.x: the walk left its start directory by the root of a mount */
  /* the directories of the walk, to which ".." returns */
  struct identity *walked;
  size_t walked_count, walked_room;
  char *next;
  char path[B_PATH_MAX];
};

/* The walk must start again. */
enum { MOVED = -1 };

static struct identity identity_at(int fd, const char *path, bool *mount_root) {
  struct statx s = {0};
  syscall(SYS_statx, fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO, &s);
  if (mount_root != NULL) *mount_root = (s.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return (struct identity){(uint64_t)s.stx_dev_major << 32 | s.stx_dev_minor, s.stx_ino};
}

static struct identity identity_of(int fd) {
  return fd == AT_FDCWD ? identity_at(fd, ".", NULL) : identity_at(fd, "", NULL);
}

static bool same(struct identity a, struct identity b) { return a.device == b.device && a.inode == b.inode; }

static bool is_declared(struct identity directory) {
  const char *roots = getenv("STANDIN_MOUNT_ROOTS");
  while (roots != NULL && *roots != 0) {
    size_t length = strcspn(roots, ":");
    char path[B_PATH_MAX * 4];
    if (length > 0 && length < sizeof path) {
      memcpy(path, roots, length);
      path[length] = 0;
      if (same(identity_at(AT_FDCWD, path, NULL), directory)) return true;
    }
    roots += length + (roots[length] == ':');
  }
  return false;
}

bool is_mount_root(int fd) {
  bool mount_root;
  struct identity directory =
      fd == AT_FDCWD ? identity_at(fd, ".", &mount_root) : identity_at(fd, "", &mount_root);
  return mount_root || is_declared(directory);
}

bool same_file(int fd, int other) { return same(identity_of(fd), identity_of(other)); }

bool is_plain_name(const char *path) {
  return path[0] != 0 && strcmp(path, "..") != 0 && strchr(path, '/') == NULL;
}

int lookup_flags(int at_flags, int allowed) {
  if ((at_flags & ~allowed) != 0) return -1;
  int follows = (allowed & B_AT_SYMLINK_FOLLOW) != 0 ? at_flags & B_AT_SYMLINK_FOLLOW
                                                     : (at_flags & B_AT_SYMLINK_NOFOLLOW) == 0;
  return (follows ? FOLLOW : 0) | ((at_flags & B_AT_RESOLVE_BENEATH) != 0 ? BENEATH : 0) |
         ((at_flags & B_AT_EMPTY_PATH) != 0 ? EMPTY_OK : 0);
}

/* The checks before the first component. */
int lookup_start(struct lookup *l) {
  l->parent = l->found = -1;
  l->owns_parent = false;
  if (l->path == NULL) return B_EFAULT;
  if (strlen(l->path) >= B_PATH_MAX) return B_ENAMETOOLONG;
  l->empty = l->path[0] == 0;
  if (l->empty && (l->flags & EMPTY_OK) == 0) return B_ENOENT;
  l->strict = l->inherits = in_capmode();
  if (l->strict && l->dirfd == B_AT_FDCWD) return B_ECAPMODE;
  l->absolute = l->path[0] == '/';
  if (l->absolute) return l->strict || (l->flags & BENEATH) != 0 ? B_ENOTCAPABLE : 0;
  if (l->dirfd != B_AT_FDCWD) {
    bool limited;
    unsigned flags;
    int error = check_directory(l->dirfd, l->rights | CAP_LOOKUP, &limited, &flags);
    if (error != 0) return error;
    if (l->dirfd < 0) return B_EBADF;
    l->inherits |= limited;
    l->marked = (flags & B_FD_RESOLVE_BENEATH) != 0;
  }
  l->strict = l->inherits || l->marked || (l->flags & BENEATH) != 0;
  return 0;
}

/* Continues the walk in this directory, which the walk closes at its end. */
static void go_to(struct walk *w, int directory) {
  if (w->owns_at) close_quietly(w->at);
  w->at = directory;
  w->owns_at = true;
}

/* Continues the walk at the root directory. */
static int go_to_root(struct walk *w) {
  if (w->l->strict) return B_ENOTCAPABLE;
  int root = (int)syscall(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root == -1) return linux_error();
  go_to(w, root);
  return 0;
}

/* Cuts trailing slashes off, and records that there were some. */
static void trim_slashes(struct walk *w) {
  size_t length = strlen(w->next);
  while (length > 0 && w->next[length - 1] == '/') {
    w->next[--length] = 0;
    w->trailing_slash = true;
  }
}

static void remember(struct walk *w, int directory) {
  if (!w->l->strict) return;
  struct identity identity = identity_of(directory);
  if (w->walked_count > 0 && same(w->walked[w->walked_count - 1], identity)) return;
  if (w->walked_count == w->walked_room) {
    w->walked_room = w->walked_room * 2 + 16;
    w->walked = realloc(w->walked, w->walked_room * sizeof *w->walked);
    if (w->walked == NULL) abort();
  }
  w->walked[w->walked_count++] = identity;
}

/* Whether the walk passed through this directory; if so, the walk continues there. */
static bool was_walked(struct walk *w, int directory) {
  struct identity identity = identity_of(directory);
  for (size_t i = w->walked_count; i > 0; i--) {
    if (!same(w->walked[i - 1], identity)) continue;
    w->walked_count = i;
    return true;
  }
  return false;
}

static bool is_removed_directory(int fd) {
  struct stat s;
  return syscall(SYS_newfstatat, fd, "", &s, AT_EMPTY_PATH) == 0 && S_ISDIR(s.st_mode) && s.st_nlink == 0;
}

/* Opens "..", unless that leaves the start directory. A removed directory has no "..", as in the sources of UFS and tmpfs. */
static int open_dotdot(struct walk *w, int *parent) {
  bool strict = w->l->strict;
  struct identity here = strict ? identity_of(w->at) : (struct identity){0, 0};
  bool at_root = strict && same(here, identity_at(AT_FDCWD, "/", NULL));
  if (at_root && release15) return B_ENOTCAPABLE;
  bool leaves_mount = strict && !at_root && is_mount_root(w->at);
  if (leaves_mount && !release15) return B_ENOTCAPABLE;
  if (is_removed_directory(w->at)) return B_ENOENT;
  *parent = (int)syscall(SYS_openat, w->at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (*parent == -1) return linux_error();
  if (!strict) return 0;
  bool walked = was_walked(w, *parent);
  int error = 0;
  if (!release15) error = walked ? 0 : B_ENOTCAPABLE;
  /* 15.x compares the covered directory with the start, not the mount's root: the root of a mount is not confined. */
  else if (leaves_mount) w->left_mount |= !walked;
  else if (same(here, w->start)) error = B_ENOTCAPABLE;
  /* Another process moved the directory; 15.x delays such moves until the lookup has ended. */
  else if (!walked && !w->left_mount) error = MOVED;
  if (error != 0) close_quietly(*parent);
  return error;
}

/* Replaces a symlink by its target in the rest of the path. */
static int follow(struct walk *w, int link) {
  if (w->links++ >= B_MAXSYMLINKS) return B_ELOOP;
  char target[B_PATH_MAX + 1];
  long length = syscall(SYS_readlinkat, link, "", target, sizeof target);
  if (length == -1) return linux_error();
  size_t rest = strlen(w->next);
  if ((size_t)length + rest >= B_PATH_MAX) return B_ENAMETOOLONG;
  memmove(w->path + length, w->next, rest + 1);
  memcpy(w->path, target, (size_t)length);
  w->next = w->path;
  return w->path[0] == '/' ? go_to_root(w) : 0;
}

/* Links in /proc refer to files without a path: Linux follows them, except in strict lookups. */
static bool is_magic_link(int link) {
  struct statfs s;
  return syscall(SYS_fstatfs, link, &s) == 0 && s.f_type == PROC_SUPER_MAGIC;
}

/* The path names a directory without a last component: "/", or a symlink to it. */
static int end_at_directory(struct walk *w) {
  struct lookup *l = w->l;
  if (l->operation != LOOKUP) return B_EISDIR;
  l->found = (int)syscall(SYS_openat, w->at, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (l->found == -1) return linux_error();
  l->mode = S_IFDIR;
  strcpy(l->name, ".");
  return 0;
}

/* Looks up components until the last, or until a symlink that must be followed (`*link`). */
static int walk_components(struct walk *w, int *link) {
  struct lookup *l = w->l;
  *link = -1;
  while (*w->next == '/') w->next++;
  trim_slashes(w);
  if (*w->next == 0) return end_at_directory(w);
  for (;;) {
    const char *name = w->next;
    size_t length = strcspn(name, "/");
    if (length > B_NAME_MAX) return B_ENAMETOOLONG;
    w->next += length;
    bool last = *w->next == 0;
    bool dotdot = length == 2 && name[0] == '.' && name[1] == '.';
    bool dot = length == 1 && name[0] == '.';
    if (last && (dot || dotdot) && (l->operation == DELETE || l->operation == RENAME)) return B_EINVAL;
    memcpy(l->name, name, length);
    l->name[length] = 0;
    remember(w, w->at);
    int error = 0, found;
    if (dotdot) error = open_dotdot(w, &found);
    else {
      found = (int)syscall(SYS_openat, w->at, l->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
      if (found == -1) error = linux_error();
    }
    if (error == B_ENOENT && last && (l->operation == CREATE || l->operation == RENAME)) {
      return w->trailing_slash && (l->flags & WILL_BE_DIR) == 0 ? B_ENOENT : 0;
    }
    if (error != 0) return error;
    int mode = mode_of(found);
    if (S_ISLNK(mode) && ((l->flags & FOLLOW) != 0 || w->trailing_slash || !last)) {
      *link = found;
      return 0;
    }
    if (last) {
      if (w->trailing_slash && !S_ISDIR(mode)) {
        close_quietly(found);
        return B_ENOTDIR;
      }
      l->found = found;
      l->mode = (unsigned)mode;
      return 0;
    }
    while (*w->next == '/') w->next++;
    go_to(w, found);
  }
}

static int follow_magic_link(struct walk *w) {
  struct lookup *l = w->l;
  int target = (int)syscall(SYS_openat, w->at, l->name, O_PATH | O_CLOEXEC);
  if (target == -1) return linux_error();
  if (*w->next != 0) {
    go_to(w, target);
    return 0;
  }
  l->found = target;
  l->mode = (unsigned)mode_of(target);
  l->empty = true;
  return 0;
}

static int walk(struct walk *w) {
  struct lookup *l = w->l;
  int error = l->absolute ? go_to_root(w) : 0;
  while (error == 0 && l->found == -1) {
    int link;
    error = walk_components(w, &link);
    if (error != 0 || link == -1) break;
    error = !l->strict && is_magic_link(link) ? follow_magic_link(w) : follow(w, link);
    close_quietly(link);
  }
  return error;
}

/* An empty path names the file of the descriptor. */
static int end_at_start(struct lookup *l) {
  l->found = l->dirfd == B_AT_FDCWD ? (int)syscall(SYS_openat, AT_FDCWD, ".", O_PATH | O_CLOEXEC)
                                    : (int)syscall(SYS_fcntl, l->dirfd, F_DUPFD_CLOEXEC, 0);
  if (l->found == -1) return linux_error();
  l->mode = (unsigned)mode_of(l->found);
  return 0;
}

int lookup(struct lookup *l) {
  int error = lookup_start(l);
  if (error != 0) return error;
  if (l->empty) return end_at_start(l);
  struct walk w;
  do {
    w = (struct walk){.l = l, .at = l->dirfd};
    w.next = w.path;
    strcpy(w.path, l->path);
    if (l->strict) w.start = identity_of(l->dirfd);
    error = walk(&w);
    free(w.walked);
    if (error == MOVED && w.owns_at) close_quietly(w.at);
  } while (error == MOVED);
  l->parent = w.at;
  l->owns_parent = w.owns_at;
  if (error != 0) lookup_end(l);
  return error;
}

void lookup_end(struct lookup *l) {
  close_quietly(l->found);
  if (l->owns_parent) close_quietly(l->parent);
  l->found = l->parent = -1;
  l->owns_parent = false;
}

int at_fd(const struct lookup *l) {
  if (S_ISDIR(l->mode)) return l->found;
  return l->empty ? AT_FDCWD : l->parent;
}

const char *at_name(struct lookup *l) {
  if (S_ISDIR(l->mode)) return ".";
  if (l->empty) snprintf(l->name, sizeof l->name, "/proc/self/fd/%d", l->found);
  return l->name;
}
