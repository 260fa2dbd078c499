#include "exchange/host_packer.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint32_t *word;
  size_t n, capacity;
} word_list;

typedef struct {
  word_list *spikes; /* [member x interval + step]: positions, of the packet being filled */
  word_list packet[2];
} out_peer;

/* What arrived for a member and was not handed over. */
typedef struct {
  cls_arrival *arrival;
  int64_t *fired; /* the step of each, from which its age is made */
  size_t n, capacity, fired_capacity;
} member_arrivals;

typedef struct {
  const cls_routes *routes;
  int members;
  out_peer *out;
  word_list *room; /* [n_in] what arrives is read at once, so that one serves both turns */
  member_arrivals *arrivals;
  double seconds;
} packer;

cls_status cls_host_packer_create(const cls_routes *routes, int members, void **instance) {
  packer *h = NULL;
  CLS_TRY(cls_alloc(&h, 1, sizeof *h, "packets"));
  *instance = h;
  h->routes = routes;
  h->members = members;
  CLS_TRY(cls_alloc(&h->out, (size_t)routes->n_out, sizeof *h->out, "packets"));
  CLS_TRY(cls_alloc(&h->room, (size_t)routes->n_in, sizeof *h->room, "packets"));
  CLS_TRY(cls_alloc(&h->arrivals, (size_t)members, sizeof *h->arrivals, "arrivals"));
  for (int p = 0; p < routes->n_out; p++)
    CLS_TRY(cls_alloc(&h->out[p].spikes, (size_t)members * routes->out[p].interval, sizeof(word_list),
                      "packets"));
  return CLS_OK;
}

void cls_host_packer_destroy(void *instance) {
  packer *h = instance;
  if (!h) return;
  for (int p = 0; h->out && p < h->routes->n_out; p++) {
    const size_t sections = (size_t)h->members * h->routes->out[p].interval;
    for (size_t k = 0; h->out[p].spikes && k < sections; k++) free(h->out[p].spikes[k].word);
    free(h->out[p].spikes);
    for (int turn = 0; turn < 2; turn++) free(h->out[p].packet[turn].word);
  }
  for (int p = 0; h->room && p < h->routes->n_in; p++) free(h->room[p].word);
  for (int m = 0; h->arrivals && m < h->members; m++) {
    free(h->arrivals[m].arrival);
    free(h->arrivals[m].fired);
  }
  free(h->out);
  free(h->room);
  free(h->arrivals);
  free(h);
}

/* ---- spikes that leave ---- */

static cls_status push(word_list *list, uint32_t word) {
  if (list->n == list->capacity)
    CLS_TRY(cls_grow(&list->word, &list->capacity, list->n + 1, sizeof *list->word, "packets"));
  list->word[list->n++] = word;
  return CLS_OK;
}

cls_status cls_host_packer_note(void *instance, int member, const cls_spikes *spikes) {
  packer *h = instance;
  const cls_routes *routes = h->routes;
  const double begun = cls_seconds();
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    uint32_t k = (uint32_t)(step - spikes->begin);
    for (uint32_t i = spikes->first[k]; i < spikes->first[k + 1]; i++) {
      uint32_t local = spikes->neuron[i];
      for (uint64_t e = routes->first[local]; e < routes->first[local + 1]; e++) {
        const uint32_t out = routes->entry[e].out, interval = routes->out[out].interval;
        const uint64_t at = (uint64_t)member * interval + (uint64_t)step % interval;
        CLS_TRY(push(&h->out[out].spikes[at], routes->entry[e].position));
      }
    }
  }
  h->seconds += cls_seconds() - begun;
  return CLS_OK;
}

static cls_status pack_one(packer *h, int p, word_list *packet) {
  const size_t head = cls_packet_head(h->members, h->routes->out[p].interval);
  word_list *spikes = h->out[p].spikes;
  size_t total = head;
  for (size_t k = 0; k + 1 < head; k++) total += spikes[k].n;
  CLS_CHECK(total < UINT32_MAX, CLS_ERR_LIMIT, "a packet to rank %d would hold %zu words: the limit is %u",
            h->routes->out[p].rank, total, UINT32_MAX - 1);
  CLS_TRY(cls_grow(&packet->word, &packet->capacity, total, sizeof *packet->word, "packets"));
  packet->word[0] = (uint32_t)total;
  packet->n = head;
  for (size_t k = 0; k + 1 < head; k++) {
    if (spikes[k].n > 0) memcpy(packet->word + packet->n, spikes[k].word, spikes[k].n * sizeof *packet->word);
    packet->n += spikes[k].n;
    packet->word[1 + k] = (uint32_t)(packet->n - head);
    spikes[k].n = 0;
  }
  return CLS_OK;
}

