#include "exchange/exchange.h"
#include "exchange/routes.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A packet is 32-bit words: the number of words in all, then for every (member, step) of the window a count,
 * then the positions in the agreed list, in the same order. The first FIRST_WORDS words travel in one message
 * of fixed greatest size, for which a receive is posted ahead; what is beyond follows in a second message of
 * known size. */
enum { FIRST_WORDS = 8192, TAG_FIRST = 201, TAG_REST = 202 };

typedef struct {
  uint32_t *word;
  size_t n, capacity;
} word_list;

typedef struct {
  int rank;
  uint32_t interval;
  word_list *spikes;   /* [member x interval + step]: positions of the window being filled */
  uint32_t *packet[2]; /* being sent, alternately */
  size_t capacity[2];
  MPI_Request request[2][2];
  int turn;
} out_peer;

typedef struct {
  int rank;
  uint32_t interval, delay;
  const uint32_t *slot;
  uint32_t n;
  uint32_t *packet;
  size_t capacity;
  MPI_Request request;
  int64_t received; /* packets so far */
} in_peer;

typedef struct {
  cls_world world;
  cls_routes routes;
  out_peer *out;
  in_peer *in;
  int members;
  bool ready;            /* create() succeeded */
  int64_t done;          /* steps passed to send() by all members */
  cls_arrival **arrival; /* per member: known, not yet returned */
  int64_t **fired;       /* per member: the step of each arrival, from which receive() makes its age */
  size_t *n_arrival, *arrival_capacity, *fired_capacity;
  uint64_t messages, packets, bytes;
  double pack_s, wait_s;
} exchange;

static cls_status post(exchange *x, in_peer *in) {
  MPI_Irecv(in->packet, FIRST_WORDS, MPI_UINT32_T, in->rank, TAG_FIRST, x->world.comm, &in->request);
  return CLS_OK;
}

static cls_status create(const cls_world *world, const cls_network *network, const cls_placement *placement,
                         const cls_layout *layout, const uint64_t *sources, const uint32_t *min_delay,
                         uint32_t n_sources, int members, uint32_t *local_slot, void **instance) {
  exchange *x = NULL;
  CLS_TRY(cls_alloc(&x, 1, sizeof *x, "exchange"));
  *instance = x;
  x->world = *world;
  x->members = members;
  CLS_TRY(cls_routes_create(world, network, placement, layout, sources, min_delay, n_sources, local_slot,
                            &x->routes));
  CLS_TRY(cls_alloc(&x->out, (size_t)x->routes.n_out, sizeof *x->out, "peers"));
  CLS_TRY(cls_alloc(&x->in, (size_t)x->routes.n_in, sizeof *x->in, "peers"));
  CLS_TRY(cls_alloc(&x->arrival, (size_t)members, sizeof *x->arrival, "arrivals"));
  CLS_TRY(cls_alloc(&x->fired, (size_t)members, sizeof *x->fired, "arrivals"));
  CLS_TRY(cls_alloc(&x->n_arrival, (size_t)members, sizeof *x->n_arrival, "arrivals"));
  CLS_TRY(cls_alloc(&x->arrival_capacity, (size_t)members, sizeof *x->arrival_capacity, "arrivals"));
  CLS_TRY(cls_alloc(&x->fired_capacity, (size_t)members, sizeof *x->fired_capacity, "arrivals"));
  for (int p = 0; p < x->routes.n_out; p++) {
    out_peer *out = &x->out[p];
    out->rank = x->routes.out[p].rank;
    out->interval = x->routes.out[p].min_delay > 1 ? x->routes.out[p].min_delay / 2 : 1;
    CLS_TRY(cls_alloc(&out->spikes, (size_t)members * out->interval, sizeof *out->spikes, "packets"));
    for (int k = 0; k < 4; k++) out->request[k / 2][k % 2] = MPI_REQUEST_NULL;
  }
  for (int p = 0; p < x->routes.n_in; p++) {
    in_peer *in = &x->in[p];
    const cls_route_in *route = &x->routes.in[p];
    in->rank = route->rank;
    in->delay = route->min_delay;
    in->interval = route->min_delay > 1 ? route->min_delay / 2 : 1;
    in->slot = route->slot;
    in->n = route->n;
    CLS_TRY(cls_grow(&in->packet, &in->capacity, FIRST_WORDS, sizeof *in->packet, "packets"));
    CLS_TRY(post(x, in));
  }
  x->ready = true;
  return CLS_OK;
}

/* Packets of a peer that must have arrived before step `now` is computed: all that hold spikes of steps <=
 * now - delay. */
static int64_t needed(const in_peer *in, int64_t now) {
  return now < in->delay ? 0 : (now - in->delay) / in->interval + 1;
}

