/* What the executor tells AddressSanitizer and ThreadSanitizer. Their functions are weak here: where a program is linked
 * without a sanitizer they do not exist, and nothing is told. */
#ifndef CUDA_HOST_SANITIZERS_H
#define CUDA_HOST_SANITIZERS_H

#include <stddef.h>

#ifdef __SANITIZE_THREAD__
#error                                                                                                       \
    "the executor tells ThreadSanitizer what happens; compile it without -fsanitize=thread, and only link with it"
#endif

extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **fake_stack, const void *stack, size_t bytes);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old, size_t *bytes);
__attribute__((weak)) void __asan_poison_memory_region(const volatile void *at, size_t bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *at, size_t bytes);
__attribute__((weak)) void *__tsan_get_current_fiber(void);
__attribute__((weak)) void *__tsan_create_fiber(unsigned flags);
__attribute__((weak)) void __tsan_destroy_fiber(void *fiber);
__attribute__((weak)) void __tsan_switch_to_fiber(void *fiber, unsigned flags);
__attribute__((weak)) void __tsan_set_fiber_name(void *fiber, const char *name);
__attribute__((weak)) void __tsan_acquire(void *at);
__attribute__((weak)) void __tsan_release(void *at);
__attribute__((weak)) void __tsan_atomic32_store(volatile void *at, unsigned value, int order);
}

namespace cuda_host {

inline bool thread_sanitizer() { return __tsan_create_fiber != nullptr; }

/* What happened before, as ThreadSanitizer keeps it at an address. Whoever runs adds what it knows (join), replaces what
 * was there by what it knows (set), or learns what is there (learn). set() counts as an atomic store: a past that is
 * set must not lie in memory of malloc(), whose allocation counts as a store of the allocating thread. */
struct past {
  int word;
  void set() {
    if (thread_sanitizer()) __tsan_atomic32_store(&word, 0, 3 /* release */);
  }
  void join() {
    if (thread_sanitizer()) __tsan_release(&word);
  }
  void learn() {
    if (thread_sanitizer()) __tsan_acquire(&word);
  }
};

/* One that lasts for good, in static memory. */
past *new_past();

/* For a while, what this function does is done by another of ThreadSanitizer's threads. */
class as {
public:
  explicit as(void *identity) : before(thread_sanitizer() ? __tsan_get_current_fiber() : nullptr) {
    if (before) __tsan_switch_to_fiber(identity, 1 /* no synchronisation */);
  }
  ~as() {
    if (before) __tsan_switch_to_fiber(before, 1);
  }
  as(const as &) = delete;
  as &operator=(const as &) = delete;

private:
  void *before;
};

} // namespace cuda_host

#endif
