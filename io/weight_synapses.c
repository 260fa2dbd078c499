#include "io/weight_synapses.h"
#include "base/random.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const cls_projection *projection_of(const cls_weight_synapses *w, uint32_t k) {
  return &w->record->network->projections[w->weights->projection[k]];
}

/* ---- which synapses ---- */

/* Is a synapse in the sample? Drawn by what it is, not by where it lies; `twin`: how many equal ones come before it. */
static bool in_sample(cls_stream stream, const cls_plastic_synapse *s, uint64_t target, uint32_t twin,
                      double share) {
  const uint32_t delay_weight = (uint32_t)s->delay << 16 | (uint16_t)s->drawn;
  const uint32_t high = (uint32_t)(s->source >> 32) << 16 | (twin & 0xffff);
  return cls_unit(cls_draw(stream, (uint32_t)target, (uint32_t)s->source, delay_weight, high).w[0]) < share;
}

static bool alike(const cls_plastic_synapse *a, const cls_plastic_synapse *b) {
  return a->source == b->source && a->target == b->target && a->delay == b->delay && a->drawn == b->drawn;
}

/* Keeps those of a projection's synapses that are in the sample, in their order: their number. */
static size_t keep_sample(const cls_weight_synapses *w, uint32_t k, cls_plastic_synapse *list, size_t n) {
  const cls_projection *projection = projection_of(w, k);
  const uint64_t first = w->record->network->populations[projection->target].first;
  const cls_stream stream = cls_stream_make(w->record->network->seed, CLS_PURPOSE_SAMPLE, projection->key);
  uint32_t twin = 0;
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    twin = i > 0 && alike(&list[i - 1], &list[i]) ? twin + 1 : 0; /* what is overwritten lies before i - 1 */
    if (in_sample(stream, &list[i], list[i].target - first, twin, w->weights->sample)) list[kept++] = list[i];
  }
  return kept;
}

/* Adds the first `n` synapses of a list; the first list that has some becomes ours. */
static cls_status take(cls_weight_synapses *w, cls_plastic_synapse **list, size_t n) {
  const size_t all = w->n + n;
  if (w->n == 0) {
    free(w->list);
    w->list = *list;
    *list = NULL;
  }
  CLS_TRY(cls_resize(&w->list, all, sizeof *w->list, "recorded synapses"));
  if (*list) memcpy(w->list + w->n, *list, n * sizeof **list);
  w->n = all;
  return CLS_OK;
}

cls_status cls_weight_synapses_find(const cls_record *record, const cls_weights *weights,
                                    cls_weight_synapses *w) {
  *w = (cls_weight_synapses){.record = record, .weights = weights};
  CLS_TRY(cls_alloc(&w->first, (size_t)weights->n + 1, sizeof *w->first, "recording of weights"));
  const cls_plastic_lister *plastic = &record->plastic;
  for (uint32_t k = 0; k < weights->n; k++) {
    cls_plastic_synapse *list = NULL;
    size_t n = 0;
    cls_status status = plastic->list(plastic->self, weights->projection[k], &list, &n);
    if (status == CLS_OK) n = keep_sample(w, k, list, n);
    if (status == CLS_OK && n > 0) status = take(w, &list, n);
    free(list);
    CLS_TRY(status);
  }
  return CLS_OK;
}

/* ---- their columns ----
 * Blocks of targets belong to ranks whole: columns follow from the number of synapses of each (projection, block). */

typedef struct {
  size_t *at; /* [projections + 1] counts of each projection */
  uint64_t *count;
  cls_column_run *runs;
  size_t n_runs;
} census;

static uint32_t blocks_of(const cls_weight_synapses *w, uint32_t k, uint32_t *first) {
  const cls_placement *placement = w->record->placement;
  const uint32_t population = projection_of(w, k)->target;
  *first = placement->population_first[population];
  return placement->population_first[population + 1] - *first;
}

static cls_status count_here(const cls_weight_synapses *w, census *c) {
  const cls_network *network = w->record->network;
  uint32_t first, k = 0;
  CLS_TRY(cls_alloc(&c->at, (size_t)w->weights->n + 1, sizeof *c->at, "numbers of synapses"));
  for (uint32_t i = 0; i < w->weights->n; i++) c->at[i + 1] = c->at[i] + blocks_of(w, i, &first);
  CLS_CHECK(c->at[w->weights->n] <= INT_MAX, CLS_ERR_LIMIT,
            "record.weights: %s: %zu pairs of a projection and a block of targets: expected at most %d",
            w->weights->name, c->at[w->weights->n], INT_MAX);
  CLS_TRY(cls_alloc(&c->count, c->at[w->weights->n], sizeof *c->count, "numbers of synapses"));
  CLS_TRY(cls_alloc(&c->runs, c->at[w->weights->n], sizeof *c->runs, "numbers of synapses"));
  for (size_t i = 0; i < w->n; i++) {
    while (w->weights->projection[k] != w->list[i].projection) k++;
    const uint32_t population = projection_of(w, k)->target;
    const uint64_t index = w->list[i].target - network->populations[population].first;
    blocks_of(w, k, &first);
    c->count[c->at[k] + cls_placement_block_of(w->record->placement, population, index) - first]++;
  }
  return CLS_OK;
}

