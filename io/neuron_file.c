#include "io/neuron_file.h"
#include "io/record_keep.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { MIN_INTERVALS = 4 };

/* Spikes of one neuron so far. Steps count from 1 after the warm-up; intervals add up to last - first. */
typedef struct {
  uint64_t squares; /* sum of squared intervals: below the square of the run's length, so below 2^64 */
  uint32_t count, first, last;
} tally;

/* What a neuron is reduced to on its way to the rank that writes it. */
typedef struct {
  uint64_t position; /* among all chosen neurons */
  uint32_t count;
  float variation;
} figures;

typedef struct {
  const cls_record *record;
  hid_t file;
  uint64_t n;           /* chosen neurons, on all ranks */
  uint64_t *position;   /* [chosen populations] of their first neurons */
  uint32_t n_here;      /* of this rank */
  uint32_t *slot_of_16; /* tally of local index i is slot_of_16[i / 16] + i % 16; UINT32_MAX: not chosen */
  tally *tallies;       /* [member][n_here], in order of ranges */
  uint64_t *first;      /* [ranks + 1] positions that each rank writes */
} neuron_file;

/* ---- counting ---- */

static cls_status number_neurons(neuron_file *f) {
  const cls_layout *layout = f->record->layout;
  const cls_chosen *chosen = &f->record->job->record.neurons;
  const size_t sixteens = (size_t)layout->n_local / 16 + 1;
  CLS_TRY(cls_alloc(&f->position, chosen->n, sizeof *f->position, "chosen populations"));
  for (uint32_t k = 0; k < chosen->n; k++) {
    f->position[k] = f->n;
    f->n += f->record->network->populations[chosen->population[k]].n;
  }
  CLS_TRY(cls_alloc(&f->slot_of_16, sixteens, sizeof *f->slot_of_16, "chosen neurons"));
  for (size_t i = 0; i < sixteens; i++) f->slot_of_16[i] = UINT32_MAX;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    if (!cls_chosen_has(chosen, range->population)) continue;
    for (uint32_t i = 0; i < range->n; i += 16) f->slot_of_16[(range->local + i) / 16] = f->n_here + i;
    f->n_here += range->n;
  }
  return cls_alloc(&f->tallies, (size_t)f->record->members * f->n_here, sizeof *f->tallies,
                   "spike counts of neurons");
}

static cls_status add(void *self, int member, const cls_spikes *spikes) {
  neuron_file *f = self;
  const int64_t warmup = f->record->warmup_step;
  tally *tallies = f->tallies + (size_t)member * f->n_here;
  for (int64_t step = spikes->begin < warmup ? warmup : spikes->begin; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin), now = (uint32_t)(step - warmup + 1);
    for (uint32_t i = first[0]; i < first[1]; i++) {
      const uint32_t local = spikes->neuron[i], slot = f->slot_of_16[local / 16];
      if (slot == UINT32_MAX) continue;
      tally *t = &tallies[slot + local % 16];
      const uint64_t interval = now - t->last;
      if (t->count == 0)
        t->first = now;
      else
        t->squares += interval * interval;
      t->last = now;
      t->count++;
    }
  }
  return CLS_OK;
}

static float variation(const tally *t) {
  if (t->count < MIN_INTERVALS + 1) return NAN;
  const double n = t->count - 1, sum = (double)(t->last - t->first);
  const double spread = n * (double)t->squares - sum * sum;
  return spread > 0 ? (float)(sqrt(spread) / sum) : 0;
}

/* ---- the file ---- */

/* "/neurons/LEAF", or "/neurons_memberK/LEAF". */
static const char *path_of(int member, const char *leaf, char *path, size_t size) {
  if (member == 0)
    snprintf(path, size, "/neurons/%s", leaf);
  else
    snprintf(path, size, "/neurons_member%d/%s", member, leaf);
  return path;
}

