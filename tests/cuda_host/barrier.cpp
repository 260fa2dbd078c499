/* Barriers of blocks and grids, and fences. */
#include "executor.h"

namespace cuda_host {

/* What all threads get: how many predicates held. */
static uint64_t meet(barrier &b, const site *where, bool of_grid, bool predicate) {
  block *home = current->home;
  uint64_t expected = of_grid ? (uint64_t)grid.what->blocks * grid.what->threads : home->threads.size();
  if (b.arrived && b.where != where)
    fail("%s waits at %s, but %s waits at %s: all must wait at the same place", who(current).c_str(),
         place(where).c_str(), who(b.first).c_str(), place(b.where).c_str());
  uint64_t ended = of_grid ? grid.threads_ended : home->threads.size() - home->alive;
  if (ended)
    fail("%s waits at %s, but %llu of the %s's threads have ended", who(current).c_str(),
         place(where).c_str(), (unsigned long long)ended, of_grid ? "grid" : "block");
  lane_waits_at_barrier(where);
  if (b.arrived == 0) {
    b.first = current;
    b.where = where;
    b.holding = 0;
    b.first->time->set();
  } else {
    b.first->time->join();
  }
  b.holding += predicate;
  if (++b.arrived < expected) {
    wait_at(where);
    return current->result;
  }
  b.arrived = 0;
  grid.in_vain = 0;
  auto release = [&](block *one) {
    for (warp &w : one->warps) w.at_barrier = 0;
    for (fiber *f : one->threads) {
      f->result = b.holding;
      as that(f->identity);
      b.first->time->learn();
      if (f != current) make_ready(f);
    }
  };
  if (of_grid)
    for (block *one : grid.blocks) release(one);
  else
    release(home);
  give_way();
  return current->result;
}

} // namespace cuda_host

using namespace cuda_host;

void cuda_host_site::barrier() {
  in_kernel(this, "__syncthreads");
  if (!dropped) meet(current->home->all, this, false, false);
}

int cuda_host_site::barrier_count(int predicate) {
  in_kernel(this, "__syncthreads_count");
  return (int)meet(current->home->all, this, false, predicate != 0);
}

int cuda_host_site::barrier_and(int predicate) {
  in_kernel(this, "__syncthreads_and");
  return meet(current->home->all, this, false, predicate != 0) == current->home->threads.size();
}

int cuda_host_site::barrier_or(int predicate) {
  in_kernel(this, "__syncthreads_or");
  return meet(current->home->all, this, false, predicate != 0) != 0;
}

void cuda_host_site::barrier_of_grid() {
  in_kernel(this, "CLS_GRID_SYNC");
  if (dropped) return;
  if (!grid.what->together)
    fail("%s: CLS_GRID_SYNC in %s, which CLS_LAUNCH_TOGETHER has not launched", place(this).c_str(),
         grid.what->name.c_str());
  meet(grid.all, this, true, false);
}

void cuda_host_fence(void) {
  cuda_host_preempt();
  if (!current->home) return;
  grid.fence.learn();
  grid.fence.join();
}
