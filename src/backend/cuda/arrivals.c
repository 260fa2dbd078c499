/* Spikes that come from elsewhere: packets of other ranks, and what the host hands over. */
#include "backend/cuda/instance.h"
#include <stdlib.h>

/* ---- room in the rings ---- */

/* Rings of twice the size for all members. */
cls_status cls_cuda_rings_grow(cls_cuda *b) {
  b->sizes.ring.entries *= 2;
  for (int m = 0; m < b->setup.members; m++) {
    cls_gpu_member_memory *member = &b->members[m];
    CLS_TRY(cls_gpu_ring_make(b->sizes.ring, &member->ring, &member->device.flight, b->stream));
    b->profile.allocations++;
  }
  b->rank.flight_limit = b->sizes.ring.entries - b->synapses.counts.pieces_here;
  b->tables_old = true;
  return CLS_OK;
}

static bool fits(const cls_cuda *b, int member, uint64_t spikes) {
  return b->in_flight[member] + spikes * b->synapses.counts.pieces_of_slot <= b->rank.flight_limit;
}

/* Adds how many spikes a packet has for each member. */
static cls_status count_spikes(cls_cuda *b, const cls_gpu_packet *packet, uint64_t *spikes) {
  const size_t members = (size_t)b->setup.members, sections = members * packet->interval;
  uint32_t *end = NULL;
  CLS_TRY(cls_alloc(&end, sections, sizeof *end, "packets"));
  cls_status status = cls_gpu_check(
      cudaMemcpyAsync(end, packet->word + 1, sections * sizeof *end, cudaMemcpyDefault, b->stream),
      "looking into a packet");
  if (status == CLS_OK) status = cls_cuda_wait(b, "looking into a packet");
  for (size_t m = 0; m < members && status == CLS_OK; m++)
    spikes[m] += end[(m + 1) * packet->interval - 1] - (m > 0 ? end[m * packet->interval - 1] : 0);
  free(end);
  return status;
}

/* Makes sure that the spikes of packets fit. That each member may have all of them is asked first: then nobody has to look. */
static cls_status make_room(cls_cuda *b, const cls_gpu_packet *packets, int n) {
  const int members = b->setup.members;
  uint64_t all = 0, *spikes = NULL;
  bool fit = true;
  for (int i = 0; i < n; i++) all += packets[i].words - cls_packet_head(members, packets[i].interval);
  for (int m = 0; m < members; m++) fit = fit && fits(b, m, all);
  CLS_TRY(cls_alloc(&spikes, (size_t)members, sizeof *spikes, "packets"));
  cls_status status = CLS_OK;
  for (int i = 0; i < n && !fit && status == CLS_OK; i++) status = count_spikes(b, &packets[i], spikes);
  for (int m = 0; m < members && status == CLS_OK; m++) {
    const uint64_t arrived = fit ? all : spikes[m];
    while (!fits(b, m, arrived) && status == CLS_OK) status = cls_cuda_rings_grow(b);
    b->in_flight[m] += arrived * b->synapses.counts.pieces_of_slot;
  }
  free(spikes);
  return status;
}

/* ---- packets ---- */

/* Gives each packet its place in the room for copies. */
static cls_status place_copies(cls_cuda *b, cls_gpu_packet *packets, int n) {
  size_t words = 0;
  for (int i = 0; i < n; i++) words += packets[i].words;
  CLS_TRY(cls_cuda_reserve(b, &b->arrived, "packets that arrived", words * sizeof(uint32_t)));
  uint32_t *copy = (uint32_t *)(void *)b->arrived.memory;
  for (int i = 0; i < n; i++) {
    packets[i].copy = copy;
    copy += packets[i].words;
  }
  return CLS_OK;
}

/* Spikes of all members together. */
static uint64_t spikes_of(const cls_cuda *b, const cls_gpu_packet *packets, int n) {
  uint64_t spikes = 0;
  for (int i = 0; i < n; i++)
    spikes += packets[i].words - cls_packet_head(b->setup.members, packets[i].interval);
  return spikes;
}