static cls_status build_member(const neuron_file *f, hid_t file, int member) {
  char p[64];
  CLS_TRY(cls_h5_series_create(file, path_of(member, "spike_count", p, sizeof p), H5T_NATIVE_UINT32, 1, NULL,
                               f->n, "1"));
  CLS_TRY(cls_h5_series_create(file, path_of(member, "rate_hz", p, sizeof p), H5T_NATIVE_FLOAT, 1, NULL, f->n,
                               "Hz"));
  CLS_TRY(cls_h5_series_create(file, path_of(member, "isi_cv", p, sizeof p), H5T_NATIVE_FLOAT, 1, NULL, f->n,
                               "1"));
  if (member == 0) return CLS_OK;
  CLS_TRY(cls_h5_link(file, "/neurons/node_ids", path_of(member, "node_ids", p, sizeof p)));
  return cls_h5_link(file, "/neurons/counted_ms", path_of(member, "counted_ms", p, sizeof p));
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const neuron_file *f = self;
  const double from = (double)record->warmup_step * record->network->dt_ms, counted[2] = {from, from};
  CLS_TRY(cls_h5_series_create(file, "/neurons/node_ids", H5T_NATIVE_UINT64, 1, NULL, f->n, NULL));
  CLS_TRY(cls_h5_table(file, "/neurons/counted_ms", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){2}, counted, "ms"));
  for (int m = 0; m < record->members; m++) CLS_TRY(build_member(f, file, m));
  return CLS_OK;
}

static cls_status open_file(void *self) {
  neuron_file *f = self;
  return cls_record_open(f->record, "neurons.h5", build, f, &f->file);
}

static cls_status close_file(void *self, bool whole) {
  neuron_file *f = self;
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- at the end: figures go to the rank that writes their place in the global order ---- */

typedef struct {
  int *send_n, *send_at, *receive_n, *receive_at; /* [ranks], one piece of memory */
  figures *sent, *received;
  uint64_t here;  /* neurons this rank writes, */
  uint64_t *node; /* and what it writes of them */
  uint32_t *count;
  float *rate, *variation;
} exchange;

static cls_status make_exchange(const neuron_file *f, exchange *x) {
  const size_t ranks = (size_t)f->record->world.ranks;
  x->here = f->first[f->record->world.rank + 1] - f->first[f->record->world.rank];
  CLS_CHECK(f->n_here <= INT_MAX && x->here <= INT_MAX, CLS_ERR_LIMIT,
            "record.neurons: %u neurons on a rank do not fit one message: expected at most %d", f->n_here,
            INT_MAX);
  CLS_TRY(cls_alloc(&x->send_n, 4 * ranks, sizeof *x->send_n, "counts of neurons"));
  x->send_at = x->send_n + ranks;
  x->receive_n = x->send_n + 2 * ranks;
  x->receive_at = x->send_n + 3 * ranks;
  CLS_TRY(cls_alloc(&x->sent, f->n_here, sizeof *x->sent, "figures of neurons"));
  CLS_TRY(cls_alloc(&x->received, x->here, sizeof *x->received, "figures of neurons"));
  CLS_TRY(cls_alloc(&x->node, x->here, sizeof *x->node, "figures of neurons"));
  CLS_TRY(cls_alloc(&x->count, x->here, sizeof *x->count, "figures of neurons"));
  CLS_TRY(cls_alloc(&x->rate, x->here, sizeof *x->rate, "figures of neurons"));
  return cls_alloc(&x->variation, x->here, sizeof *x->variation, "figures of neurons");
}

static void free_exchange(exchange *x) {
  free(x->send_n);
  free(x->sent);
  free(x->received);
  free(x->node);
  free(x->count);
  free(x->rate);
  free(x->variation);
}

/* Position of the first neuron of a range among the chosen ones. */
static uint64_t position_of(const neuron_file *f, const cls_range *range) {
  const cls_chosen *chosen = &f->record->job->record.neurons;
  uint32_t low = 0, high = chosen->n;
  while (low + 1 < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (chosen->population[middle] <= range->population)
      low = middle;
    else
      high = middle;
  }
  return f->position[low] + range->first;
}

/* The k-th of this rank's ranges in global order that holds chosen neurons, and the number of its first tally; NULL: not chosen. */
static const cls_range *chosen_range(const neuron_file *f, uint32_t k, uint32_t *slot) {
  const cls_layout *layout = f->record->layout;
  const cls_range *range = &layout->ranges[cls_layout_nth(layout, k)];
  if (!cls_chosen_has(&f->record->job->record.neurons, range->population)) return NULL;
  *slot = f->slot_of_16[range->local / 16];
  return range;
}

/* In global order, so figures come out sorted by position, and so by rank. */
static void fill(const neuron_file *f, int member, exchange *x) {
  const cls_layout *layout = f->record->layout;
  const int ranks = f->record->world.ranks;
  size_t n = 0;
  int to = 0;
  for (int r = 0; r < ranks; r++) x->send_n[r] = 0;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    uint32_t slot;
    const cls_range *range = chosen_range(f, r, &slot);
    if (!range) continue;
    const tally *t = f->tallies + (size_t)member * f->n_here + slot;
    const uint64_t first = position_of(f, range);
    for (uint32_t i = 0; i < range->n; i++, t++) {
      while (first + i >= f->first[to + 1]) to++;
      x->send_n[to]++;
      x->sent[n++] = (figures){first + i, t->count, variation(t)};
    }
  }
}

