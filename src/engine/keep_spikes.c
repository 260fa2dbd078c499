/* Recent spikes: all that is in flight follows from them. */
#include "engine/keep.h"
#include <stdlib.h>
#include <string.h>

uint32_t cls_keep_window(const cls_network *network) {
  return network->plastic_window > network->max_delay ? network->plastic_window : network->max_delay;
}

static int by_step(const void *a, const void *b) {
  const cls_fired *x = a, *y = b;
  if (x->step != y->step) return x->step < y->step ? -1 : 1;
  return (x->of > y->of) - (x->of < y->of);
}

void cls_fired_by_step(cls_fired *spikes, size_t n) {
  if (n > 0) qsort(spikes, n, sizeof *spikes, by_step);
}

/* ---- own neurons ---- */

/* Those collected in the course of the run, which are in order of time: by local index, and by time still for each. Every spike is
 * moved once (sorting a million by comparisons took longer than writing the checkpoint). */
static cls_status list_own(cls_engine *e, int member, cls_fired **own, size_t *n) {
  cls_arrival *arrivals = NULL;
  size_t *next = NULL; /* [local indices + 1] where the next spike of each goes */
  CLS_TRY(cls_recent_arrivals(&e->own[member], e->now, cls_keep_window(e->network), &arrivals, n));
  cls_status status = cls_alloc(own, *n, sizeof **own, "recent spikes");
  if (status == CLS_OK) status = cls_alloc(&next, e->layout->n_local + 1ul, sizeof *next, "recent spikes");
  for (size_t i = 0; status == CLS_OK && i < *n; i++) next[arrivals[i].slot + 1]++;
  for (uint32_t k = 0; status == CLS_OK && k < e->layout->n_local; k++) next[k + 1] += next[k];
  for (size_t i = 0; status == CLS_OK && i < *n; i++)
    (*own)[next[arrivals[i].slot]++] = (cls_fired){arrivals[i].slot, e->now - arrivals[i].age};
  free(next);
  free(arrivals);
  return status;
}

static cls_status count_own(const cls_engine *e, const cls_fired *own, size_t n, uint64_t ***count) {
  const cls_layout *layout = e->layout;
  CLS_TRY(cls_alloc(count, layout->n_ranges, sizeof **count, "recent spikes"));
  for (uint32_t r = 0; r < layout->n_ranges; r++)
    CLS_TRY(cls_alloc(&(*count)[r], cls_units(layout->ranges[r].n), sizeof ***count, "recent spikes"));
  for (size_t i = 0; i < n; i++) {
    const uint32_t r = cls_layout_range_of(layout, own[i].of);
    (*count)[r][(own[i].of - layout->ranges[r].local) / CLS_UNIT]++;
  }
  return CLS_OK;
}

static void free_count(const cls_engine *e, uint64_t **count) {
  for (uint32_t r = 0; count && r < e->layout->n_ranges; r++) free(count[r]);
  free(count);
}

/* First spike of a local index or beyond. */
static size_t find(const cls_fired *own, size_t n, uint32_t local) {
  size_t low = 0, high = n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (own[middle].of < local)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The rows of this rank as columns: which neuron of its unit, and how many steps ago. The unit is that of the row. */
typedef struct {
  uint8_t *index;
  uint32_t *age;
  size_t n;
} columns;

static cls_status make_columns(columns *c, size_t n) {
  c->n = n;
  CLS_TRY(cls_alloc(&c->index, n, sizeof *c->index, "recent spikes"));
  return cls_alloc(&c->age, n, sizeof *c->age, "recent spikes");
}

/* Collective. The rows of a range lie together. */
static cls_status keep_columns(cls_engine *e, const cls_keeper *keeper, int member,
                               const cls_rows_index *index, columns *c) {
  cls_pieces indices = {0}, ages = {0};
  size_t at = 0;
  cls_status status = CLS_OK;
  for (uint32_t k = 0; k < e->layout->n_ranges && status == CLS_OK; k++) {
    const uint32_t r = cls_layout_nth(e->layout, k);
    const uint64_t first = cls_rows_first(index, r), n = cls_rows_of(e, index, r);
    status = cls_pieces_add(&indices, first, n, c->index + at);
    if (status == CLS_OK) status = cls_pieces_add(&ages, first, n, c->age + at);
    at += n;
  }
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK)
    status = cls_keep_pieces(e, keeper, cls_keep_name_of(member, "recent_spikes/index").text, CLS_KEEP_U8,
                             index->rows, 1, NULL, &indices);
  if (status == CLS_OK)
    status = cls_keep_pieces(e, keeper, cls_keep_name_of(member, "recent_spikes/age").text, CLS_KEEP_U32,
                             index->rows, 1, "dt", &ages);
  free(indices.at);
  free(ages.at);
  return status;
}