/* Counts of all ranks become columns; this rank's make its runs. */
static void number(cls_weight_synapses *w, census *c) {
  const cls_record *record = w->record;
  uint64_t column = 0;
  for (uint32_t k = 0; k < w->weights->n; k++) {
    uint32_t block;
    blocks_of(w, k, &block);
    w->first[k] = column;
    for (size_t i = c->at[k]; i < c->at[k + 1]; i++, block++) {
      cls_column_run *last = c->n_runs > 0 ? &c->runs[c->n_runs - 1] : NULL;
      const uint64_t n = c->count[i];
      if (n > 0 && record->placement->owner[block] == record->world.rank) {
        if (last && last->first + last->n == column)
          last->n += n;
        else
          c->runs[c->n_runs++] = (cls_column_run){column, n};
      }
      column += n;
    }
  }
  w->first[w->weights->n] = column;
}

cls_status cls_weight_synapses_place(cls_weight_synapses *w) {
  const cls_world *world = &w->record->world;
  census c = {0};
  cls_status status = cls_agree(world->comm, count_here(w, &c));
  if (status == CLS_OK) {
    MPI_Allreduce(MPI_IN_PLACE, c.count, (int)c.at[w->weights->n], MPI_UINT64_T, MPI_SUM, world->comm);
    number(w, &c);
    if (w->first[w->weights->n] == 0)
      status = cls_fail(
          CLS_ERR_INPUT,
          "record.weights: %s: no synapse of %u projections is in a sample of %g: expected at least one",
          w->weights->name, w->weights->n, w->weights->sample);
  }
  if (status == CLS_OK)
    status = cls_shares_create(world, w->first[w->weights->n], c.runs, c.n_runs, &w->shares);
  free(c.at);
  free(c.count);
  free(c.runs);
  return status;
}

/* ---- in the file ---- */

static const char *unit_of(const cls_weight_synapses *w, uint32_t k) {
  const cls_projection *projection = projection_of(w, k);
  return w->record->network->populations[projection->target].model->ports[projection->port].unit;
}

const char *cls_weight_synapses_unit(const cls_weight_synapses *w) {
  for (uint32_t k = 1; k < w->weights->n; k++)
    if (strcmp(unit_of(w, k), unit_of(w, 0)) != 0) return NULL;
  return unit_of(w, 0);
}

static cls_status build_projections(const cls_weight_synapses *w, hid_t file) {
  const hsize_t n = w->weights->n, fence = n + 1;
  const char **text = NULL;
  double *w_max = NULL;
  CLS_TRY(cls_alloc(&text, n, sizeof *text, "projections"));
  for (uint32_t k = 0; k < n; k++) text[k] = projection_of(w, k)->name;
  cls_status status = cls_h5_names(file, "/weights/projections/name", n, text);
  for (uint32_t k = 0; k < n; k++) text[k] = unit_of(w, k);
  if (status == CLS_OK) status = cls_h5_names(file, "/weights/projections/unit", n, text);
  free(text);
  if (status == CLS_OK) status = cls_alloc(&w_max, n, sizeof *w_max, "projections");
  for (uint32_t k = 0; k < n && status == CLS_OK; k++) w_max[k] = projection_of(w, k)->plasticity->stdp.w_max;
  if (status == CLS_OK)
    status = cls_h5_table(file, "/weights/projections/w_max", H5T_NATIVE_DOUBLE, 1, &n, w_max, NULL);
  free(w_max);
  CLS_TRY(status);
  CLS_TRY(cls_h5_table(file, "/weights/projections/number", H5T_NATIVE_UINT32, 1, &n, w->weights->projection,
                       NULL));
  return cls_h5_table(file, "/weights/projections/first", H5T_NATIVE_UINT64, 1, &fence, w->first, NULL);
}

