/* Warp operations: the lanes of a mask meet at one place, give a word each, and get another lane's word or all votes. */
#include "executor.h"

namespace cuda_host {

static unsigned lane_of(const fiber *f) { return f->thread % 32; }
static unsigned bit_of(const fiber *f) { return 1u << lane_of(f); }

static std::string hexadecimal(unsigned mask) {
  char text[16];
  snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

/* Nobody may wait for the running lane, which goes away. */
static void nobody_waits(const char *why, const site *where) {
  const warp *w = current->lanes;
  for (unsigned k = 0; k < w->meetings; k++) {
    const meeting &m = w->meet[k];
    if (m.mask & bit_of(current))
      fail("%s %s%s, but lane %d waits for it at %s with mask %s", who(current).c_str(), why,
           where ? place(where).c_str() : "", __builtin_ctz(m.arrived), place(m.where).c_str(),
           hexadecimal(m.mask).c_str());
  }
}

void lane_ends() {
  if (current->lanes->meetings) nobody_waits("has ended", nullptr);
  current->lanes->ended |= bit_of(current);
}

void lane_waits_at_barrier(const site *where) {
  if (current->lanes->meetings) nobody_waits("waits at ", where);
  current->lanes->at_barrier |= bit_of(current);
}

/* The meeting that the running lane joins. */
static meeting &find(const site *where, unsigned mask) {
  warp *w = current->lanes;
  unsigned bit = bit_of(current);
  auto me = [&] { return who(current) + " at " + place(where) + " with mask " + hexadecimal(mask); };
  if (!(mask & bit)) fail("%s: the mask lacks the calling lane %u", me().c_str(), lane_of(current));
  if (mask & w->ended)
    fail("%s: lanes %s of the mask have ended or never were", me().c_str(),
         hexadecimal(mask & w->ended).c_str());
  if (mask & w->at_barrier) {
    unsigned lane = (unsigned)__builtin_ctz(mask & w->at_barrier);
    fail("%s: lane %u of the mask waits at %s", me().c_str(), lane, place(w->lane[lane]->waits).c_str());
  }
  for (unsigned k = 0; k < w->meetings; k++) {
    meeting &m = w->meet[k];
    if (m.where == where && m.mask == mask) return m;
    if ((m.mask & bit) && (m.arrived & mask))
      fail("%s: lane %d of the mask waits at %s with mask %s, which names this lane", me().c_str(),
           __builtin_ctz(m.arrived & mask), place(m.where).c_str(), hexadecimal(m.mask).c_str());
  }
  meeting &m = w->meet[w->meetings++];
  m = {where, mask, 0, current->time};
  return m;
}

/* All lanes are here. */
static void part(meeting &m, bool vote) {
  warp *w = current->lanes;
  uint64_t votes = 0;
  for (unsigned lanes = m.mask; vote && lanes; lanes &= lanes - 1) {
    unsigned lane = (unsigned)__builtin_ctz(lanes);
    votes |= w->lane[lane]->word << lane;
  }
  for (unsigned lanes = m.mask; lanes; lanes &= lanes - 1) {
    fiber *f = w->lane[__builtin_ctz(lanes)];
    if (vote)
      f->result = votes;
    else if (m.mask >> f->source_lane & 1)
      f->result = w->lane[f->source_lane]->word;
    else
      f->result = draw(); /* CUDA: undefined */
    if (f != current) make_ready(f);
  }
  m = w->meet[--w->meetings];
  grid.in_vain = 0;
}

/* __syncwarp() only: what the lanes did before, all of them know now. */
static void order(const meeting &m) {
  for (unsigned lanes = m.mask; thread_sanitizer() && lanes; lanes &= lanes - 1) {
    as that(current->lanes->lane[__builtin_ctz(lanes)]->identity);
    m.time->learn();
  }
}

static uint64_t meet(const site *where, unsigned mask, bool vote, bool orders) {
  meeting &m = find(where, mask);
  if (orders && m.arrived == 0) m.time->set();
  if (orders && m.arrived != 0) m.time->join();
  m.arrived |= bit_of(current);
  if (m.arrived != mask) {
    wait_at(where);
  } else {
    if (orders) order(m);
    part(m, vote);
    give_way();
  }
  return current->result;
}

} // namespace cuda_host

using namespace cuda_host;

void cuda_host_site::barrier_of_warp(unsigned mask) {
  in_kernel(this, "__syncwarp");
  if (!dropped) meet(this, mask, true, true);
}

unsigned cuda_host_site::vote(unsigned mask, int predicate, const char *name) {
  in_kernel(this, name);
  current->word = predicate != 0;
  return (unsigned)meet(this, mask, true, false);
}

uint64_t cuda_host_site::move(unsigned mask, uint64_t word, int lane, int width, cuda_host_shuffle how) {
  static const char *const names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};
  in_kernel(this, names[how]);
  if (width < 1 || width > 32 || (width & (width - 1)))
    fail("%s at %s: width %d, expected a power of two up to 32", who(current).c_str(), place(this).c_str(),
         width);
  /* As PTX has it: five bits of the argument count, and whoever would leave the segment keeps its own word. */
  int self = (int)lane_of(current), first = self & -width, last = first + width - 1, source = self;
  switch (how) {
  case CUDA_HOST_INDEX:
    source = first | (lane & (width - 1));
    break;
  case CUDA_HOST_UP:
    source = self - (lane & 31) < first ? self : self - (lane & 31);
    break;
  case CUDA_HOST_DOWN:
    source = self + (lane & 31) > last ? self : self + (lane & 31);
    break;
  case CUDA_HOST_XOR:
    source = (self ^ (lane & 31)) > last ? self : self ^ (lane & 31);
    break;
  }
  current->word = word;
  current->source_lane = (unsigned)source;
  return meet(this, mask, false, false);
}