static cls_status save_own(cls_engine *e, const cls_keeper *keeper, int member, const cls_fired *own,
                           size_t n) {
  cls_rows_index index = {0};
  uint64_t **count = NULL;
  columns c = {0};
  cls_status status = count_own(e, own, n, &count);
  if (status == CLS_OK) status = make_columns(&c, n);
  size_t at = 0;
  for (uint32_t k = 0; k < e->layout->n_ranges && status == CLS_OK; k++) {
    const cls_range *range = &e->layout->ranges[cls_layout_nth(e->layout, k)];
    for (size_t i = find(own, n, range->local); i < n && own[i].of < range->local + range->n; i++, at++) {
      c.index[at] = (uint8_t)((own[i].of - range->local) % CLS_UNIT);
      c.age[at] = (uint32_t)(e->now - own[i].step);
    }
  }
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK) status = cls_rows_index_make(e, NULL, count, &index);
  if (status == CLS_OK)
    status = cls_rows_index_save(e, keeper, cls_keep_name_of(member, "recent_spikes").text, &index);
  if (status == CLS_OK) status = keep_columns(e, keeper, member, &index, &c);
  cls_rows_index_free(e, &index);
  free_count(e, count);
  free(c.index);
  free(c.age);
  return status;
}

/* Local indices of what was read. */
static cls_status place(const cls_engine *e, const cls_rows_index *index, const columns *c, cls_fired *own) {
  size_t at = 0;
  for (uint32_t k = 0; k < e->layout->n_ranges; k++) {
    const uint32_t r = cls_layout_nth(e->layout, k);
    const cls_range *range = &e->layout->ranges[r];
    for (uint32_t u = 0; u < cls_units(range->n); u++)
      for (uint64_t row = index->span[r][u][0]; row < index->span[r][u][1]; row++, at++) {
        const uint32_t of = u * CLS_UNIT + c->index[at];
        CLS_CHECK(at < c->n && c->index[at] < CLS_UNIT && of < range->n && c->age[at] >= 1, CLS_ERR_INPUT,
                  "a checkpoint's recent spikes: neuron %u of %u, %u steps ago", of, range->n, c->age[at]);
        own[at] = (cls_fired){range->local + of, e->now - (int64_t)c->age[at]};
      }
  }
  return CLS_OK;
}

static cls_status load_own(cls_engine *e, const cls_keeper *keeper, int member, cls_fired **own, size_t *n) {
  cls_rows_index index = {0};
  columns c = {0};
  CLS_TRY(cls_rows_index_load(e, keeper, cls_keep_name_of(member, "recent_spikes").text, NULL, &index));
  index.rows = keeper->rows(keeper->self, cls_keep_name_of(member, "recent_spikes/age").text);
  size_t rows = 0;
  for (uint32_t r = 0; r < e->layout->n_ranges; r++) rows += cls_rows_of(e, &index, r);
  cls_status status = cls_agree(e->world.comm, make_columns(&c, rows));
  if (status == CLS_OK) status = keep_columns(e, keeper, member, &index, &c);
  if (status == CLS_OK) {
    status = cls_alloc(own, rows, sizeof **own, "recent spikes");
    if (status == CLS_OK) status = place(e, &index, &c, *own);
    status = cls_agree(e->world.comm, status);
  }
  *n = rows;
  cls_rows_index_free(e, &index);
  free(c.index);
  free(c.age);
  return status;
}

cls_status cls_keep_own_spikes(cls_engine *e, const cls_keeper *keeper, int member, cls_fired **own,
                               size_t *n) {
  *own = NULL;
  *n = 0;
  if (keeper->loading) return load_own(e, keeper, member, own, n);
  CLS_TRY(cls_agree(e->world.comm, list_own(e, member, own, n)));
  return save_own(e, keeper, member, *own, *n);
}

/* ---- sources, which may be neurons of other ranks ---- */

static cls_status tell_others(cls_engine *e, const cls_fired *own, size_t n, uint32_t **slots,
                              int64_t **steps, size_t *n_told) {
  uint32_t *of = NULL;
  int64_t *step = NULL;
  void *told = NULL;
  cls_status status = cls_alloc(&of, n, sizeof *of, "recent spikes");
  if (status == CLS_OK) status = cls_alloc(&step, n, sizeof *step, "recent spikes");
  for (size_t i = 0; i < n && status == CLS_OK; i++) {
    of[i] = own[i].of;
    step[i] = own[i].step;
  }
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK)
    status = e->exchange->share(e->exchange_instance, of, step, n, sizeof *step, slots, &told, n_told);
  *steps = told;
  free(of);
  free(step);
  return status;
}

cls_status cls_keep_heard(cls_engine *e, const cls_fired *own, size_t n_own, cls_fired **heard, size_t *n) {
  uint32_t *slots = NULL;
  int64_t *steps = NULL;
  size_t told = 0;
  *heard = NULL;
  *n = 0;
  cls_status status = tell_others(e, own, n_own, &slots, &steps, &told);
  if (status == CLS_OK)
    status = cls_agree(e->world.comm, cls_alloc(heard, n_own + told, sizeof **heard, "recent spikes"));
  for (size_t i = 0; i < told && status == CLS_OK; i++) (*heard)[(*n)++] = (cls_fired){slots[i], steps[i]};
  for (size_t i = 0; i < n_own && status == CLS_OK; i++)
    if (e->local_slot[own[i].of] != UINT32_MAX)
      (*heard)[(*n)++] = (cls_fired){e->local_slot[own[i].of], own[i].step};
  cls_fired_by_step(*heard, status == CLS_OK ? *n : 0);
  free(slots);
  free(steps);
  return status;
}
