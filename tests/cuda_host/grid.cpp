/* A grid at work: which blocks are alive, which thread goes on, where threads wait for each other. */
#include "executor.h"

#include <algorithm>
#include <cstdlib>
#include <new>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace cuda_host {

/* What is alive at a time of a plain launch; under ThreadSanitizer, where its threads are dear, of any. */
static const unsigned PLAIN_THREADS = 1024;
static const size_t SHARED_BYTES = 48 << 10;
/* So many turns without a barrier, a warp operation or an end of a thread are a loop that waits in vain. */
static const uint64_t IN_VAIN = 20000000;

alignas(16) static unsigned char static_memory[sizeof(the_grid)]; /* see past::set() */
the_grid &grid = *new (static_memory) the_grid;
static std::vector<block *> &idle_blocks = *new std::vector<block *>;

/* ---- who runs ---- */
/* Fibers allocate no memory here and free none: to ThreadSanitizer that would be a store, at odds with the other ones. */
void make_ready(fiber *f) {
  f->waits = nullptr;
  grid.ready.push_back(f);
}

[[noreturn]] static void deadlock() {
  struct crowd {
    const site *where;
    unsigned count;
    const fiber *example;
  };
  std::vector<crowd> crowds;
  for (const block *b : grid.blocks) {
    for (const fiber *f : b->threads) {
      if (!f->waits) continue;
      auto at =
          std::find_if(crowds.begin(), crowds.end(), [&](const crowd &c) { return c.where == f->waits; });
      if (at == crowds.end())
        crowds.push_back({f->waits, 1, f});
      else
        at->count++;
    }
  }
  std::string text;
  for (const crowd &c : crowds)
    text += "\n  " + std::to_string(c.count) + " at " + place(c.where) + ", for example " + who(c.example);
  fail("%s: deadlock. Threads wait:%s", grid.what->name.c_str(), text.c_str());
}

static void run_another() {
  if (grid.ready.empty()) deadlock();
  if (++grid.in_vain > IN_VAIN)
    fail("%s: threads wait for each other without an end, for example %s", grid.what->name.c_str(),
         who(current).c_str());
  uint64_t dice = draw();
  unsigned k = (unsigned)((dice >> 32) * grid.ready.size() >> 32);
  if ((dice & 15) < grid.haste) k = (unsigned)grid.ready.size() - 1;
  fiber *next = grid.ready[k];
  grid.ready[k] = grid.ready.back();
  grid.ready.pop_back();
  threadIdx.x = next->thread;
  blockIdx.x = next->home->index;
  if (next != current) switch_to(next);
}

void give_way() {
  make_ready(current);
  run_another();
}

void wait_at(const site *where) {
  current->waits = where;
  run_another();
}

void in_kernel(site *where, const char *kind) {
  arrive(where, kind);
  if (!current->home) fail("%s is called outside a kernel", place(where).c_str());
}

std::string who(const fiber *f) {
  if (!f->home) return "the host";
  return grid.what->name + ": block " + std::to_string(f->home->index) + ", thread " +
         std::to_string(f->thread);
}

/* ---- a thread of the grid, from its fiber's side ---- */
void run_thread() {
  block *home = current->home;
  if (thread_sanitizer()) __tsan_acquire(current); /* its stack was another thread's, which has ended */
  grid.begin.learn();
  grid.what->thread(grid.what->kernel, grid.what->args.data());

  lane_ends();
  for (barrier *b : {&home->all, &grid.all})
    if (b->arrived)
      fail("%s has ended, but %s waits for it at %s", who(current).c_str(), who(b->first).c_str(),
           place(b->where).c_str());
  if (home->alive == home->threads.size())
    home->ended->set();
  else
    home->ended->join();
  home->alive--;
  grid.threads_ended++;
  grid.in_vain = 0;
  current->waits = nullptr;
  if (thread_sanitizer()) __tsan_release(current);
  if (home->alive == 0) {
    grid.over = home;
    switch_to(&host_fiber);
  } else {
    run_another();
  }
}

