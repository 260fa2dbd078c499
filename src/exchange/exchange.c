#include "exchange/exchange.h"
#include "exchange/host_packer.h"
#include "exchange/routes.h"
#include "exchange/share.h"
#include <limits.h>
#include <stdlib.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif

/* The first FIRST_WORDS words of a packet travel in one message of fixed greatest size, for which a receive is posted ahead.
 * Where that is full the rest follows in a second message, which may be empty: so a receiver knows the size of a packet
 * without a look into it, and it may lie in the memory of a GPU. */
enum { FIRST_WORDS = 8192, TAG_FIRST = 201, TAG_REST = 202 };

typedef struct {
  MPI_Request request[2][2]; /* of a packet (they alternate), its first message and its rest */
} out_peer;

typedef struct {
  uint32_t *room[2];   /* where packets arrive, alternately */
  MPI_Request request; /* of the first message of the next */
  int64_t received;    /* packets so far */
} in_peer;

typedef struct {
  cls_world world;
  cls_routes routes;
  out_peer *out;
  in_peer *in;
  cls_packet *packet;     /* [outgoing routes] */
  cls_packet_in *arrived; /* [incoming routes] */
  int members;
  uint32_t n_local;
  const cls_packer *packer;
  void *packer_instance;
  void *own;    /* instance of our own packer; NULL: another's is used */
  bool started; /* receives are posted */
  int64_t done; /* steps that all members have come to */
  cls_exchange_report counts;
} exchange;

/* Whether the library sends from the memory of GPUs and receives there. */
static bool takes_device_memory(void) {
#if defined(OMPI_HAVE_MPI_EXT_CUDA) && OMPI_HAVE_MPI_EXT_CUDA
  return MPIX_Query_cuda_support() == 1;
#else
  return false;
#endif
}

static cls_status create(const cls_world *world, const cls_network *network, const cls_placement *placement,
                         const cls_layout *layout, const uint64_t *sources, const uint32_t *min_delay,
                         uint32_t n_sources, int members, uint32_t *local_slot, void **instance) {
  exchange *x = NULL;
  CLS_TRY(cls_alloc(&x, 1, sizeof *x, "exchange"));
  *instance = x;
  x->world = *world;
  x->members = members;
  x->n_local = layout->n_local;
  CLS_TRY(cls_routes_create(world, network, placement, layout, sources, min_delay, n_sources, local_slot,
                            &x->routes));
  x->routes.device_memory = takes_device_memory();
  CLS_TRY(cls_alloc(&x->out, (size_t)x->routes.n_out, sizeof *x->out, "peers"));
  CLS_TRY(cls_alloc(&x->in, (size_t)x->routes.n_in, sizeof *x->in, "peers"));
  CLS_TRY(cls_alloc(&x->packet, (size_t)x->routes.n_out, sizeof *x->packet, "packets"));
  CLS_TRY(cls_alloc(&x->arrived, (size_t)x->routes.n_in, sizeof *x->arrived, "packets"));
  for (int p = 0; p < x->routes.n_out; p++)
    for (int k = 0; k < 4; k++) x->out[p].request[k / 2][k % 2] = MPI_REQUEST_NULL;
  return CLS_OK;
}

static const cls_routes *routes(const void *instance) { return &((const exchange *)instance)->routes; }

/* Posts the receive for the next packet of a peer. */
static cls_status post(exchange *x, int p) {
  in_peer *in = &x->in[p];
  const int turn = (int)(in->received & 1);
  const size_t head = cls_packet_head(x->members, x->routes.in[p].interval);
  CLS_TRY(x->packer->room(x->packer_instance, p, turn, 0, head > FIRST_WORDS ? head : FIRST_WORDS,
                          &in->room[turn]));
  MPI_Irecv(in->room[turn], FIRST_WORDS, MPI_UINT32_T, x->routes.in[p].rank, TAG_FIRST, x->world.comm,
            &in->request);
  return CLS_OK;
}

static cls_status start(void *instance, int64_t now, const cls_packer *packer, void *packer_instance) {
  exchange *x = instance;
  x->done = now;
  x->packer = packer;
  x->packer_instance = packer_instance;
  if (!packer) {
    CLS_TRY(cls_host_packer_create(&x->routes, x->members, &x->own));
    x->packer = &cls_host_packer;
    x->packer_instance = x->own;
  }
  for (int p = 0; p < x->routes.n_in; p++) {
    x->in[p].received = now / x->routes.in[p].interval; /* what earlier ones held is handed over otherwise */
    CLS_TRY(post(x, p));
  }
  x->started = true;
  return CLS_OK;
}

