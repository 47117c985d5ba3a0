/* The simulated release of FreeBSD, and what sysctl(3) and uname(3) report about it. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>

bool release15 = true;
uint64_t cap_all[2] = {INDEX0 | 0xfffffffffffu, INDEX1 | 0x7fffffu};

__attribute__((constructor)) static void choose_release(void) {
  const char *name = getenv("STANDIN_RELEASE");
  if (name == NULL || strcmp(name, "15.1") == 0) return;
  if (strcmp(name, "13.2") != 0) {
    fprintf(stderr, "STANDIN_RELEASE is \"%s\"; the stand-in simulates 15.1 and 13.2 only.\n", name);
    abort();
  }
  release15 = false;
  cap_all[0] = INDEX0 | 0x7ffffffffffu;
  cap_all[1] = INDEX1 | 0x1fffffu;
}

static int osreldate(void) { return release15 ? 1501502 : 1302001; }

CALL(int, getosreldate, void) {
  ENTER(getosreldate);
  return osreldate();
}

/* Identifies the stand-in: FreeBSD's libc has no such symbol. */
CALL(int, standin_release, void) { return osreldate(); }

enum { READABLE_IN_CAPMODE = 1, ONLY_15 = 2 };

static const struct node {
  const char *name;
  const char *text; /* NULL: a number */
  long number;
  size_t size; /* of the number */
  int flags;
} nodes[] = {
    {"kern.ostype", "FreeBSD", 0, 0, READABLE_IN_CAPMODE},
    {"kern.osrelease", "-RELEASE", 0, 0, READABLE_IN_CAPMODE},
    {"kern.osreldate", NULL, 0, 4, READABLE_IN_CAPMODE},
    {"kern.hostname", "standin", 0, 0, READABLE_IN_CAPMODE},
    {"kern.features.security_capability_mode", NULL, 1, 4, READABLE_IN_CAPMODE},
    {"kern.features.security_capabilities", NULL, 1, 4, READABLE_IN_CAPMODE},
    {"kern.trap_enotcap", NULL, 0, 4, 0},
    {"kern.boottime", NULL, 1000000000, 16, 0},
    {"hw.ncpu", NULL, 2, 4, READABLE_IN_CAPMODE},
    {"hw.pagesize", NULL, 4096, 4, READABLE_IN_CAPMODE},
    {"hw.model", "stand-in", 0, 0, READABLE_IN_CAPMODE | ONLY_15},
    {"hw.physmem", NULL, 1L << 32, 8, 0},
    {"vm.stats.vm.v_free_count", NULL, 1000, 4, 0},
    {"vm.loadavg", NULL, 0, 24, 0},
    {"kern.cp_times", NULL, 0, 40, 0},
    {"vfs.lookup_cap_dotdot", NULL, 1, 4, 0},
    {"vfs.lookup_cap_dotdot_nonlocal", NULL, 1, 4, 0},
};

static int read_node(const struct node *node, void *old, size_t *old_length) {
  char value[64] = {0};
  size_t size = node->size;
  if (node->text != NULL) {
    const char *prefix = node->text[0] == '-' ? (release15 ? "15.1" : "13.2") : "";
    size = (size_t)snprintf(value, sizeof value, "%s%s", prefix, node->text) + 1;
  } else {
    long number = strcmp(node->name, "kern.osreldate") == 0 ? osreldate() : node->number;
    memcpy(value, &number, sizeof number);
  }
  if (old_length == NULL) return old == NULL ? 0 : B_EFAULT;
  size_t room = *old_length;
  *old_length = size;
  if (old == NULL) return 0;
  if (room < size) {
    *old_length = room;
    memcpy(old, value, room);
    return B_ENOMEM;
  }
  memcpy(old, value, size);
  return 0;
}

CALL(int, sysctlbyname, const char *name, void *old, size_t *old_length, const void *new, size_t new_length) {
  ENTER(sysctlbyname);
  (void)new_length;
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
    const struct node *node = &nodes[i];
    if (strcmp(node->name, name) != 0) continue;
    bool readable = (node->flags & READABLE_IN_CAPMODE) != 0 && (release15 || (node->flags & ONLY_15) == 0);
    if (new != NULL || (in_capmode() && !readable)) return fail(B_EPERM);
    return returned(read_node(node, old, old_length));
  }
  return fail(in_capmode() ? B_EPERM : B_ENOENT);
}

CALL(int, feature_present, const char *feature) {
  ENTER_WITH(feature_present, (fail(injected), 0));
  return strcmp(feature, "security_capability_mode") == 0 || strcmp(feature, "security_capabilities") == 0;
}