/* ---- blocks ---- */
static void begin_block(unsigned index, identities &who) {
  block *b;
  if (idle_blocks.empty()) {
    b = new block;
  } else {
    b = idle_blocks.back();
    idle_blocks.pop_back();
  }
  unsigned threads = grid.what->threads;
  grid.ready.reserve((grid.blocks.size() + 1) * threads); /* not by a fiber: see make_ready() */
  b->index = index;
  b->alive = threads;
  b->all = barrier();
  b->warps.assign((threads + 31) / 32, warp());
  if (threads % 32) b->warps.back().ended = 0xffffffffu << threads % 32;
  for (unsigned t = 0; t < threads; t++) {
    fiber *f = take_fiber();
    f->home = b;
    f->thread = t;
    f->lanes = &b->warps[t / 32];
    f->lanes->lane[t % 32] = f;
    if (thread_sanitizer()) {
      f->identity = who.take();
      __tsan_set_fiber_name(f->identity,
                            ("block " + std::to_string(index) + " thread " + std::to_string(t)).c_str());
    }
    b->threads.push_back(f);
    make_ready(f);
  }
  if (thread_sanitizer()) {
    b->identity = who.take();
    as that(b->identity);
    grid.begin.learn();
  }
  grid.blocks.push_back(b);
}

static void end_block(block *b, identities &who) {
  {
    as that(b->identity);
    b->ended->learn();
    for (unsigned k = 0; k < b->shared_objects; k++) free(b->shared[k].at);
  }
  {
    as that(who.stream);
    b->ended->learn();
  }
  b->shared_objects = 0;
  b->shared_bytes = 0;
  for (fiber *f : b->threads) {
    if (thread_sanitizer()) who.free.push_back(f->identity);
    give_fiber(f);
  }
  if (thread_sanitizer()) who.free.push_back(b->identity);
  b->threads.clear();
  grid.blocks.erase(std::find(grid.blocks.begin(), grid.blocks.end(), b));
  idle_blocks.push_back(b);
  grid.ended++;
}

static unsigned identities_alive;

void *identities::take() {
  if (free.empty()) {
    if (++identities_alive > 7000)
      fail("ThreadSanitizer knows about 8,000 threads; launch smaller grids in this build");
    as that(stream);
    return __tsan_create_fiber(0);
  }
  void *one = free.back();
  free.pop_back();
  return one;
}

void identities::drop() {
  for (void *one : free) __tsan_destroy_fiber(one);
  identities_alive -= (unsigned)free.size();
  free.clear();
  if (stream) __tsan_destroy_fiber(stream);
  stream = nullptr;
}

void run(const launch &what, identities &who) {
  grid.what = &what;
  grid.ended = 0;
  grid.threads_ended = 0;
  grid.in_vain = 0;
  grid.haste = "\0\0\10\17"[draw_below(4)]; /* all abreast, or one warp far ahead of the others */
  grid.all = barrier();
  blockDim.x = what.threads;
  gridDim.x = what.blocks;
  if (thread_sanitizer()) {
    host_fiber.identity = __tsan_get_current_fiber();
    as that(who.stream);
    grid.begin.set();
    grid.fence.set();
  }

  std::vector<unsigned> to_come(what.blocks);
  for (unsigned k = 0; k < what.blocks; k++) to_come[k] = k;
  unsigned together = what.blocks;
  if (!what.together) {
    together = std::min(what.blocks, std::max(1u, PLAIN_THREADS / what.threads));
    if (!thread_sanitizer()) together = 1 + draw_below(together);
  }
  while (grid.ended < what.blocks) {
    while (grid.blocks.size() < together && !to_come.empty()) {
      std::swap(to_come[draw_below((unsigned)to_come.size())], to_come.back());
      begin_block(to_come.back(), who);
      to_come.pop_back();
    }
    run_another();
    end_block(grid.over, who);
  }
  grid.what = nullptr;
}

} // namespace cuda_host

using namespace cuda_host;

void *cuda_host_site::shared(size_t bytes, size_t alignment) {
  in_kernel(this, "CLS_SHARED");
  block *b = current->home;
  unsigned k = 0;
  while (k < b->shared_objects && b->shared[k].where != this) k++;
  if (k == b->shared_objects) {
    b->shared_bytes += (bytes + 15) / 16 * 16;
    if (b->shared_bytes > SHARED_BYTES || k == 64)
      fail("%s at %s: the shared memory of a block is %zu bytes, above the limit of %zu",
           who(current).c_str(), place(this).c_str(), b->shared_bytes, SHARED_BYTES);
    as that(b->identity);
    void *at = nullptr;
    if (posix_memalign(&at, std::max(alignment, sizeof(void *)), bytes)) fail("no memory for shared memory");
    fill_with_junk(at, bytes);
    b->shared[b->shared_objects++] = {this, at};
    b->made->set();
  }
  b->made->learn();
  return b->shared[k].at;
}

/* One time in eight. */
void cuda_host_preempt(void) {
  if (current->home && draw_below(8) == 0) give_way();
}

void cuda_host_give_way(void) {
  if (current->home) give_way();
}

void cuda_host_trap(const char *file, int line) {
  fail("%s: __trap() at %s:%d", who(current).c_str(), file, line);
}