static bool wants_spikes(const void *instance) {
  const exchange *x = instance;
  return x->own && x->routes.n_out > 0;
}

/* ---- how far we may go ---- */

/* Packets of a peer that must have arrived before step `now` is computed: all that hold spikes of steps <=
 * now - delay. */
static int64_t needed(const cls_route_in *in, int64_t now) {
  return now < in->min_delay ? 0 : (now - in->min_delay) / in->interval + 1;
}

static int64_t horizon(void *instance, int64_t now, int64_t wanted) {
  exchange *x = instance;
  for (int p = 0; p < x->routes.n_in; p++) {
    const cls_route_in *in = &x->routes.in[p];
    int64_t known = needed(in, now) > x->in[p].received ? needed(in, now) : x->in[p].received;
    int64_t limit = known * in->interval + in->min_delay;
    if (limit < wanted) wanted = limit;
  }
  for (int p = 0; p < x->routes.n_out; p++) { /* packets leave as soon as they are full */
    int64_t full = (now / x->routes.out[p].interval + 1) * x->routes.out[p].interval;
    if (full < wanted) wanted = full;
  }
  return wanted;
}

/* ---- sending ---- */

static cls_status send(void *instance, int member, const cls_spikes *spikes) {
  exchange *x = instance;
  return wants_spikes(x) ? cls_host_packer_note(x->own, member, spikes) : CLS_OK;
}

static cls_status ship_one(exchange *x, int p, int turn) {
  const cls_packet packet = x->packet[p];
  const cls_route_out *route = &x->routes.out[p];
  MPI_Request *request = x->out[p].request[turn];
  const size_t head = packet.words < FIRST_WORDS ? packet.words : FIRST_WORDS, rest = packet.words - head;
  CLS_CHECK(packet.words < INT_MAX, CLS_ERR_LIMIT,
            "a packet to rank %d would hold %zu words: the limit is %d", route->rank, packet.words,
            INT_MAX - 1);
  MPI_Isend(packet.word, (int)head, MPI_UINT32_T, route->rank, TAG_FIRST, x->world.comm, &request[0]);
  if (head == FIRST_WORDS)
    MPI_Isend(packet.word + head, (int)rest, MPI_UINT32_T, route->rank, TAG_REST, x->world.comm, &request[1]);
  x->counts.packets++;
  x->counts.messages += packet.words - cls_packet_head(x->members, route->interval);
  x->counts.bytes += packet.words * sizeof(uint32_t);
  return CLS_OK;
}

static cls_status ship(void *instance, int64_t now) {
  exchange *x = instance;
  const double begun = cls_seconds();
  bool due = false;
  x->done = now;
  for (int p = 0; p < x->routes.n_out; p++) {
    const uint32_t interval = x->routes.out[p].interval;
    if (now % interval != 0) continue;
    MPI_Waitall(2, x->out[p].request[now / interval & 1], MPI_STATUSES_IGNORE);
    due = true;
  }
  x->counts.wait_s += cls_seconds() - begun;
  if (!due) return CLS_OK;
  CLS_TRY(x->packer->pack(x->packer_instance, now, x->packet));
  for (int p = 0; p < x->routes.n_out; p++) {
    const uint32_t interval = x->routes.out[p].interval;
    if (now % interval == 0) CLS_TRY(ship_one(x, p, now / interval & 1));
  }
  return CLS_OK;
}

/* ---- receiving ---- */

/* Waits for the next packet of a peer. */
static cls_status complete(exchange *x, int p, cls_packet_in *packet) {
  in_peer *in = &x->in[p];
  const cls_route_in *route = &x->routes.in[p];
  const int turn = (int)(in->received & 1);
  const size_t head = cls_packet_head(x->members, route->interval);
  int here = 0, first = 0, rest = 0;
  MPI_Status status;
  MPI_Test(&in->request, &here, &status);
  if (!here) {
    MPI_Wait(&in->request, &status);
    x->counts.late++;
  }
  MPI_Get_count(&status, MPI_UINT32_T, &first);
  if (first == FIRST_WORDS) {
    MPI_Probe(route->rank, TAG_REST, x->world.comm, &status);
    MPI_Get_count(&status, MPI_UINT32_T, &rest);
    CLS_TRY(
        x->packer->room(x->packer_instance, p, turn, FIRST_WORDS, (size_t)(first + rest), &in->room[turn]));
    MPI_Recv(in->room[turn] + FIRST_WORDS, rest, MPI_UINT32_T, route->rank, TAG_REST, x->world.comm,
             MPI_STATUS_IGNORE);
  }
  *packet = (cls_packet_in){p, in->received * route->interval, in->room[turn], (size_t)first + (size_t)rest};
  CLS_CHECK(packet->words >= head, CLS_ERR_MPI, "packet of rank %d holds %zu words: expected at least %zu",
            route->rank, packet->words, head);
  in->received++;
  return CLS_OK;
}