/* Makes room for a list of all spikes of packets for each member. */
static cls_status list_heard(cls_cuda *b, const cls_gpu_packet *packets, int n, cls_gpu_arrive_args *args) {
  const size_t members = (size_t)b->setup.members, counts = (members * sizeof(uint64_t) + 255) / 256 * 256;
  args->heard_room = spikes_of(b, packets, n);
  CLS_TRY(cls_cuda_reserve(b, &b->heard, "spikes that arrived",
                           counts + members * args->heard_room * sizeof(cls_gpu_arrival)));
  args->n_heard = (uint64_t *)(void *)b->heard.memory;
  args->heard = (cls_gpu_arrival *)(void *)(b->heard.memory + counts);
  CLS_CUDA(cudaMemsetAsync(args->n_heard, 0, members * sizeof(uint64_t), b->stream), "arrivals");
  return CLS_OK;
}

/* `again`: these spikes were entered before, and plastic synapses know them. */
static cls_status enter(cls_cuda *b, cls_gpu_packet *packets, int n, bool in_host_memory, bool again) {
  if (in_host_memory) CLS_TRY(place_copies(b, packets, n));
  CLS_TRY(make_room(b, packets, n));
  CLS_TRY(cls_cuda_drawn_expect(b, spikes_of(b, packets, n)));
  CLS_TRY(cls_cuda_tables_copy(b));
  CLS_TRY(cls_cuda_drawn_copy(b));
  for (int i = 0; i < n && in_host_memory; i++) b->profile.bytes_in += packets[i].words * sizeof(uint32_t);
  cls_gpu_arrive_args args = {.member = b->rank.member,
                              .store = b->synapses.device,
                              .members = b->rank.members,
                              .now = b->now,
                              .wrong = b->rank.wrong,
                              .status = b->status,
                              .drawing = b->drawn.device};
  if (cls_cuda_is_plastic(b) && !again) CLS_TRY(list_heard(b, packets, n, &args));
  for (int begin = 0; begin < n; begin += CLS_GPU_PACKETS) {
    args.n_packets = (uint32_t)(n - begin < CLS_GPU_PACKETS ? n - begin : CLS_GPU_PACKETS);
    for (uint32_t i = 0; i < args.n_packets; i++) args.packet[i] = packets[begin + (int)i];
    CLS_CUDA(cls_gpu_launch_arrive(&args, b->multiprocessors, b->stream), "entering arrivals");
    b->profile.launches++;
  }
  for (int m = 0; args.heard && m < b->setup.members; m++)
    CLS_TRY(cls_cuda_plastic_hear(b, m, args.heard + (size_t)m * args.heard_room, &args.n_heard[m],
                                  args.heard_room));
  return CLS_OK;
}

cls_status cls_cuda_enter(cls_cuda *b, cls_gpu_packet *packets, int n, bool in_host_memory) {
  return enter(b, packets, n, in_host_memory, false);
}

/* ---- what the host hands over ---- */

static cls_status add(cls_cuda *b, int member, int64_t now, const cls_arrival *arrivals, size_t n) {
  cls_cuda_arrivals *a = &b->arrivals[member];
  CLS_TRY(cls_grow(&a->slot, &a->slot_capacity, a->n + n, sizeof *a->slot, "arrivals"));
  CLS_TRY(cls_grow(&a->fired, &a->fired_capacity, a->n + n, sizeof *a->fired, "arrivals"));
  for (size_t i = 0; i < n; i++) {
    a->slot[a->n] = arrivals[i].slot;
    a->fired[a->n++] = now - (int64_t)arrivals[i].age;
  }
  return CLS_OK;
}

