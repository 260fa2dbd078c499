/* Groups of neurons spread over ranks: sums at their owners. */
#include "io/record_groups.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct cls_group_peer_ {
  int rank;
  uint32_t first, n; /* sends: slots; receives: entries of `received` */
} peer;

/* A pair (rank, group), packed so that it sorts by rank and then by group. */
static uint64_t pair_of(int32_t rank, uint32_t group) { return (uint64_t)(uint32_t)rank << 32 | group; }

static size_t sort_unique(uint64_t *keys, uint64_t *scratch, size_t n) {
  cls_sort_u64(keys, scratch, n);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (kept == 0 || keys[kept - 1] != keys[i]) keys[kept++] = keys[i];
  return kept;
}

static cls_status find_owners(const cls_record *record, const uint32_t *group_of, uint32_t n, cls_groups *g) {
  const cls_placement *placement = record->placement;
  CLS_TRY(cls_alloc(&g->owner, n, sizeof *g->owner, "owners of groups"));
  CLS_TRY(cls_alloc(&g->size, n, sizeof *g->size, "sizes of groups"));
  for (uint32_t p = 0; p < record->network->n_populations; p++) {
    uint32_t group = group_of[p];
    if (group == CLS_NO_SLOT) continue;
    uint32_t block = placement->population_first[p];
    if (g->size[group] == 0 && block < placement->population_first[p + 1])
      g->owner[group] = placement->owner[block];
    g->size[group] += record->network->populations[p].n;
  }
  return cls_columns_create(&record->world, g->owner, n, &g->columns);
}

/* Where `group` stands among the owned ones (which ascend). */
static uint32_t owned_position(const cls_groups *g, uint32_t group) {
  uint32_t low = 0, high = g->columns.n_owned;
  while (low + 1 < high) {
    uint32_t middle = low + (high - low) / 2;
    if (g->columns.owned[middle] <= group)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* Cuts sorted pairs into runs of one rank each. */
static cls_status make_peers(const uint64_t *pairs, size_t n, peer **peers, uint32_t *n_peers) {
  *n_peers = 0;
  for (size_t i = 0; i < n; i++)
    if (i == 0 || pairs[i] >> 32 != pairs[i - 1] >> 32) (*n_peers)++;
  CLS_TRY(cls_alloc(peers, *n_peers, sizeof **peers, "ranks that share groups"));
  uint32_t k = 0;
  for (size_t i = 0; i < n; i++) {
    if (i > 0 && pairs[i] >> 32 == pairs[i - 1] >> 32) {
      (*peers)[k - 1].n++;
      continue;
    }
    (*peers)[k++] = (peer){.rank = (int)(pairs[i] >> 32), .first = (uint32_t)i, .n = 1};
  }
  return CLS_OK;
}

/* Slots: groups with neurons on this rank, in order (owner, group), so that a message is a run of slots. */
static cls_status find_slots(const cls_record *record, const uint32_t *group_of, cls_groups *g,
                             uint64_t *pairs, uint64_t *scratch) {
  const cls_layout *layout = record->layout;
  size_t n = 0;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    uint32_t group = group_of[layout->ranges[r].population];
    if (group != CLS_NO_SLOT) pairs[n++] = pair_of(g->owner[group], group);
  }
  g->n_slots = (uint32_t)sort_unique(pairs, scratch, n);
  CLS_TRY(make_peers(pairs, g->n_slots, &g->sends, &g->n_sends));
  CLS_TRY(cls_alloc(&g->slot_of_range, layout->n_ranges, sizeof *g->slot_of_range, "slots of ranges"));
  CLS_TRY(cls_alloc(&g->slot_of_16, (size_t)layout->n_local / 16 + 1, sizeof *g->slot_of_16, "slots"));
  for (size_t i = 0; i <= layout->n_local / 16; i++) g->slot_of_16[i] = CLS_NO_SLOT;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    uint32_t group = group_of[range->population];
    g->slot_of_range[r] = CLS_NO_SLOT;
    if (group == CLS_NO_SLOT) continue;
    uint64_t key = pair_of(g->owner[group], group);
    size_t low = 0, high = g->n_slots;
    while (low + 1 < high) {
      size_t middle = low + (high - low) / 2;
      if (pairs[middle] <= key)
        low = middle;
      else
        high = middle;
    }
    g->slot_of_range[r] = (uint32_t)low;
    for (uint32_t i = range->local / 16; i < (range->local + range->n + 15) / 16; i++)
      g->slot_of_16[i] = (uint32_t)low;
  }
  return CLS_OK;
}

