/* Fibers: stacks that are kept, and the switch from one to another. */
#include "executor.h"

#include <sys/mman.h>
#include <unistd.h>

/* Options of ThreadSanitizer: it need not wait a second for other threads when the process ends; with shorter histories
 * its threads are cheaper. */
extern "C" __attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "atexit_sleep_ms=0 history_size=0"; }

namespace cuda_host {

/* Only what is touched of a stack takes memory. The lowest page of each may not be touched. The sanitizers write their
 * reports on the stack of the fiber they complain about. */
static const size_t STACK_BYTES = 256 << 10;
static const size_t LINE_BYTES = 64, PAGE_BYTES = 4096;

fiber host_fiber;
fiber *current = &host_fiber;
static fiber *came_from = nullptr;                             /* who made the last switch */
static std::vector<fiber *> &idle = *new std::vector<fiber *>; /* lasts: see executor.h */

static void begin();

#ifdef __x86_64__
/* Saves what a function must keep, swaps the stacks, and returns to where the other one left. */
extern "C" void cuda_host_swap_stacks(void **save, void *load);
__asm__(".text\n"
        ".globl cuda_host_swap_stacks\n"
        ".type cuda_host_swap_stacks, @function\n"
        "cuda_host_swap_stacks:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size cuda_host_swap_stacks, . - cuda_host_swap_stacks\n");

/* Stacks begin at different lines of their pages: all at the same one would displace each other in the caches. */
static size_t next_line() {
  static size_t fibers;
  return fibers++ * LINE_BYTES % PAGE_BYTES;
}

static void prepare(fiber *f) {
  void **top = (void **)((char *)f->stack + f->stack_bytes - next_line());
  *--top = nullptr;       /* begin() never returns; a debugger's walk ends here */
  *--top = (void *)begin; /* where the first switch returns to: the stack is then as after a call */
  for (int k = 0; k < 6; k++) *--top = nullptr;
  f->stack_pointer = top;
}

static void swap(fiber *from, fiber *to) { cuda_host_swap_stacks(&from->stack_pointer, to->stack_pointer); }
#else
} // namespace cuda_host
#include <ucontext.h>
namespace cuda_host {
static ucontext_t *context(fiber *f) {
  if (!f->stack_pointer) f->stack_pointer = new ucontext_t;
  return (ucontext_t *)f->stack_pointer;
}

static void prepare(fiber *f) {
  getcontext(context(f));
  context(f)->uc_stack.ss_sp = (void *)f->stack;
  context(f)->uc_stack.ss_size = f->stack_bytes;
  context(f)->uc_link = nullptr;
  makecontext(context(f), begin, 0);
}

static void swap(fiber *from, fiber *to) { swapcontext(context(from), context(to)); }
#endif

/* The first thing after a switch, on the new stack. */
static void arrived(fiber *here) {
  const void *stack;
  size_t bytes;
  if (!__sanitizer_finish_switch_fiber) return;
  __sanitizer_finish_switch_fiber(here->fake_stack, &stack, &bytes);
  if (came_from == &host_fiber) {
    host_fiber.stack = stack;
    host_fiber.stack_bytes = bytes;
  }
}

static void begin() {
  arrived(current);
  for (;;) run_thread();
}

void switch_to(fiber *to) {
  fiber *from = current;
  came_from = from;
  current = to;
  if (__sanitizer_start_switch_fiber)
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
  if (thread_sanitizer()) __tsan_switch_to_fiber(to->identity, 1 /* no synchronisation */);
  swap(from, to);
  arrived(from);
}

fiber *take_fiber() {
  if (!idle.empty()) {
    fiber *f = idle.back();
    idle.pop_back();
    return f;
  }
  fiber *f = new fiber;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *at = (char *)mmap(nullptr, STACK_BYTES + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED || mprotect(at, page, PROT_NONE)) fail("no memory for the stack of another thread");
  f->stack = at + page;
  f->stack_bytes = STACK_BYTES;
  f->time = new_past();
  prepare(f);
  return f;
}

void give_fiber(fiber *f) { idle.push_back(f); }

past *new_past() {
  static past all[1 << 16];
  static size_t used;
  if (used == sizeof all / sizeof all[0]) fail("too many threads at a time");
  return &all[used++];
}

} // namespace cuda_host
