/* Capability mode: one flag for the process, and the signal that a violation can send. */
#include "standin.h"

#include <signal.h>

static atomic_bool capmode;
static atomic_bool trap_enabled;

bool in_capmode(void) { return atomic_load_explicit(&capmode, memory_order_acquire); }

CALL(int, cap_enter, void) {
  ENTER(cap_enter);
  atomic_store(&capmode, true);
  return 0;
}

CALL(int, cap_getmode, unsigned *mode) {
  ENTER(cap_getmode);
  if (mode == NULL) return fail(B_EFAULT);
  *mode = in_capmode();
  return 0;
}

CALL(bool, cap_sandboxed, void) {
  ENTER_WITH(cap_sandboxed, (fail(injected), false));
  return in_capmode();
}

/* Sends SIGTRAP to the calling thread, as the kernel does after procctl(2) PROC_TRAPCAP_CTL. */
void trap_violation(void) {
  if (in_capmode() && atomic_load(&trap_enabled)) {
    syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), SIGTRAP);
  }
}

CALL(int, procctl, unsigned idtype, int64_t id, int command, void *data) {
  ENTER_AMBIENT(procctl);
  enum { P_PID = 0, TRAPCAP_CTL = 9, TRAPCAP_STATUS = 10, ENABLE = 1, DISABLE = 2 };
  if (command != TRAPCAP_CTL && command != TRAPCAP_STATUS) return fail(B_EINVAL);
  if (idtype != P_PID) return fail(B_EINVAL);
  if (id != 0 && id != syscall(SYS_getpid)) return fail(B_ESRCH);
  if (data == NULL) return fail(B_EFAULT);
  int *state = data;
  if (command == TRAPCAP_STATUS) {
    *state = atomic_load(&trap_enabled) ? ENABLE : DISABLE;
    return 0;
  }
  if (*state != ENABLE && *state != DISABLE) return fail(B_EINVAL);
  atomic_store(&trap_enabled, *state == ENABLE);
  return 0;
}
