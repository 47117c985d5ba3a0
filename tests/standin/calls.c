/* For tests: counts calls, makes them fail, and shortens them. */
#include "standin.h"

extern struct call *__start_standin_calls[] __attribute__((visibility("hidden")));
extern struct call *__stop_standin_calls[] __attribute__((visibility("hidden")));

static atomic_int short_length;

int enter_call(struct call *call) {
  long nth = atomic_fetch_add(&call->count, 1) + 1, at = atomic_load(&call->fail_at);
  bool fails = nth == at || (at != 0 && nth > at && atomic_load(&call->fails_on));
  return fails ? atomic_load(&call->fail_errno) : 0;
}

/* Returns the length to which a read or write is cut. */
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

static int fail_calls(const char *name, int nth, int error, bool goes_on) {
  struct call *call = call_named(name);
  if (call == NULL) return -1;
  atomic_store(&call->fail_errno, error);
  atomic_store(&call->fails_on, goes_on);
  atomic_store(&call->fail_at, nth > 0 ? atomic_load(&call->count) + nth : 0);
  return 0;
}

/* Makes the nth next call of that name fail with FreeBSD's errno `error`. Returns -1 for an unknown name. */
CALL(int, standin_fail, const char *name, int nth, int error) {
  return fail_calls(name, nth, error, false);
}

/* Makes the nth next call of that name and all later ones fail, until standin_fail() says otherwise. */
CALL(int, standin_fail_from, const char *name, int nth, int error) {
  return fail_calls(name, nth, error, true);
}

/* Returns how often a call was made since the library was loaded, or -1 for an unknown name. */
CALL(int, standin_calls, const char *name) {
  struct call *call = call_named(name);
  return call == NULL ? -1 : (int)atomic_load(&call->count);
}

/* Limits reads and writes to that many bytes. 0 removes the limit. */
CALL(int, standin_short, int max_bytes) {
  atomic_store(&short_length, max_bytes > 0 ? max_bytes : 0);
  return 0;
}
