#include "exchange/share.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_COUNT = 211, TAG_RECORDS = 212 };

/* One end of a transfer: a rank, and what goes there or comes from there. An item is a position in the list of neurons that
 * both ranks have (32 bits), and a record. */
typedef struct {
  int rank;
  uint64_t n;
  char *items;
} end_point;

typedef struct {
  const cls_world *world;
  size_t bytes, item; /* of a record, and of an item */
  end_point *to, *from;
  int n_to, n_from;
  MPI_Request *request;
} transfer;

static void end_transfer(transfer *t) {
  for (int p = 0; t->to && p < t->n_to; p++) free(t->to[p].items);
  for (int p = 0; t->from && p < t->n_from; p++) free(t->from[p].items);
  free(t->to);
  free(t->from);
  free(t->request);
}

static cls_status begin_transfer(const cls_world *world, size_t bytes, int n_to, int n_from, transfer *t) {
  *t = (transfer){
      .world = world, .bytes = bytes, .item = bytes + sizeof(uint32_t), .n_to = n_to, .n_from = n_from};
  CLS_TRY(cls_alloc(&t->to, (size_t)n_to, sizeof *t->to, "records to send"));
  CLS_TRY(cls_alloc(&t->from, (size_t)n_from, sizeof *t->from, "records to receive"));
  return cls_alloc(&t->request, (size_t)(n_to + n_from), sizeof(MPI_Request), "requests");
}

/* Room for what is sent; n of each end was counted, and is counted anew when items are put. */
static cls_status make_room(transfer *t) {
  for (int p = 0; p < t->n_to; p++) {
    CLS_CHECK(t->to[p].n <= INT_MAX, CLS_ERR_LIMIT, "%llu records for rank %d: the limit is %d",
              (unsigned long long)t->to[p].n, t->to[p].rank, INT_MAX);
    CLS_TRY(cls_alloc(&t->to[p].items, t->to[p].n, t->item, "records to send"));
    t->to[p].n = 0;
  }
  return CLS_OK;
}

static void put(transfer *t, int p, uint32_t position, const void *record) {
  char *item = t->to[p].items + t->to[p].n++ * t->item;
  memcpy(item, &position, sizeof position);
  memcpy(item + sizeof position, record, t->bytes);
}

static void exchange_counts(transfer *t) {
  int n = 0;
  for (int p = 0; p < t->n_from; p++)
    MPI_Irecv(&t->from[p].n, 1, MPI_UINT64_T, t->from[p].rank, TAG_COUNT, t->world->comm, &t->request[n++]);
  for (int p = 0; p < t->n_to; p++)
    MPI_Isend(&t->to[p].n, 1, MPI_UINT64_T, t->to[p].rank, TAG_COUNT, t->world->comm, &t->request[n++]);
  MPI_Waitall(n, t->request, MPI_STATUSES_IGNORE);
}

static cls_status prepare_receive(transfer *t) {
  for (int p = 0; p < t->n_from; p++)
    CLS_TRY(cls_alloc(&t->from[p].items, t->from[p].n, t->item, "records to receive"));
  return CLS_OK;
}

static void exchange_items(transfer *t) {
  MPI_Datatype type;
  int n = 0;
  MPI_Type_contiguous((int)t->item, MPI_BYTE, &type);
  MPI_Type_commit(&type);
  for (int p = 0; p < t->n_from; p++)
    MPI_Irecv(t->from[p].items, (int)t->from[p].n, type, t->from[p].rank, TAG_RECORDS, t->world->comm,
              &t->request[n++]);
  for (int p = 0; p < t->n_to; p++)
    MPI_Isend(t->to[p].items, (int)t->to[p].n, type, t->to[p].rank, TAG_RECORDS, t->world->comm,
              &t->request[n++]);
  MPI_Waitall(n, t->request, MPI_STATUSES_IGNORE);
  MPI_Type_free(&type);
}

/* Collective. `status`: whether this rank is ready to send. */
static cls_status run(transfer *t, cls_status status) {
  CLS_TRY(cls_agree(t->world->comm, status));
  exchange_counts(t);
  CLS_TRY(cls_agree(t->world->comm, prepare_receive(t)));
  exchange_items(t);
  return CLS_OK;
}

/* Everything that came, in one list: number_of[p][position] of each. */
static cls_status collect(const transfer *t, uint32_t *const *number_of, const uint32_t *n_numbers,
                          uint32_t **numbers, void **records, size_t *n) {
  size_t total = 0;
  for (int p = 0; p < t->n_from; p++) total += t->from[p].n;
  CLS_TRY(cls_alloc(numbers, total, sizeof **numbers, "records"));
  CLS_TRY(cls_alloc(records, total, t->bytes, "records"));
  for (int p = 0; p < t->n_from; p++)
    for (uint64_t i = 0; i < t->from[p].n; i++) {
      const char *item = t->from[p].items + i * t->item;
      uint32_t position;
      memcpy(&position, item, sizeof position);
      CLS_CHECK(position < n_numbers[p], CLS_ERR_MPI, "rank %d tells of its neuron %u of %u", t->from[p].rank,
                position, n_numbers[p]);
      (*numbers)[*n] = number_of[p][position];
      memcpy((char *)*records + *n * t->bytes, item + sizeof position, t->bytes);
      ++*n;
    }
  return CLS_OK;
}

/* ---- from owners to those who listen ---- */