/* A packet of every peer from which one is needed. Windows end where a second one would be needed of any. */
static cls_status await(void *instance, int64_t now) {
  exchange *x = instance;
  const double begun = cls_seconds();
  int n = 0;
  for (int p = 0; p < x->routes.n_in; p++)
    if (x->in[p].received < needed(&x->routes.in[p], now)) CLS_TRY(complete(x, p, &x->arrived[n++]));
  x->counts.wait_s += cls_seconds() - begun;
  if (n == 0) return CLS_OK;
  CLS_TRY(x->packer->unpack(x->packer_instance, now, x->arrived, n));
  /* The room for the next one is free: what lay there was read before unpack() returned. */
  for (int i = 0; i < n; i++) {
    const int p = x->arrived[i].in;
    CLS_CHECK(x->in[p].received >= needed(&x->routes.in[p], now), CLS_ERR_INTERNAL,
              "step %lld needs two packets of rank %d at once", (long long)now, x->routes.in[p].rank);
    CLS_TRY(post(x, p));
  }
  return CLS_OK;
}

static cls_status receive(void *instance, int member, int64_t now, const cls_arrival **arrivals, size_t *n) {
  exchange *x = instance;
  *n = 0;
  return x->own ? cls_host_packer_receive(x->own, member, now, arrivals, n) : CLS_OK;
}

/* Any call that asks for messages makes the library look after those that are under way. */
static void progress(void *instance) {
  exchange *x = instance;
  int here;
  if (x->routes.n_in > 0 || x->routes.n_out > 0)
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_REST, x->world.comm, &here, MPI_STATUS_IGNORE);
}

/* ---- what checkpoints hold of spikes ---- */

static cls_status share(void *instance, const uint32_t *of, const void *records, size_t n, size_t bytes,
                        uint32_t **slots, void **shared, size_t *n_shared) {
  const exchange *x = instance;
  return cls_share_forwards(&x->world, &x->routes, of, records, n, bytes, slots, shared, n_shared);
}

static cls_status give_back(void *instance, const uint32_t *of, const void *records, size_t n, size_t bytes,
                            uint32_t **locals, void **given, size_t *n_given) {
  const exchange *x = instance;
  return cls_share_backwards(&x->world, &x->routes, x->n_local, of, records, n, bytes, locals, given,
                             n_given);
}

/* ---- the end ---- */

/* Collective. All ranks have computed the same steps, so we know how many packets were sent to us: they are
 * taken, then the receive that waits for the next one is cancelled. Errors no longer matter here. */
static void settle(exchange *x) {
  for (int p = 0; p < x->routes.n_in; p++) {
    in_peer *in = &x->in[p];
    cls_packet_in packet;
    while (in->received < x->done / x->routes.in[p].interval && complete(x, p, &packet) == CLS_OK &&
           post(x, p) == CLS_OK)
      continue;
    if (in->request == MPI_REQUEST_NULL) continue;
    MPI_Cancel(&in->request);
    MPI_Wait(&in->request, MPI_STATUS_IGNORE);
  }
  for (int p = 0; p < x->routes.n_out; p++) MPI_Waitall(4, &x->out[p].request[0][0], MPI_STATUSES_IGNORE);
}

static void destroy(void *instance) {
  exchange *x = instance;
  if (!x) return;
  if (x->started) settle(x);
  cls_host_packer_destroy(x->own);
  free(x->in);
  free(x->out);
  free(x->packet);
  free(x->arrived);
  cls_routes_destroy(&x->routes);
  free(x);
}

static void report(void *instance, cls_exchange_report *report) {
  exchange *x = instance;
  *report = x->counts;
  x->packer->report(x->packer_instance, &report->pack_s, &report->memory);
  report->memory += x->routes.bytes;
}

const cls_exchange cls_exchange_mpi = {
    .name = "mpi",
    .create = create,
    .destroy = destroy,
    .routes = routes,
    .start = start,
    .wants_spikes = wants_spikes,
    .horizon = horizon,
    .send = send,
    .ship = ship,
    .await = await,
    .receive = receive,
    .share = share,
    .give_back = give_back,
    .progress = progress,
    .report = report,
};