/* Collective. */
static void swap(const neuron_file *f, exchange *x) {
  const cls_world *world = &f->record->world;
  MPI_Datatype type;
  MPI_Alltoall(x->send_n, 1, MPI_INT, x->receive_n, 1, MPI_INT, world->comm);
  for (int r = 0; r < world->ranks; r++) {
    x->send_at[r] = r == 0 ? 0 : x->send_at[r - 1] + x->send_n[r - 1];
    x->receive_at[r] = r == 0 ? 0 : x->receive_at[r - 1] + x->receive_n[r - 1];
  }
  MPI_Type_contiguous((int)sizeof(figures), MPI_BYTE, &type);
  MPI_Type_commit(&type);
  MPI_Alltoallv(x->sent, x->send_n, x->send_at, type, x->received, x->receive_n, x->receive_at, type,
                world->comm);
  MPI_Type_free(&type);
}

static void place(const neuron_file *f, exchange *x) {
  const cls_record *record = f->record;
  const int64_t steps = record->reached - record->warmup_step;
  const double seconds = steps > 0 ? (double)steps * record->network->dt_ms * 1e-3 : NAN;
  for (uint64_t i = 0; i < x->here; i++) {
    const figures *from = &x->received[i];
    const uint64_t k = from->position - f->first[record->world.rank];
    x->count[k] = from->count;
    x->rate[k] = (float)(from->count / seconds);
    x->variation[k] = from->variation;
  }
}

static void number(const neuron_file *f, exchange *x) {
  const cls_chosen *chosen = &f->record->job->record.neurons;
  uint32_t k = 0;
  for (uint64_t i = 0; i < x->here; i++) {
    const uint64_t position = f->first[f->record->world.rank] + i;
    while (k + 1 < chosen->n && f->position[k + 1] <= position) k++;
    x->node[i] = f->record->network->populations[chosen->population[k]].first + position - f->position[k];
  }
}

/* Collective. Appends this rank's part of one dataset. */
static cls_status write(const neuron_file *f, const exchange *x, const char *path, hid_t type,
                        const void *values) {
  const cls_world *world = &f->record->world;
  cls_h5_series series;
  CLS_TRY(cls_h5_series_open(world->comm, f->file, path, type, &series));
  CLS_TRY(cls_h5_series_append(&series, f->n, f->first[world->rank], x->here, values));
  return cls_h5_series_close(&series);
}

static cls_status write_members(const neuron_file *f, exchange *x) {
  const cls_record *record = f->record;
  const double dt = record->network->dt_ms,
               counted[2] = {(double)record->warmup_step * dt, (double)record->reached * dt};
  CLS_TRY(
      cls_h5_table_update(record->world.comm, f->file, "/neurons/counted_ms", H5T_NATIVE_DOUBLE, counted));
  number(f, x);
  CLS_TRY(write(f, x, "/neurons/node_ids", H5T_NATIVE_UINT64, x->node));
  for (int m = 0; m < record->members; m++) {
    char p[64];
    fill(f, m, x);
    swap(f, x);
    place(f, x);
    CLS_TRY(write(f, x, path_of(m, "spike_count", p, sizeof p), H5T_NATIVE_UINT32, x->count));
    CLS_TRY(write(f, x, path_of(m, "rate_hz", p, sizeof p), H5T_NATIVE_FLOAT, x->rate));
    CLS_TRY(write(f, x, path_of(m, "isi_cv", p, sizeof p), H5T_NATIVE_FLOAT, x->variation));
  }
  return CLS_OK;
}

