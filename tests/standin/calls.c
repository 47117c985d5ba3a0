/* Counts calls and makes them fail or fall short, for tests. */
#include "standin.h"

extern struct call *__start_standin_calls[] __attribute__((visibility("hidden")));
extern struct call *__stop_standin_calls[] __attribute__((visibility("hidden")));

static atomic_int short_length;

int enter_call(struct call *call) {
  long nth = atomic_fetch_add(&call->count, 1) + 1;
  return nth == atomic_load(&call->fail_at) ? atomic_load(&call->fail_errno) : 0;
}

/* The length that a read or write may have. */
size_t shortened(size_t length) {
  size_t limit = (size_t)atomic_load(&short_length);
  return limit != 0 && limit < length ? limit : length;
}

static struct call *call_named(const char *name) {
  for (struct call **call = __start_standin_calls; call < __stop_standin_calls; call++) {
    if (strcmp((*call)->name, name) == 0) return *call;
  }
  return NULL;
}

/* The nth next call (1 = the next) of that name fails with FreeBSD's errno `error`. -1: there is no such call. */
CALL(int, standin_fail, const char *name, int nth, int error) {
  struct call *call = call_named(name);
  if (call == NULL) return -1;
  atomic_store(&call->fail_errno, error);
  atomic_store(&call->fail_at, nth > 0 ? atomic_load(&call->count) + nth : 0);
  return 0;
}

/* How often a call was made since the library was loaded. -1: there is no such call. */
CALL(int, standin_calls, const char *name) {
  struct call *call = call_named(name);
  return call == NULL ? -1 : (int)atomic_load(&call->count);
}

/* Reads and writes move at most that many bytes. 0: as many as Linux does. */
CALL(int, standin_short, int max_bytes) {
  atomic_store(&short_length, max_bytes > 0 ? max_bytes : 0);
  return 0;
}