/* Which ranks have neurons of the groups owned here: everyone knows the placement, so nobody need ask. */
static cls_status find_contributors(const cls_record *record, const uint32_t *group_of, cls_groups *g,
                                    uint64_t *pairs, uint64_t *scratch) {
  const cls_placement *placement = record->placement;
  size_t n = 0;
  for (uint32_t b = 0; b < placement->n_blocks; b++) {
    uint32_t group = group_of[placement->blocks[b].population];
    if (group != CLS_NO_SLOT && g->owner[group] == g->columns.rank)
      pairs[n++] = pair_of(placement->owner[b], group);
  }
  n = sort_unique(pairs, scratch, n);
  CLS_TRY(make_peers(pairs, n, &g->receives, &g->n_receives));
  CLS_TRY(cls_alloc(&g->received, n, sizeof *g->received, "owned groups of other ranks"));
  for (size_t i = 0; i < n; i++) g->received[i] = owned_position(g, (uint32_t)pairs[i]);
  return CLS_OK;
}

cls_status cls_groups_create(const cls_record *record, const uint32_t *group_of, uint32_t n_groups,
                             cls_groups *groups) {
  *groups = (cls_groups){0};
  CLS_TRY(find_owners(record, group_of, n_groups, groups));
  size_t most = record->placement->n_blocks;
  if (most < record->layout->n_ranges) most = record->layout->n_ranges;
  uint64_t *pairs = NULL, *scratch = NULL;
  cls_status status = cls_alloc(&pairs, most, sizeof *pairs, "pairs of ranks and groups");
  if (status == CLS_OK) status = cls_alloc(&scratch, most, sizeof *scratch, "pairs of ranks and groups");
  if (status == CLS_OK) status = find_slots(record, group_of, groups, pairs, scratch);
  if (status == CLS_OK) status = find_contributors(record, group_of, groups, pairs, scratch);
  free(pairs);
  free(scratch);
  return status;
}

void cls_groups_destroy(cls_groups *groups) {
  cls_columns_destroy(&groups->columns);
  free(groups->owner);
  free(groups->size);
  free(groups->slot_of_range);
  free(groups->slot_of_16);
  free(groups->sends);
  free(groups->receives);
  free(groups->received);
  *groups = (cls_groups){0};
}

bool cls_groups_are_own(const cls_groups *g) {
  for (uint32_t i = 0; i < g->n_sends; i++)
    if (g->sends[i].rank != g->columns.rank) return false;
  for (uint32_t i = 0; i < g->n_receives; i++)
    if (g->receives[i].rank != g->columns.rank) return false;
  return g->n_slots == g->columns.n_owned;
}

/* ---- sums at the owners ---- */

/* Copies columns [first, first + n) of `rows` rows of `columns` columns into one piece. */
static void gather_columns(const int64_t *from, uint64_t rows, size_t columns, size_t first, size_t n,
                           int64_t *to) {
  for (uint64_t r = 0; r < rows; r++) memcpy(to + r * n, from + r * columns + first, n * sizeof *to);
}

static void add_columns(const cls_groups *g, const peer *from, uint64_t rows, uint32_t width,
                        const int64_t *piece, int64_t *owned) {
  for (uint64_t r = 0; r < rows; r++)
    for (uint32_t k = 0; k < from->n; k++)
      for (uint32_t w = 0; w < width; w++)
        owned[(r * g->columns.n_owned + g->received[from->first + k]) * width + w] +=
            piece[(r * from->n + k) * width + w];
}

typedef struct {
  int64_t *out, *in;
  MPI_Request *requests;
} sum_buffers;