static bool wants_spikes(const void *instance) {
  const exchange *x = instance;
  return x->routes.n_out > 0 || x->routes.n_in > 0; /* also to know how far we are */
}

static int64_t horizon(void *instance, int64_t now, int64_t wanted) {
  exchange *x = instance;
  for (int p = 0; p < x->routes.n_in; p++) {
    in_peer *in = &x->in[p];
    int64_t known = needed(in, now) > in->received ? needed(in, now) : in->received;
    int64_t limit = known * in->interval + in->delay;
    if (limit < wanted) wanted = limit;
  }
  for (int p = 0; p < x->routes.n_out; p++) { /* packets leave as soon as they are full */
    int64_t full = (now / x->out[p].interval + 1) * x->out[p].interval;
    if (full < wanted) wanted = full;
  }
  return wanted;
}

static cls_status ship(exchange *x, out_peer *out) {
  size_t windows = (size_t)x->members * out->interval, total = 1 + windows;
  for (size_t w = 0; w < windows; w++) total += out->spikes[w].n;
  CLS_CHECK(total < INT_MAX, CLS_ERR_LIMIT, "a packet to rank %d would hold %zu words: the limit is %d",
            out->rank, total, INT_MAX - 1);
  int turn = out->turn ^= 1;
  double begun = cls_seconds();
  MPI_Waitall(2, out->request[turn], MPI_STATUSES_IGNORE);
  x->wait_s += cls_seconds() - begun;
  CLS_TRY(cls_grow(&out->packet[turn], &out->capacity[turn], total, sizeof(uint32_t), "packets"));
  uint32_t *packet = out->packet[turn], *to = packet + 1 + windows;
  packet[0] = (uint32_t)total;
  for (size_t w = 0; w < windows; w++) {
    packet[1 + w] = (uint32_t)out->spikes[w].n;
    if (out->spikes[w].n > 0) memcpy(to, out->spikes[w].word, out->spikes[w].n * sizeof *to);
    to += out->spikes[w].n;
    out->spikes[w].n = 0;
  }
  int head = total < FIRST_WORDS ? (int)total : FIRST_WORDS;
  MPI_Isend(packet, head, MPI_UINT32_T, out->rank, TAG_FIRST, x->world.comm, &out->request[turn][0]);
  if (total > FIRST_WORDS)
    MPI_Isend(packet + FIRST_WORDS, (int)total - FIRST_WORDS, MPI_UINT32_T, out->rank, TAG_REST,
              x->world.comm, &out->request[turn][1]);
  x->packets++;
  x->messages += total - 1 - windows;
  x->bytes += total * sizeof(uint32_t);
  return CLS_OK;
}

static cls_status push(word_list *list, uint32_t word) {
  if (list->n == list->capacity)
    CLS_TRY(cls_grow(&list->word, &list->capacity, list->n + 1, sizeof *list->word, "packets"));
  list->word[list->n++] = word;
  return CLS_OK;
}

static cls_status send(void *instance, int member, const cls_spikes *spikes) {
  exchange *x = instance;
  if (member == x->members - 1) x->done = spikes->end;
  if (x->routes.n_out == 0) return CLS_OK;
  double begun = cls_seconds(), waited = x->wait_s;
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    uint32_t k = (uint32_t)(step - spikes->begin);
    for (uint32_t i = spikes->first[k]; i < spikes->first[k + 1]; i++) {
      uint32_t local = spikes->neuron[i];
      for (uint64_t e = x->routes.first[local]; e < x->routes.first[local + 1]; e++) {
        out_peer *out = &x->out[x->routes.entry[e].out];
        uint64_t at = (uint64_t)member * out->interval + (uint64_t)step % out->interval;
        CLS_TRY(push(&out->spikes[at], x->routes.entry[e].position));
      }
    }
  }
  if (member == x->members - 1)
    for (int p = 0; p < x->routes.n_out; p++)
      if (spikes->end % x->out[p].interval == 0) CLS_TRY(ship(x, &x->out[p]));
  x->pack_s += cls_seconds() - begun - (x->wait_s - waited);
  return CLS_OK;
}