static cls_status fill_forwards(transfer *t, const cls_routes *routes, const uint32_t *of,
                                const void *records, size_t n) {
  for (int p = 0; p < t->n_to; p++) t->to[p].rank = routes->out[p].rank;
  for (int p = 0; p < t->n_from; p++) t->from[p].rank = routes->in[p].rank;
  for (size_t i = 0; i < n; i++)
    for (uint64_t e = routes->first[of[i]]; e < routes->first[of[i] + 1]; e++)
      t->to[routes->entry[e].out].n++;
  CLS_TRY(make_room(t));
  for (size_t i = 0; i < n; i++)
    for (uint64_t e = routes->first[of[i]]; e < routes->first[of[i] + 1]; e++)
      put(t, (int)routes->entry[e].out, routes->entry[e].position, (const char *)records + i * t->bytes);
  return CLS_OK;
}

static cls_status collect_forwards(const transfer *t, const cls_routes *routes, uint32_t **slots,
                                   void **shared, size_t *n) {
  uint32_t **slot = NULL, *length = NULL;
  cls_status status = cls_alloc(&slot, (size_t)routes->n_in, sizeof *slot, "records");
  if (status == CLS_OK) status = cls_alloc(&length, (size_t)routes->n_in, sizeof *length, "records");
  for (int p = 0; p < routes->n_in && status == CLS_OK; p++) {
    slot[p] = routes->in[p].slot;
    length[p] = routes->in[p].n;
  }
  if (status == CLS_OK) status = collect(t, slot, length, slots, shared, n);
  free(slot);
  free(length);
  return status;
}

cls_status cls_share_forwards(const cls_world *world, const cls_routes *routes, const uint32_t *of,
                              const void *records, size_t n, size_t bytes, uint32_t **slots, void **shared,
                              size_t *n_shared) {
  transfer t;
  *slots = NULL;
  *shared = NULL;
  *n_shared = 0;
  cls_status status = begin_transfer(world, bytes, routes->n_out, routes->n_in, &t);
  if (status == CLS_OK) status = fill_forwards(&t, routes, of, records, n);
  status = run(&t, status);
  if (status == CLS_OK) status = collect_forwards(&t, routes, slots, shared, n_shared);
  end_transfer(&t);
  return cls_agree(world->comm, status);
}

/* ---- and back ---- */

/* A source that lies elsewhere: number of the incoming route + 1, and its position there. */
typedef struct {
  uint32_t route, position;
} origin;

static cls_status find_origins(const cls_routes *routes, origin **origins, uint32_t *n) {
  *n = 0;
  for (int p = 0; p < routes->n_in; p++)
    for (uint32_t i = 0; i < routes->in[p].n; i++)
      if (routes->in[p].slot[i] >= *n) *n = routes->in[p].slot[i] + 1;
  CLS_TRY(cls_alloc(origins, *n, sizeof **origins, "where sources lie"));
  for (int p = 0; p < routes->n_in; p++)
    for (uint32_t i = 0; i < routes->in[p].n; i++)
      (*origins)[routes->in[p].slot[i]] = (origin){(uint32_t)p + 1, i};
  return CLS_OK;
}

static cls_status fill_backwards(transfer *t, const cls_routes *routes, const uint32_t *of,
                                 const void *records, size_t n) {
  origin *origins = NULL;
  uint32_t n_slots = 0;
  for (int p = 0; p < t->n_to; p++) t->to[p].rank = routes->in[p].rank;
  for (int p = 0; p < t->n_from; p++) t->from[p].rank = routes->out[p].rank;
  CLS_TRY(find_origins(routes, &origins, &n_slots));
  for (size_t i = 0; i < n; i++)
    if (of[i] < n_slots && origins[of[i]].route > 0) t->to[origins[of[i]].route - 1].n++;
  const cls_status status = make_room(t);
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    if (of[i] < n_slots && origins[of[i]].route > 0)
      put(t, (int)origins[of[i]].route - 1, origins[of[i]].position, (const char *)records + i * t->bytes);
  free(origins);
  return status;
}

static cls_status collect_backwards(const transfer *t, const cls_routes *routes, uint32_t n_local,
                                    uint32_t **locals, void **given, size_t *n) {
  uint32_t **local = NULL, *length = NULL;
  cls_status status = cls_alloc(&local, (size_t)routes->n_out, sizeof *local, "records");
  if (status == CLS_OK) status = cls_alloc(&length, (size_t)routes->n_out, sizeof *length, "records");
  for (int p = 0; p < routes->n_out && status == CLS_OK; p++) {
    length[p] = routes->out[p].n;
    status = cls_alloc(&local[p], length[p], sizeof **local, "records");
  }
  for (uint32_t i = 0; i < n_local && status == CLS_OK && routes->n_out > 0; i++)
    for (uint64_t e = routes->first[i]; e < routes->first[i + 1]; e++)
      local[routes->entry[e].out][routes->entry[e].position] = i;
  if (status == CLS_OK) status = collect(t, local, length, locals, given, n);
  for (int p = 0; local && p < routes->n_out; p++) free(local[p]);
  free(local);
  free(length);
  return status;
}

cls_status cls_share_backwards(const cls_world *world, const cls_routes *routes, uint32_t n_local,
                               const uint32_t *of, const void *records, size_t n, size_t bytes,
                               uint32_t **locals, void **given, size_t *n_given) {
  transfer t;
  *locals = NULL;
  *given = NULL;
  *n_given = 0;
  cls_status status = begin_transfer(world, bytes, routes->n_in, routes->n_out, &t);
  if (status == CLS_OK) status = fill_backwards(&t, routes, of, records, n);
  status = run(&t, status);
  if (status == CLS_OK) status = collect_backwards(&t, routes, n_local, locals, given, n_given);
  end_transfer(&t);
  return cls_agree(world->comm, status);
}
