/* Inside the executor. One object of each kind is described here; the files are
 *   fiber.cpp   stacks and the switch between them, told to the sanitizers
 *   grid.cpp    a grid: its blocks and who runs next
 *   barrier.cpp barriers of blocks and grids, fences
 *   warp.cpp    warp operations
 *   launch.cpp  what is checked before a grid is queued
 *   stream.cpp  streams and events: what is queued, and when it is executed
 *   memory.cpp  allocations and copies
 *   device.cpp  devices, errors
 *   report.cpp  draws, junk, sites, counts, messages
 * Everything runs on the thread that called CUDA's runtime, behind one lock. What is static is never destroyed, since
 * host code may free memory of the device as late as it likes. */
#ifndef CUDA_HOST_EXECUTOR_H
#define CUDA_HOST_EXECUTOR_H

#include "cuda_host.h"
#include "sanitizers.h"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cuda_host {

using site = cuda_host_site;
struct block;
struct warp;

/* ---- fiber.cpp ---- */
struct fiber {
  void *stack_pointer = nullptr; /* saved while others run */
  const void *stack = nullptr;   /* lowest byte */
  size_t stack_bytes = 0;
  void *fake_stack = nullptr; /* AddressSanitizer's */
  void *identity = nullptr;   /* ThreadSanitizer's thread, while it runs one of a grid; the host's own */
  past *time = nullptr;       /* carries what happened before to those who wait with it */

  block *home = nullptr; /* NULL: the host */
  warp *lanes = nullptr;
  unsigned thread = 0; /* in the block */
  const site *waits = nullptr;

  uint64_t word = 0;        /* given to a warp operation */
  unsigned source_lane = 0; /* whose word is asked for */
  uint64_t result = 0;      /* of the barrier or the warp operation */
};

extern fiber *current;   /* who runs */
extern fiber host_fiber; /* the thread that called CUDA's runtime */

/* Fibers are kept between grids. */
fiber *take_fiber();
void give_fiber(fiber *f);
/* Goes on with `to` and comes back when another one switches to the caller. */
void switch_to(fiber *to);
/* What a fiber does whenever it's taken anew; defined in grid.cpp. Returns when the fiber may be given back. */
void run_thread();

/* ---- warp.cpp ---- */
/* Lanes that meet: the same place, the same mask. */
struct meeting {
  const site *where;
  unsigned mask, arrived;
  past *time;
};
struct warp {
  fiber *lane[32] = {};
  unsigned ended = 0;      /* bit per lane: ended, or never there */
  unsigned at_barrier = 0; /* bit per lane: waits for the block or the grid */
  unsigned meetings = 0;
  meeting meet[32];
};
/* The running lane ends, or waits for its block or the grid: an error if another lane waits for it. */
void lane_ends();
void lane_waits_at_barrier(const site *where);

/* ---- grid.cpp, barrier.cpp ---- */
/* A barrier of a block or a grid. */
struct barrier {
  unsigned arrived = 0;
  const site *where = nullptr;
  fiber *first = nullptr; /* who came first */
  uint64_t holding = 0;   /* of those whose predicate held */
};

struct shared_object {
  const site *where;
  void *at;
};

struct block {
  unsigned index = 0;
  unsigned alive = 0; /* threads */
  std::vector<fiber *> threads;
  std::vector<warp> warps;
  barrier all;
  size_t shared_bytes = 0;
  unsigned shared_objects = 0;
  shared_object shared[64];
  void *identity = nullptr; /* whose the shared memory is */
  past *made = new_past(), *ended = new_past();
};

struct launch {
  std::string name;
  void (*thread)(void (*)(void), const void *);
  void (*kernel)(void);
  std::vector<unsigned char> args;
  unsigned blocks, threads;
  bool together;
};

/* The grid that runs, if one does. */
struct the_grid {
  const launch *what = nullptr;
  std::vector<fiber *> ready;  /* threads that can go on; who came last is mostly at the end */
  unsigned haste = 0;          /* in 16: how often the last is taken, and not any */
  uint64_t in_vain = 0;        /* draws since a thread ended or passed a barrier or a warp operation */
  std::vector<block *> blocks; /* alive */
  unsigned ended = 0;          /* blocks */
  uint64_t threads_ended = 0;
  block *over = nullptr; /* one whose last thread has just ended */
  barrier all;
  past begin, fence;
};
extern the_grid &grid;

/* ThreadSanitizer's threads that one stream has used. A thread of a later grid of the stream knows what an earlier one
 * knew, which is what the order of the stream promises. */
struct identities {
  void *stream = nullptr; /* does the stream's copies; begins and ends its grids */
  std::vector<void *> free;
  void *take();
  void drop();
};

/* Runs a grid to its end. */
void run(const launch &grid, identities &who);
/* The running fiber goes on later, drawn among those that can. */
void give_way();
/* The running fiber waits until it's made ready. */
void wait_at(const site *where);
void make_ready(fiber *f);
/* For messages: "kernel: block 1, thread 33". */
std::string who(const fiber *f);
/* A call in a kernel, which it counts; anywhere else it's an error. */
void in_kernel(site *where, const char *kind);

/* ---- stream.cpp, launch.cpp ---- */
/* One recording of an event. */
struct moment {
  bool reached = false;
  double seconds = 0;
  past time{};
};
/* Queues what `run` does, in the order of the stream. */
void queue(cudaStream_t stream, std::function<void(identities &)> run);
bool is_stream(cudaStream_t stream);
/* Executes until everything queued so far in the stream, or everywhere, is done. */
void finish(cudaStream_t stream);
void finish_all();

/* ---- memory.cpp ---- */
/* Lets kernels and copies, or the host, use the device's memory (AddressSanitizer only). */
void open_device_memory(bool open);
/* Whether a kernel may use what is here, or just before: it was given by cudaMalloc() or cudaMallocHost(). */
bool is_for_kernels(uintptr_t at);

/* ---- report.cpp ---- */
struct settings {
  uint64_t seed, bytes;
  unsigned multiprocessors, devices;
  std::vector<std::string> drop;
};
const settings &environment();
uint64_t draw();
/* Below n. */
inline unsigned draw_below(unsigned n) { return (unsigned)(((draw() >> 32) * n) >> 32); }
void fill_with_junk(void *at, size_t bytes);
/* The first call at a place makes it known. */
void arrive(site *here, const char *kind);
std::string place(const site *where);
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Keeps an error for cudaGetLastError() and gives it back. Success passes. */
cudaError_t told(cudaError_t error);
/* The same with a line on the standard error, for what is a fault of the caller. */
cudaError_t refuse(cudaError_t error, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern struct cuda_host_tally counts;
void count_launch(const std::string &kernel);

/* Held by every call of CUDA's runtime. */
extern std::recursive_mutex &lock;
using guard = std::lock_guard<std::recursive_mutex>;

} // namespace cuda_host

#endif
