/*
 * Attacks on a sandbox of Linux from native code. Each function makes one system call by its number, past glibc, and
 * returns its result or its errno, negated. It is called on the JavaScript thread and on threads of Deno's pool.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static long done(long result)
{
	return result == -1 ? -errno : result;
}

/* Up to six arguments; a path or another buffer comes as an address. */
long call(long number, long a, long b, long c, long d, long e, long f)
{
	return done(syscall(number, a, b, c, d, e, f));
}

/* The same with a string as the first or second argument. */
long call_path(long number, const char *path, long b, long c, long d, long e)
{
	return done(syscall(number, path, b, c, d, e));
}

long call_at(long number, int fd, const char *path, long c, long d, long e)
{
	return done(syscall(number, (long)fd, path, c, d, e));
}

/* openat2(2) with a way to resolve. */
long call_openat2(int fd, const char *path, uint64_t flags, uint64_t resolve)
{
	uint64_t how[3] = {flags, 0, resolve};
	return done(syscall(SYS_openat2, (long)fd, path, how, sizeof(how)));
}

/* sendmsg(2) on a socket to the address of a path socket, and without an address. */
long call_sendmsg(int fd)
{
	char text[1] = {'x'};
	struct { void *base; size_t length; } part = {text, 1};
	struct { void *name; unsigned length; void *parts; size_t count; void *control; size_t size; int flags; } message;
	memset(&message, 0, sizeof(message));
	message.parts = &part;
	message.count = 1;
	return done(syscall(SYS_sendmsg, (long)fd, &message, 0L));
}

/* renameat(2), linkat(2) and similar calls. */
long call_two(long number, int from, const char *path, int to, const char *to_path, long flags)
{
	return done(syscall(number, (long)from, path, (long)to, to_path, flags));
}

static struct { int fd; const char *path; } target;
static volatile int answered, opened;

static void open_target(int signal)
{
	(void)signal;
	long fd = syscall(SYS_openat, (long)target.fd, target.path, 0L, 0L);
	if (fd >= 0) {
		syscall(SYS_close, fd);
		__atomic_add_fetch(&opened, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_add_fetch(&answered, 1, __ATOMIC_SEQ_CST);
}

/*
 * Opens a path below a descriptor on every thread of the process, in a signal handler. Returns how
 * many threads there are and how many opened it, as 1000 * threads + opened; 0 if a thread does not answer.
 */
long open_everywhere(int fd, const char *path)
{
	struct sigaction action = {.sa_handler = open_target, .sa_flags = SA_RESTART};
	int sent = 0;
	if (sigaction(SIGRTMIN + 3, &action, NULL) == -1)
		return -errno;
	target.fd = fd;
	target.path = path;
	answered = opened = 0;
	/* Threads have the next free numbers after that of the process. */
	for (pid_t thread = getpid(); thread < getpid() + 30000; thread++)
		if (syscall(SYS_tgkill, (long)getpid(), (long)thread, (long)(SIGRTMIN + 3)) == 0)
			sent++;
	for (int i = 0; i < 20000 && answered < sent; i++)
		usleep(1000);
	return answered == sent ? 1000L * sent + opened : 0;
}

static void *nothing(void *argument)
{
	return argument;
}

static sigjmp_buf no_i386;

static void jump(int signal)
{
	siglongjmp(no_i386, signal);
}

/* getpid(2) by the entry of i386; ENOSYS where there is none. */
long call_i386(void)
{
#ifdef __x86_64__
	struct sigaction action = {.sa_handler = jump}, before;
	long result = -ENOSYS;
	sigaction(SIGSEGV, &action, &before);
	if (sigsetjmp(no_i386, 1) == 0) {
		int pid = 20;
		__asm__ volatile("int $0x80" : "+a"(pid) : : "memory", "r8", "r9", "r10", "r11");
		result = pid;
	}
	sigaction(SIGSEGV, &before, NULL);
	return result;
#else
	return -ENOSYS;
#endif
}

/* The clone(2) that is permitted. */
long start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);
	if (error == 0)
		error = pthread_join(thread, NULL);
	return -error;
}

/* A new terminal, which becomes that of the process. */
long open_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (setsid() == -1 || master == -1 || grantpt(master) == -1 || unlockpt(master) == -1)
		return -errno;
	return done(open(ptsname(master), O_RDWR | O_CLOEXEC));
}

/* Types a character into a terminal, as if a person had. */
long type_into(int fd)
{
	char character = 'x';
	return done(ioctl(fd, TIOCSTI, &character));
}

long size_of(int fd)
{
	struct winsize size;
	return done(ioctl(fd, TIOCGWINSZ, &size));
}