static cls_status finish(void *self) {
  neuron_file *f = self;
  exchange x = {0};
  cls_status status = cls_agree(f->record->world.comm, make_exchange(f, &x));
  if (status == CLS_OK) status = write_members(f, &x);
  free_exchange(&x);
  return status;
}

/* ---- what is known between two flushes ---- */

/* Of this rank's neurons in global order. */
typedef struct {
  cls_piece *squares, *rest; /* [members x ranges] pieces of two arrays */
  size_t n_pieces;
  uint64_t *square; /* [member][n_here] */
  uint32_t *number; /* [member][n_here][count, first, last] */
} in_order;

enum { REST = 3 };

static cls_status make_order(const neuron_file *f, in_order *o) {
  const size_t cells = (size_t)f->record->members * f->n_here,
               pieces = (size_t)f->record->members * f->record->layout->n_ranges;
  CLS_TRY(cls_alloc(&o->squares, pieces, sizeof *o->squares, "spike counts to keep"));
  CLS_TRY(cls_alloc(&o->rest, pieces, sizeof *o->rest, "spike counts to keep"));
  CLS_TRY(cls_alloc(&o->square, cells, sizeof *o->square, "spike counts to keep"));
  return cls_alloc(&o->number, cells * REST, sizeof *o->number, "spike counts to keep");
}

static void free_order(in_order *o) {
  free(o->squares);
  free(o->rest);
  free(o->square);
  free(o->number);
}

/* Copies the tallies there, or from there. */
static void move_tallies(const neuron_file *f, bool back, in_order *o) {
  size_t n = 0;
  o->n_pieces = 0;
  for (int m = 0; m < f->record->members; m++)
    for (uint32_t k = 0; k < f->record->layout->n_ranges; k++) {
      uint32_t slot;
      const cls_range *range = chosen_range(f, k, &slot);
      if (!range) continue;
      const uint64_t first = (uint64_t)m * f->n + position_of(f, range);
      o->squares[o->n_pieces] = (cls_piece){first, range->n, o->square + n};
      o->rest[o->n_pieces++] = (cls_piece){first, range->n, o->number + REST * n};
      tally *t = f->tallies + (size_t)m * f->n_here + slot;
      for (uint32_t i = 0; i < range->n; i++, t++, n++) {
        uint32_t *number = o->number + REST * n;
        if (back)
          *t = (tally){o->square[n], number[0], number[1], number[2]};
        else {
          o->square[n] = t->squares;
          number[0] = t->count, number[1] = t->first, number[2] = t->last;
        }
      }
    }
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  neuron_file *f = self;
  const uint64_t rows = (uint64_t)f->record->members * f->n;
  in_order o = {0};
  cls_status status = cls_agree(f->record->world.comm, make_order(f, &o));
  if (status == CLS_OK) move_tallies(f, false, &o);
  if (status == CLS_OK)
    status = keeper->array(keeper->self, "recorder/neurons/squares", CLS_KEEP_U64, rows, 1, NULL, o.squares,
                           o.n_pieces);
  if (status == CLS_OK)
    status = keeper->array(keeper->self, "recorder/neurons/count_first_last", CLS_KEEP_U32, rows, REST, NULL,
                           o.rest, o.n_pieces);
  if (status == CLS_OK && keeper->loading) move_tallies(f, true, &o);
  free_order(&o);
  return status;
}

/* ---- creation ---- */

static void free_file(void *self) {
  neuron_file *f = self;
  free(f->position);
  free(f->slot_of_16);
  free(f->tallies);
  free(f->first);
  free(f);
}

cls_status cls_neuron_file_create(const cls_record *record, cls_recording *recording) {
  neuron_file *f = NULL;
  CLS_CHECK(record->steps - record->warmup_step < UINT32_MAX, CLS_ERR_INPUT,
            "record.neurons: %lld steps after the warm-up: expected fewer than 2^32",
            (long long)(record->steps - record->warmup_step));
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "recording of neurons"));
  *recording = (cls_recording){.self = f,
                               .file = "neurons.h5",
                               .open = open_file,
                               .spikes = add,
                               .finish = finish,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->file = -1;
  CLS_TRY(number_neurons(f));
  CLS_TRY(cls_alloc(&f->first, (size_t)record->world.ranks + 1, sizeof *f->first, "recording of neurons"));
  cls_split_rows(record->world.ranks, f->n, 1, f->first);
  return CLS_OK;
}