static cls_status make_buffers(const cls_groups *g, uint64_t rows, uint32_t width, sum_buffers *buffers) {
  size_t out = 0, in = 0;
  for (uint32_t i = 0; i < g->n_sends; i++) out += g->sends[i].n;
  for (uint32_t i = 0; i < g->n_receives; i++) in += g->receives[i].n;
  CLS_CHECK((out > in ? out : in) * rows * width <= INT_MAX, CLS_ERR_LIMIT,
            "recorded counts between two flushes: %zu groups x %llu rows x %u do not fit one message; lower "
            "record.flush_ms",
            out, (unsigned long long)rows, width);
  CLS_TRY(cls_alloc(&buffers->out, out * rows * width, sizeof *buffers->out, "counts to send"));
  CLS_TRY(cls_alloc(&buffers->in, in * rows * width, sizeof *buffers->in, "counts to receive"));
  return cls_alloc(&buffers->requests, (size_t)g->n_sends + g->n_receives, sizeof *buffers->requests,
                   "requests");
}

static void exchange_sums(const cls_groups *g, uint64_t rows, uint32_t width, const int64_t *local,
                          int64_t *owned, sum_buffers *b) {
  enum { TAG = 1201 };
  const size_t row = (size_t)rows * width;
  int n = 0;
  memset(owned, 0, row * g->columns.n_owned * sizeof *owned);
  for (uint32_t i = 0; i < g->n_receives; i++) {
    const peer *p = &g->receives[i];
    if (p->rank != g->columns.rank)
      MPI_Irecv(b->in + row * p->first, (int)(row * p->n), MPI_INT64_T, p->rank, TAG, g->columns.comm,
                &b->requests[n++]);
  }
  for (uint32_t i = 0; i < g->n_sends; i++) {
    const peer *p = &g->sends[i];
    int64_t *piece = b->out + row * p->first;
    gather_columns(local, rows, (size_t)g->n_slots * width, (size_t)p->first * width, (size_t)p->n * width,
                   piece);
    if (p->rank != g->columns.rank)
      MPI_Isend(piece, (int)(row * p->n), MPI_INT64_T, p->rank, TAG, g->columns.comm, &b->requests[n++]);
  }
  MPI_Waitall(n, b->requests, MPI_STATUSES_IGNORE);
  for (uint32_t i = 0; i < g->n_receives; i++) {
    const peer *p = &g->receives[i];
    const int64_t *piece = b->in + row * p->first;
    for (uint32_t k = 0; p->rank == g->columns.rank && k < g->n_sends; k++)
      if (g->sends[k].rank == g->columns.rank) piece = b->out + row * g->sends[k].first;
    add_columns(g, p, rows, width, piece, owned);
  }
}

cls_status cls_groups_sum(const cls_groups *groups, uint64_t rows, uint32_t width, const int64_t *local,
                          int64_t *owned) {
  sum_buffers buffers = {0};
  cls_status status = cls_agree(groups->columns.comm, make_buffers(groups, rows, width, &buffers));
  if (status == CLS_OK) exchange_sums(groups, rows, width, local, owned, &buffers);
  free(buffers.out);
  free(buffers.in);
  free(buffers.requests);
  return status;
}

void cls_groups_settle(const cls_groups *groups, uint64_t rows, uint32_t width, const int64_t *owned,
                       int64_t *local) {
  const cls_columns *columns = &groups->columns;
  memset(local, 0, rows * groups->n_slots * width * sizeof *local);
  for (uint32_t i = 0; i < groups->n_sends; i++) {
    const peer *self = &groups->sends[i];
    if (self->rank != columns->rank) continue;
    uint32_t slot =
        self->first; /* slots of the groups owned here, in their order; a group without neurons has none */
    for (uint32_t k = 0; k < columns->n_owned; k++) {
      if (groups->size[columns->owned[k]] == 0) continue;
      for (uint64_t r = 0; r < rows; r++)
        memcpy(local + (r * groups->n_slots + slot) * width, owned + (r * columns->n_owned + k) * width,
               width * sizeof *local);
      slot++;
    }
  }
}
