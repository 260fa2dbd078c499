/* Packets for other ranks, and room for theirs. */
#include "backend/cuda/packer.h"
#include "backend/cuda/instance.h"
#include <limits.h>
#include <stdlib.h>

_Static_assert(sizeof(cls_gpu_route) == sizeof(cls_route_entry), "routes are copied as they are");

/* ---- room ---- */

void cls_cuda_room_free(cls_cuda_room *room, bool on_gpu) {
  if (room->word) (void)(on_gpu ? cudaFree(room->word) : cudaFreeHost(room->word));
  *room = (cls_cuda_room){0};
}

cls_status cls_cuda_room_grow(cls_cuda *b, cls_cuda_room *room, bool on_gpu, size_t kept, size_t words) {
  if (words <= room->capacity) return CLS_OK;
  const size_t capacity = words > 2 * room->capacity ? words : 2 * room->capacity;
  cls_cuda_room grown = {.capacity = capacity};
  void **word = (void **)&grown.word;
  CLS_CUDA(on_gpu ? cudaMalloc(word, capacity * sizeof(uint32_t))
                  : cudaMallocHost(word, capacity * sizeof(uint32_t)),
           on_gpu ? "no memory for packets" : "no pinned memory for packets");
  b->profile.allocations += on_gpu;
  cls_status status = CLS_OK;
  if (kept > 0) {
    status = cls_gpu_check(
        cudaMemcpyAsync(grown.word, room->word, kept * sizeof(uint32_t), cudaMemcpyDefault, b->stream),
        "moving a packet");
    if (status == CLS_OK) status = cls_cuda_wait(b, "moving a packet");
  }
  cls_cuda_room_free(status == CLS_OK ? room : &grown, on_gpu);
  if (status == CLS_OK) *room = grown;
  return status;
}

/* ---- outgoing routes ---- */

/* Room for a packet of `words` words of route `out`, when step `now` is to be computed next. */
static cls_status reserve_packet(cls_cuda *b, int out, int turn, size_t words) {
  cls_cuda_packets *k = &b->packets;
  cls_gpu_out *o = &k->out[out];
  cls_cuda_room room = {o->packet[turn], o->capacity[turn]};
  CLS_CHECK(words < INT_MAX, CLS_ERR_LIMIT, "a packet to rank %d would hold %zu words: the limit is %d",
            k->routes->out[out].rank, words, INT_MAX - 1);
  if (words <= room.capacity) return CLS_OK;
  CLS_TRY(cls_cuda_room_grow(b, &room, k->device_memory, 0, words));
  o->packet[turn] = room.word;
  o->capacity[turn] = (uint32_t)room.capacity;
  k->old = true;
  if (k->device_memory) return CLS_OK;
  CLS_TRY(cls_cuda_reserve(b, &k->draft[out], "packets in the making", room.capacity * sizeof(uint32_t)));
  o->draft = (uint32_t *)(void *)k->draft[out].memory;
  return CLS_OK;
}

/* Words of a packet that are expected, several times. */
static size_t expected_words(const cls_cuda *b, const cls_route_out *route) {
  enum { TIMES_EXPECTED = 4, LEAST = 256 };
  const double share = (double)route->n / ((double)b->setup.layout->n_neurons + 1);
  const double spikes = cls_gpu_spikes_expected(&b->setup, route->interval) * share * b->setup.members;
  return cls_packet_head(b->setup.members, route->interval) + (size_t)(TIMES_EXPECTED * spikes) + LEAST;
}

/* ---- making and freeing ---- */

static uint64_t power_of_two(uint64_t n) {
  uint64_t p = 1;
  while (p < n) p *= 2;
  return p;
}

static size_t ring_bytes(const cls_cuda_packets *k) {
  return k->ring * 2 * sizeof(uint32_t) + (k->marks + 1) * sizeof(uint64_t);
}

cls_status cls_cuda_packets_plan(cls_cuda *b) {
  enum { TIMES_EXPECTED = 4, LEAST = 1024 };
  cls_cuda_packets *k = &b->packets;
  const cls_routes *routes = b->setup.routes;
  const uint32_t local = b->setup.layout->n_local;
  size_t slots = 0;
  if (!routes || routes->n_in + routes->n_out == 0) {
    b->setup.meanwhile = NULL; /* there is nothing to look after */
    return CLS_OK;
  }
  k->routes = routes;
  k->n_in = routes->n_in;
  k->n_out = routes->n_out;
  k->device_memory = routes->device_memory;
  CLS_TRY(cls_alloc(&k->slot_of, (size_t)routes->n_in, sizeof *k->slot_of, "packets"));
  CLS_TRY(cls_alloc(&k->out, (size_t)routes->n_out, sizeof *k->out, "packets"));
  CLS_TRY(cls_alloc(&k->draft, (size_t)routes->n_out, sizeof *k->draft, "packets"));
  CLS_TRY(cls_alloc(&k->in, (size_t)routes->n_in, sizeof *k->in, "packets"));
  for (int p = 0; p < routes->n_in; p++) {
    k->slot_of[p] = slots;
    slots += routes->in[p].n;
  }
  for (int p = 0; p < routes->n_out; p++)
    if (routes->out[p].interval > k->longest) k->longest = routes->out[p].interval;
  for (uint32_t i = 0; i < local; i++) k->leaving += routes->first[i] < routes->first[i + 1];
  k->arena = (cls_gpu_arena){.name = "routes of spikes"};
  k->first = cls_gpu_arena_add(&k->arena, local + 1ul, sizeof(uint64_t));
  k->route = cls_gpu_arena_add(&k->arena, routes->first[local], sizeof(cls_gpu_route));
  k->slot = cls_gpu_arena_add(&k->arena, slots, sizeof(uint32_t));
  k->peer = cls_gpu_arena_add(&k->arena, (size_t)routes->n_out, sizeof(cls_gpu_out));
  k->due = cls_gpu_arena_add(&k->arena, (size_t)routes->n_out, sizeof(cls_gpu_due));
  if (routes->n_out == 0) return CLS_OK;
  const double spikes = TIMES_EXPECTED * cls_gpu_spikes_expected(&b->setup, k->longest);
  k->ring = power_of_two(k->leaving + (uint64_t)spikes + LEAST);
  k->marks = power_of_two(k->longest + 3ull);
  return CLS_OK;
}