cls_status cls_weight_synapses_build(const cls_weight_synapses *w, hid_t file) {
  const uint64_t n = w->shares.n;
  CLS_TRY(cls_h5_series_create(file, "/weights/initial", H5T_NATIVE_FLOAT, 1, NULL, n,
                               cls_weight_synapses_unit(w)));
  CLS_TRY(cls_h5_series_create(file, "/weights/source_id", H5T_NATIVE_UINT64, 1, NULL, n, NULL));
  CLS_TRY(cls_h5_series_create(file, "/weights/target_id", H5T_NATIVE_UINT64, 1, NULL, n, NULL));
  CLS_TRY(cls_h5_series_create(file, "/weights/delay_ms", H5T_NATIVE_FLOAT, 1, NULL, n, "ms"));
  CLS_TRY(cls_h5_series_create(file, "/weights/projection", H5T_NATIVE_UINT32, 1, NULL, n, NULL));
  CLS_TRY(cls_h5_attribute(file, "/weights", "sample", H5T_NATIVE_DOUBLE, 0, &w->weights->sample));
  return build_projections(w, file);
}

/* Fills a column of this rank's synapses; `cells` has room for 8 bytes each. */
typedef void (*fill_column)(const cls_weight_synapses *w, void *cells);

static void fill_source(const cls_weight_synapses *w, void *cells) {
  for (size_t i = 0; i < w->n; i++) ((uint64_t *)cells)[i] = w->list[i].source;
}
static void fill_target(const cls_weight_synapses *w, void *cells) {
  for (size_t i = 0; i < w->n; i++) ((uint64_t *)cells)[i] = w->list[i].target;
}
static void fill_delay(const cls_weight_synapses *w, void *cells) {
  for (size_t i = 0; i < w->n; i++)
    ((float *)cells)[i] = (float)(w->list[i].delay * w->record->network->dt_ms);
}
static void fill_projection(const cls_weight_synapses *w, void *cells) {
  uint32_t k = 0;
  for (size_t i = 0; i < w->n; i++) {
    while (w->weights->projection[k] != w->list[i].projection) k++;
    ((uint32_t *)cells)[i] = k;
  }
}
static float quantum_of(const cls_weight_synapses *w, const cls_projection *projection) {
  const cls_model *model = w->record->network->populations[projection->target].model;
  return w->record->network->quantum[projection->target][cls_model_port_receptor(model, projection->port)];
}

static void fill_initial(const cls_weight_synapses *w, void *cells) {
  const cls_network *network = w->record->network;
  for (size_t i = 0; i < w->n; i++)
    ((float *)cells)[i] =
        (float)w->list[i].drawn * quantum_of(w, &network->projections[w->list[i].projection]);
}

/* Collective. */
static cls_status write_column(const cls_weight_synapses *w, hid_t file, const char *path, hid_t type,
                               fill_column fill, void *mine, void *share) {
  cls_h5_series series;
  fill(w, mine);
  CLS_TRY(cls_shares_move(&w->shares, 1, H5Tget_size(type), mine, share));
  CLS_TRY(cls_h5_series_open(w->record->world.comm, file, path, type, &series));
  CLS_TRY(cls_h5_series_append(&series, w->shares.n, w->shares.first, w->shares.here, share));
  return cls_h5_series_close(&series);
}

static cls_status write_columns(const cls_weight_synapses *w, hid_t file, void *mine, void *share) {
  CLS_TRY(write_column(w, file, "/weights/source_id", H5T_NATIVE_UINT64, fill_source, mine, share));
  CLS_TRY(write_column(w, file, "/weights/target_id", H5T_NATIVE_UINT64, fill_target, mine, share));
  CLS_TRY(write_column(w, file, "/weights/delay_ms", H5T_NATIVE_FLOAT, fill_delay, mine, share));
  CLS_TRY(write_column(w, file, "/weights/projection", H5T_NATIVE_UINT32, fill_projection, mine, share));
  return write_column(w, file, "/weights/initial", H5T_NATIVE_FLOAT, fill_initial, mine, share);
}

cls_status cls_weight_synapses_write(const cls_weight_synapses *w, hid_t file) {
  uint64_t *mine = NULL, *share = NULL;
  cls_status status = cls_alloc(&mine, w->n, sizeof *mine, "synapses to write");
  if (status == CLS_OK) status = cls_alloc(&share, w->shares.here, sizeof *share, "synapses to write");
  status = cls_agree(w->record->world.comm, status);
  if (status == CLS_OK) status = write_columns(w, file, mine, share);
  free(mine);
  free(share);
  return status;
}

void cls_weight_synapses_destroy(cls_weight_synapses *w) {
  cls_shares_destroy(&w->shares);
  free(w->list);
  free(w->first);
  *w = (cls_weight_synapses){0};
}