/* Waits for the next packet of a peer and files its spikes. */
static cls_status take(exchange *x, in_peer *in) {
  double begun = cls_seconds();
  MPI_Wait(&in->request, MPI_STATUS_IGNORE);
  size_t total = in->packet[0];
  if (total > FIRST_WORDS) {
    CLS_TRY(cls_grow(&in->packet, &in->capacity, total, sizeof *in->packet, "packets"));
    MPI_Recv(in->packet + FIRST_WORDS, (int)(total - FIRST_WORDS), MPI_UINT32_T, in->rank, TAG_REST,
             x->world.comm, MPI_STATUS_IGNORE);
  }
  double waited = cls_seconds();
  x->wait_s += waited - begun;
  size_t windows = (size_t)x->members * in->interval;
  CLS_CHECK(total >= 1 + windows, CLS_ERR_MPI, "packet of rank %d holds %zu words: expected at least %zu",
            in->rank, total, 1 + windows);
  const uint32_t *from = in->packet + 1 + windows;
  for (int m = 0; m < x->members; m++) {
    for (uint32_t k = 0; k < in->interval; k++) {
      uint32_t n = in->packet[1 + (size_t)m * in->interval + k];
      size_t at = x->n_arrival[m];
      CLS_TRY(cls_grow(&x->arrival[m], &x->arrival_capacity[m], at + n, sizeof **x->arrival, "arrivals"));
      CLS_TRY(cls_grow(&x->fired[m], &x->fired_capacity[m], at + n, sizeof **x->fired, "arrivals"));
      for (uint32_t i = 0; i < n; i++) {
        CLS_CHECK(from[i] < in->n, CLS_ERR_MPI, "packet of rank %d names its neuron %u of %u", in->rank,
                  from[i], in->n);
        x->arrival[m][at + i].slot = in->slot[from[i]];
        x->fired[m][at + i] = in->received * in->interval + k;
      }
      x->n_arrival[m] += n;
      from += n;
    }
  }
  in->received++;
  x->pack_s += cls_seconds() - waited;
  return post(x, in);
}

static cls_status receive(void *instance, int member, int64_t now, const cls_arrival **arrivals, size_t *n) {
  exchange *x = instance;
  for (int p = 0; p < x->routes.n_in; p++)
    while (x->in[p].received < needed(&x->in[p], now)) CLS_TRY(take(x, &x->in[p]));
  for (size_t i = 0; i < x->n_arrival[member]; i++)
    x->arrival[member][i].age = (uint32_t)(now - x->fired[member][i]);
  *arrivals = x->arrival[member];
  *n = x->n_arrival[member];
  x->n_arrival[member] = 0;
  return CLS_OK;
}

/* Collective. All ranks have computed the same steps, so we know how many packets were sent to us: they are
 * taken, then the receive that waits for the next one is cancelled. Errors no longer matter here. */
static void settle(exchange *x) {
  for (int p = 0; p < x->routes.n_in; p++) {
    in_peer *in = &x->in[p];
    while (in->received < x->done / in->interval && take(x, in) == CLS_OK) continue;
    MPI_Cancel(&in->request);
    MPI_Wait(&in->request, MPI_STATUS_IGNORE);
  }
  for (int p = 0; p < x->routes.n_out; p++) MPI_Waitall(4, &x->out[p].request[0][0], MPI_STATUSES_IGNORE);
}

static void destroy(void *instance) {
  exchange *x = instance;
  if (!x) return;
  if (x->ready) settle(x);
  for (int p = 0; x->in && p < x->routes.n_in; p++) free(x->in[p].packet);
  for (int p = 0; x->out && p < x->routes.n_out; p++) {
    out_peer *out = &x->out[p];
    for (size_t w = 0; out->spikes && w < (size_t)x->members * out->interval; w++) free(out->spikes[w].word);
    free(out->spikes);
    free(out->packet[0]);
    free(out->packet[1]);
  }
  for (int m = 0; m < x->members; m++) {
    if (x->arrival) free(x->arrival[m]);
    if (x->fired) free(x->fired[m]);
  }
  free(x->in);
  free(x->out);
  free(x->arrival);
  free(x->fired);
  free(x->n_arrival);
  free(x->arrival_capacity);
  free(x->fired_capacity);
  cls_routes_destroy(&x->routes);
  free(x);
}

static void report(void *instance, uint64_t *messages, uint64_t *packets, uint64_t *bytes, double *pack_s,
                   double *wait_s, size_t *memory) {
  exchange *x = instance;
  *messages = x->messages;
  *packets = x->packets;
  *bytes = x->bytes;
  *pack_s = x->pack_s;
  *wait_s = x->wait_s;
  *memory = x->routes.bytes;
  for (int p = 0; p < x->routes.n_in; p++) *memory += x->in[p].capacity * sizeof(uint32_t);
  for (int p = 0; p < x->routes.n_out; p++)
    *memory += (x->out[p].capacity[0] + x->out[p].capacity[1]) * sizeof(uint32_t);
}

const cls_exchange cls_exchange_mpi = {
    .name = "mpi",
    .create = create,
    .destroy = destroy,
    .wants_spikes = wants_spikes,
    .horizon = horizon,
    .send = send,
    .receive = receive,
    .report = report,
};