size_t cls_cuda_packets_bytes(const cls_cuda *b) {
  const cls_cuda_packets *k = &b->packets;
  size_t bytes = k->arena.bytes;
  if (k->n_out == 0) return bytes;
  for (int p = 0; p < k->n_out; p++)
    bytes += (k->device_memory ? 2 : 1) * expected_words(b, &k->routes->out[p]) * sizeof(uint32_t);
  return bytes + (size_t)b->setup.members * ring_bytes(k);
}

static cls_status copy(cls_cuda *b, size_t to, const void *from, size_t bytes) {
  CLS_CUDA(cudaMemcpyAsync(cls_gpu_arena_at(&b->packets.arena, to), from, bytes, cudaMemcpyHostToDevice,
                           b->stream),
           "copying routes");
  return cls_cuda_wait(b, "copying routes");
}

cls_status cls_cuda_packets_make(cls_cuda *b) {
  cls_cuda_packets *k = &b->packets;
  const cls_routes *routes = k->routes;
  if (!routes) return CLS_OK;
  const uint32_t local = b->setup.layout->n_local;
  CLS_TRY(cls_gpu_arena_make(&k->arena, b->stream));
  CLS_TRY(copy(b, k->first, routes->first, (local + 1ul) * sizeof *routes->first));
  CLS_TRY(copy(b, k->route, routes->entry, routes->first[local] * sizeof *routes->entry));
  for (int p = 0; p < routes->n_in; p++)
    CLS_TRY(copy(b, k->slot + k->slot_of[p] * sizeof(uint32_t), routes->in[p].slot,
                 routes->in[p].n * sizeof(uint32_t)));
  if (routes->n_out == 0) return CLS_OK;
  CLS_CUDA(cudaMallocHost((void **)&k->words, (size_t)routes->n_out * sizeof *k->words),
           "no pinned memory for packets");
  for (int p = 0; p < routes->n_out; p++) {
    k->out[p].interval = routes->out[p].interval;
    for (int turn = 0; turn < 2; turn++)
      CLS_TRY(reserve_packet(b, p, turn, expected_words(b, &routes->out[p])));
  }
  for (int m = 0; m < b->setup.members; m++)
    CLS_TRY(cls_gpu_leaving_make(k->ring, k->marks, 0, &b->members[m], b->stream));
  b->rank.route_first = cls_gpu_arena_at(&k->arena, k->first);
  b->rank.leaving_limit = k->ring - k->leaving;
  return CLS_OK;
}

void cls_cuda_packets_free(cls_cuda *b) {
  cls_cuda_packets *k = &b->packets;
  for (int p = 0; k->out && p < k->n_out; p++) {
    for (int turn = 0; turn < 2; turn++) {
      cls_cuda_room room = {k->out[p].packet[turn], k->out[p].capacity[turn]};
      cls_cuda_room_free(&room, k->device_memory);
    }
    if (k->draft) cls_gpu_arena_free(&k->draft[p]);
  }
  for (int p = 0; k->in && p < k->n_in; p++)
    for (int turn = 0; turn < 2; turn++) cls_cuda_room_free(&k->in[p][turn], k->device_memory);
  if (k->words) (void)cudaFreeHost(k->words);
  cls_gpu_arena_free(&k->arena);
  free(k->slot_of);
  free(k->out);
  free(k->draft);
  free(k->in);
}

/* ---- spikes that leave ---- */

int64_t cls_cuda_leaving_first(const cls_cuda *b, int64_t now) {
  const cls_routes *routes = b->packets.routes;
  int64_t first = now;
  for (int p = 0; routes && p < routes->n_out; p++) {
    const int64_t begin = now - now % routes->out[p].interval;
    if (begin < first) first = begin;
  }
  return first;
}

