/* Launches: what is checked before a grid is queued. */
#include "executor.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace cuda_host;

/* A kernel on a GPU cannot follow a pointer into the host's memory, one here could. Any word of the arguments that can be
 * such a pointer (a program, its stack and its heap lie at the top of the address space) and leads to memory is one. */
static void check_pointers(const char *name, const unsigned char *args, size_t bytes) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t k = 0; k + sizeof(uint64_t) <= bytes; k += sizeof(uint64_t)) {
    uint64_t word;
    unsigned char resident;
    __builtin_memcpy(&word, args + k, sizeof word);
    if (word < 0x500000000000 || word >= 0x800000000000 || is_for_kernels(word)) continue;
    if (mincore((void *)(word & ~(page - 1)), 1, &resident)) continue;
    fail("%s: byte %zu of the arguments begins a pointer to what is neither memory of the device nor pinned",
         name, k);
  }
}

cudaError_t cuda_host_queue(const char *name, void (*thread)(void (*)(void), const void *),
                            void (*kernel)(void), const void *args, size_t bytes, unsigned blocks,
                            unsigned threads, cudaStream_t stream, int together) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  if (!is_stream(stream)) return refuse(cudaErrorInvalidResourceHandle, "%s: no such stream", name);
  if (blocks == 0 || blocks > 0x7fffffff || threads == 0 || threads > 1024)
    return refuse(cudaErrorInvalidConfiguration, "%s: %u blocks of %u threads", name, blocks, threads);
  if (bytes > 4096)
    return refuse(cudaErrorInvalidValue, "%s: %zu bytes of arguments, above 4096", name, bytes);
  if (together && blocks > environment().multiprocessors)
    return refuse(cudaErrorCooperativeLaunchTooLarge, "%s: %u blocks on %u multiprocessors", name, blocks,
                  environment().multiprocessors);
  if (together && (uint64_t)blocks * threads > 16384)
    return refuse(cudaErrorCooperativeLaunchTooLarge, "%s: more than 16384 threads together", name);
  const unsigned char *from = static_cast<const unsigned char *>(args);
  check_pointers(name, from, bytes);
  auto grid = std::make_shared<struct launch>();
  grid->name = name;
  grid->thread = thread;
  grid->kernel = kernel;
  grid->args.assign(from, from + bytes);
  grid->blocks = blocks;
  grid->threads = threads;
  grid->together = together != 0;
  queue(stream, [grid](identities &who) { run(*grid, who); });
  count_launch(name);
  return cudaSuccess;
}

cudaError_t cuda_host_resident_blocks(const void *, unsigned threads, int *blocks) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  *blocks = threads <= 1024;
  return cudaSuccess;
}