cls_status cls_cuda_deliver(void *instance, int member, const cls_arrival *arrivals, size_t n) {
  cls_cuda *b = instance;
  if (n == 0) return CLS_OK;
  CLS_TRY(cls_cuda_settle(b));
  return add(b, member, b->now, arrivals, n);
}

/* Steps from which there are arrivals: `interval` of them from *first on. */
static uint32_t steps_of(const cls_cuda *b, int64_t *first, size_t *n) {
  int64_t least = INT64_MAX, most = 0;
  *n = 0;
  for (int m = 0; m < b->setup.members; m++) {
    const cls_cuda_arrivals *a = &b->arrivals[m];
    *n += a->n;
    for (size_t i = 0; i < a->n; i++) {
      if (a->fired[i] < least) least = a->fired[i];
      if (a->fired[i] > most) most = a->fired[i];
    }
  }
  *first = least;
  return *n > 0 ? (uint32_t)(most - least + 1) : 0;
}

/* Writes a packet of all arrivals: counts, places, spikes. Their lists are empty then. */
static void write_packet(cls_cuda *b, uint32_t *word, size_t words, int64_t first, uint32_t interval) {
  const size_t sections = (size_t)b->setup.members * interval;
  uint32_t *end = word + 1, at = 0;
  word[0] = (uint32_t)words;
  for (size_t k = 0; k < sections; k++) end[k] = 0;
  for (int m = 0; m < b->setup.members; m++)
    for (size_t i = 0; i < b->arrivals[m].n; i++)
      end[(size_t)m * interval + (size_t)(b->arrivals[m].fired[i] - first)]++;
  for (size_t k = 0; k < sections; k++) {
    const uint32_t count = end[k];
    end[k] = at;
    at += count;
  }
  for (int m = 0; m < b->setup.members; m++) {
    cls_cuda_arrivals *a = &b->arrivals[m];
    for (size_t i = 0; i < a->n; i++)
      end[sections + end[(size_t)m * interval + (size_t)(a->fired[i] - first)]++] = a->slot[i];
    a->n = 0;
  }
}

static cls_status enter_arrivals(cls_cuda *b, bool again) {
  int64_t first;
  size_t n;
  const uint32_t interval = steps_of(b, &first, &n);
  const size_t words = cls_packet_head(b->setup.members, interval) + n;
  if (n == 0) return CLS_OK;
  CLS_CHECK(words < UINT32_MAX, CLS_ERR_LIMIT, "%zu spikes arrive at once: expected fewer than 2^32", n);
  CLS_TRY(cls_cuda_room_grow(b, &b->handed, false, 0, words));
  write_packet(b, b->handed.word, words, first, interval);
  cls_gpu_packet packet = {.word = b->handed.word,
                           .n = (uint32_t)b->synapses.counts.slots,
                           .words = (uint32_t)words,
                           .interval = interval,
                           .first = first,
                           .route = CLS_GPU_NONE - 1};
  CLS_TRY(enter(b, &packet, 1, true, again));
  return cls_cuda_wait(b, "entering arrivals");
}

cls_status cls_cuda_enter_arrivals(cls_cuda *b) { return enter_arrivals(b, false); }

cls_status cls_cuda_redeliver(void *instance, int member, int64_t now, const cls_arrival *arrivals,
                              size_t n) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  CLS_TRY(cls_cuda_enter_arrivals(b)); /* plastic synapses have to know them */
  b->now = now;
  /* Weights were drawn again, for all members: the first of them finds them so. */
  if (member == 0) CLS_TRY(cls_gpu_store_fill(&b->setup, &b->channels, &b->synapses, b->stream));
  if (member == 0) CLS_TRY(cls_cuda_drawn_refill(b));
  CLS_TRY(cls_cuda_drawn_forget(b, member));
  CLS_TRY(cls_gpu_ring_forget(b->sizes.ring, &b->members[member].device.flight, b->stream));
  b->in_flight[member] = 0;
  CLS_TRY(add(b, member, now, arrivals, n));
  return enter_arrivals(b, true);
}