static cls_status pack(void *instance, int64_t now, cls_packet *packet) {
  packer *h = instance;
  const double begun = cls_seconds();
  for (int p = 0; p < h->routes->n_out; p++) {
    const uint32_t interval = h->routes->out[p].interval;
    word_list *list = &h->out[p].packet[now / interval & 1];
    if (now % interval != 0) continue;
    CLS_TRY(pack_one(h, p, list));
    packet[p] = (cls_packet){list->word, list->n};
  }
  h->seconds += cls_seconds() - begun;
  return CLS_OK;
}

/* ---- spikes that arrive ---- */

static cls_status room(void *instance, int in, int turn, size_t kept, size_t words, uint32_t **word) {
  packer *h = instance;
  word_list *list = &h->room[in];
  (void)kept, (void)turn; /* all is kept */
  CLS_TRY(cls_grow(&list->word, &list->capacity, words, sizeof *list->word, "packets"));
  *word = list->word;
  return CLS_OK;
}

/* Files the spikes of one step and member. */
static cls_status file(member_arrivals *a, const cls_route_in *route, int64_t step, const uint32_t *position,
                       uint32_t n) {
  CLS_TRY(cls_grow(&a->arrival, &a->capacity, a->n + n, sizeof *a->arrival, "arrivals"));
  CLS_TRY(cls_grow(&a->fired, &a->fired_capacity, a->n + n, sizeof *a->fired, "arrivals"));
  for (uint32_t i = 0; i < n; i++) {
    CLS_CHECK(position[i] < route->n, CLS_ERR_MPI, "packet of rank %d names its neuron %u of %u", route->rank,
              position[i], route->n);
    a->arrival[a->n].slot = route->slot[position[i]];
    a->fired[a->n++] = step;
  }
  return CLS_OK;
}

static cls_status unpack_one(packer *h, const cls_packet_in *packet) {
  const cls_route_in *route = &h->routes->in[packet->in];
  const size_t head = cls_packet_head(h->members, route->interval), n = packet->words - head;
  const uint32_t *end = packet->word + 1, *position = packet->word + head;
  uint32_t at = 0;
  CLS_CHECK(packet->word[0] == packet->words && end[head - 2] == n, CLS_ERR_MPI,
            "packet of rank %d says that it holds %u words with %u spikes: it has %zu with %zu", route->rank,
            packet->word[0], end[head - 2], packet->words, n);
  for (int m = 0; m < h->members; m++) {
    for (uint32_t k = 0; k < route->interval; k++, end++) {
      CLS_CHECK(*end >= at && *end <= n, CLS_ERR_MPI,
                "packet of rank %d: spikes of a step end at %u, before %u or behind %zu", route->rank, *end,
                at, n);
      CLS_TRY(file(&h->arrivals[m], route, packet->first + k, position + at, *end - at));
      at = *end;
    }
  }
  return CLS_OK;
}

static cls_status unpack(void *instance, int64_t now, const cls_packet_in *packets, int n) {
  packer *h = instance;
  const double begun = cls_seconds();
  (void)now;
  for (int i = 0; i < n; i++) CLS_TRY(unpack_one(h, &packets[i]));
  h->seconds += cls_seconds() - begun;
  return CLS_OK;
}

cls_status cls_host_packer_receive(void *instance, int member, int64_t now, const cls_arrival **arrivals,
                                   size_t *n) {
  member_arrivals *a = &((packer *)instance)->arrivals[member];
  for (size_t i = 0; i < a->n; i++) a->arrival[i].age = (uint32_t)(now - a->fired[i]);
  *arrivals = a->arrival;
  *n = a->n;
  a->n = 0;
  return CLS_OK;
}

static void report(void *instance, double *seconds, size_t *bytes) {
  const packer *h = instance;
  *seconds = h->seconds;
  *bytes = 0;
  for (int p = 0; p < h->routes->n_out; p++)
    *bytes += (h->out[p].packet[0].capacity + h->out[p].packet[1].capacity) * sizeof(uint32_t);
  for (int p = 0; p < h->routes->n_in; p++) *bytes += h->room[p].capacity * sizeof(uint32_t);
}

const cls_packer cls_host_packer = {.pack = pack, .room = room, .unpack = unpack, .report = report};