cls_status cls_cuda_leaving_grow(cls_cuda *b) {
  cls_cuda_packets *k = &b->packets;
  k->ring *= 2;
  for (int m = 0; m < b->setup.members; m++) {
    CLS_TRY(cls_gpu_leaving_make(k->ring, k->marks, b->member_status[m].leaving, &b->members[m], b->stream));
    b->profile.allocations++;
  }
  b->rank.leaving_limit = k->ring - k->leaving;
  b->tables_old = true;
  return CLS_OK;
}

static cls_status launch_pack(cls_cuda *b, int64_t now) {
  cls_cuda_packets *k = &b->packets;
  const size_t n = (size_t)k->n_out;
  uint32_t longest = 0;
  for (size_t p = 0; p < n; p++)
    if (now % k->out[p].interval == 0 && k->out[p].interval > longest) longest = k->out[p].interval;
  CLS_TRY(cls_cuda_tables_copy(b));
  if (k->old) {
    CLS_TRY(copy(b, k->peer, k->out, n * sizeof *k->out));
    b->profile.copies_in++;
    b->profile.bytes_in += n * sizeof *k->out;
    k->old = false;
  }
  const cls_gpu_pack_args args = {.member = b->rank.member,
                                  .out = cls_gpu_arena_at(&k->arena, k->peer),
                                  .due = cls_gpu_arena_at(&k->arena, k->due),
                                  .route_first = b->rank.route_first,
                                  .route = cls_gpu_arena_at(&k->arena, k->route),
                                  .members = b->rank.members,
                                  .n_out = (uint32_t)n,
                                  .longest = longest,
                                  .now = now,
                                  .reached = b->rank.reached,
                                  .words = k->words,
                                  .status = b->status};
  CLS_CUDA(cls_gpu_launch_pack(&args, b->multiprocessors, b->stream), "making packets");
  b->profile.launches++;
  return CLS_OK;
}

/* ---- the table ---- */

/* The kernel is queued behind the steps that may still be computed. It does nothing where they stopped for lack of room. */
static cls_status pack(void *instance, int64_t now, cls_packet *packet) {
  cls_cuda *b = instance;
  cls_cuda_packets *k = &b->packets;
  bool complete = false;
  b->status->packed = now - 1;
  while (!complete) {
    CLS_TRY(launch_pack(b, now));
    CLS_TRY(cls_cuda_settle(b));
    CLS_TRY(cls_cuda_wait(b, "making packets"));
    CLS_CHECK(b->now == now, CLS_ERR_INTERNAL, "packets of step %lld are asked for in step %lld",
              (long long)now, (long long)b->now);
    complete = b->status->packed == now;
    for (int p = 0; complete && p < k->n_out; p++) {
      const int turn = (int)(now / k->out[p].interval & 1);
      if (now % k->out[p].interval != 0) continue;
      if (k->words[p] > k->out[p].capacity[turn]) complete = false;
      CLS_TRY(reserve_packet(b, p, turn, k->words[p]));
      packet[p] = (cls_packet){k->out[p].packet[turn], k->words[p]};
    }
  }
  return CLS_OK;
}

static cls_status room(void *instance, int in, int turn, size_t kept, size_t words, uint32_t **word) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_room_grow(b, &b->packets.in[in][turn], b->packets.device_memory, kept, words));
  *word = b->packets.in[in][turn].word;
  return CLS_OK;
}

static cls_status unpack(void *instance, int64_t now, const cls_packet_in *packets, int n) {
  cls_cuda *b = instance;
  cls_cuda_packets *k = &b->packets;
  cls_gpu_packet *list = NULL;
  CLS_TRY(cls_cuda_settle(b));
  CLS_CHECK(b->now == now, CLS_ERR_INTERNAL, "packets for step %lld came in step %lld", (long long)now,
            (long long)b->now);
  CLS_TRY(cls_alloc(&list, (size_t)n, sizeof *list, "packets"));
  for (int i = 0; i < n; i++) {
    const cls_route_in *route = &k->routes->in[packets[i].in];
    list[i] = (cls_gpu_packet){.word = packets[i].word,
                               .slot = (const uint32_t *)cls_gpu_arena_at(&k->arena, k->slot) +
                                       k->slot_of[packets[i].in],
                               .n = route->n,
                               .words = (uint32_t)packets[i].words,
                               .interval = route->interval,
                               .first = packets[i].first,
                               .route = (uint32_t)packets[i].in};
  }
  const cls_status status = cls_cuda_enter(b, list, n, !k->device_memory);
  free(list);
  return status;
}

static void report(void *instance, double *seconds, size_t *bytes) {
  const cls_cuda *b = instance;
  const cls_cuda_packets *k = &b->packets;
  *seconds = (double)b->status->packets_ns * 1e-9;
  *bytes = 0;
  for (int p = 0; p < k->n_out; p++)
    *bytes += ((size_t)k->out[p].capacity[0] + k->out[p].capacity[1]) * sizeof(uint32_t);
  for (int p = 0; p < k->n_in; p++)
    *bytes += (k->in[p][0].capacity + k->in[p][1].capacity) * sizeof(uint32_t);
}

const cls_packer cls_cuda_packer = {.pack = pack, .room = room, .unpack = unpack, .report = report};
