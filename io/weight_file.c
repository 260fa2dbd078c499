#include "io/weight_file.h"
#include "io/weight_synapses.h"
#include <stdlib.h>
#include <string.h>

/* Rows of one member that wait for the next flush. */
typedef struct {
  float *row;         /* [n][owned synapses] */
  size_t n, capacity; /* rows, numbers */
  cls_h5_series data;
} member_weights;

typedef struct {
  const cls_record *record;
  const cls_weights *weights;
  char *name; /* of the file */
  hid_t file;
  int64_t interval; /* steps */
  cls_weight_synapses synapses;
  int64_t written; /* rows: the position */
  float *whole;    /* rows of this rank's share */
  size_t whole_capacity;
  member_weights *members;
  cls_h5_series time;
} weight_file;

static cls_status prepare(void *self) {
  weight_file *f = self;
  return cls_weight_synapses_place(&f->synapses);
}

/* ---- the file ---- */

/* "/weights/LEAF", or "/weights_memberK/LEAF". */
static const char *path_of(int member, const char *leaf, char *path, size_t size) {
  if (member == 0)
    snprintf(path, size, "/weights/%s", leaf);
  else
    snprintf(path, size, "/weights_member%d/%s", member, leaf);
  return path;
}

/* Rows when all steps before `step` are computed. */
static int64_t rows_at(const weight_file *f, int64_t step) {
  return step / f->interval + (step == f->record->steps && step % f->interval > 0);
}

static cls_status build_member(const weight_file *f, hid_t file, int member) {
  static const char *const shared[] = {"time_ms",  "initial",    "source_id",  "target_id",
                                       "delay_ms", "projection", "projections"};
  const hsize_t n = f->synapses.shares.n;
  char p[64], to[64];
  CLS_TRY(cls_h5_series_create(file, path_of(member, "data", p, sizeof p), H5T_NATIVE_FLOAT, 2, &n,
                               (uint64_t)rows_at(f, f->record->steps),
                               cls_weight_synapses_unit(&f->synapses)));
  for (size_t i = 0; member > 0 && i < sizeof shared / sizeof *shared; i++)
    CLS_TRY(cls_h5_link(file, path_of(0, shared[i], p, sizeof p), path_of(member, shared[i], to, sizeof to)));
  return CLS_OK;
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const weight_file *f = self;
  const uint64_t rows = (uint64_t)rows_at(f, record->steps);
  CLS_TRY(cls_weight_synapses_build(&f->synapses, file));
  CLS_TRY(cls_h5_series_create(file, "/weights/time_ms", H5T_NATIVE_DOUBLE, 1, NULL, rows, "ms"));
  for (int m = 0; m < record->members; m++) CLS_TRY(build_member(f, file, m));
  return CLS_OK;
}

static cls_status open_file(void *self) {
  weight_file *f = self;
  const MPI_Comm comm = f->record->world.comm;
  char p[64];
  CLS_TRY(cls_record_open(f->record, f->name, build, f, &f->file));
  CLS_TRY(cls_h5_series_open(comm, f->file, "/weights/time_ms", H5T_NATIVE_DOUBLE, &f->time));
  for (int m = 0; m < f->record->members; m++)
    CLS_TRY(cls_h5_series_open(comm, f->file, path_of(m, "data", p, sizeof p), H5T_NATIVE_FLOAT,
                               &f->members[m].data));
  if (f->record->continued) return CLS_OK;
  CLS_TRY(cls_weight_synapses_write(&f->synapses, f->file));
  return cls_h5_flush(f->file);
}

static cls_status close_file(void *self, bool whole) {
  weight_file *f = self;
  for (int m = 0; m < f->record->members; m++) CLS_TRY(cls_h5_series_close(&f->members[m].data));
  CLS_TRY(cls_h5_series_close(&f->time));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- rows ---- */

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  weight_file *f = self;
  member_weights *m = &f->members[member];
  CLS_CHECK(rows_at(f, step + 1) == f->written + (int64_t)m->n + 1, CLS_ERR_INTERNAL,
            "weights %s: the row of step %lld is not the next one", f->weights->name, (long long)step);
  const size_t numbers = (m->n + 1) * f->synapses.n + 1; /* one more: memory even where there is no synapse */
  CLS_TRY(cls_grow(&m->row, &m->capacity, numbers, sizeof *m->row, "weights to write"));
  return cls_view_weights(view, f->synapses.list, f->synapses.n, m->row + m->n++ * f->synapses.n);
}

static cls_status write_rows(weight_file *f, member_weights *m, size_t rows) {
  const size_t cells = rows * f->synapses.shares.here;
  CLS_TRY(cls_agree(f->record->world.comm,
                    cls_grow(&f->whole, &f->whole_capacity, cells, sizeof *f->whole, "weights to write")));
  CLS_TRY(cls_shares_move(&f->synapses.shares, rows, sizeof *f->whole, m->row, f->whole));
  CLS_TRY(cls_h5_columns_append(&m->data, rows, f->synapses.shares.first, f->synapses.shares.here, f->whole));
  m->n -= rows;
  memmove(m->row, m->row + rows * f->synapses.n, m->n * f->synapses.n * sizeof *m->row);
  return CLS_OK;
}

/* Rank 0 writes them. */
static cls_status write_times(weight_file *f, size_t rows) {
  const bool mine = f->record->world.rank == 0;
  double *times = NULL;
  CLS_TRY(cls_agree(f->record->world.comm, cls_alloc(&times, rows, sizeof *times, "times of weights")));
  for (size_t i = 0; i < rows; i++) {
    const int64_t step = (f->written + (int64_t)i + 1) * f->interval;
    times[i] = (double)(step < f->record->steps ? step : f->record->steps) * f->record->network->dt_ms;
  }
  cls_status status = cls_h5_series_append(&f->time, rows, 0, mine ? rows : 0, times);
  free(times);
  return status;
}

static cls_status flush(void *self, int64_t step) {
  weight_file *f = self;
  const int64_t complete = rows_at(f, step) - f->written;
  const size_t rows = complete > 0 ? (size_t)complete : 0;
  for (int m = 0; m < f->record->members && rows > 0; m++) CLS_TRY(write_rows(f, &f->members[m], rows));
  if (rows > 0) CLS_TRY(write_times(f, rows));
  f->written += (int64_t)rows;
  return cls_record_sync(f->record, f->file);
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  weight_file *f = self;
  if (keeper->loading) f->written = rows_at(f, f->record->reached);
  return CLS_OK;
}

/* ---- creation ---- */

static void free_file(void *self) {
  weight_file *f = self;
  for (int m = 0; f->members && m < f->record->members; m++) free(f->members[m].row);
  free(f->members);
  cls_weight_synapses_destroy(&f->synapses);
  free(f->whole);
  free(f->name);
  free(f);
}

cls_status cls_weight_file_create(const cls_record *record, const cls_weights *weights,
                                  cls_recording *recording) {
  enum { COPIES = 3 }; /* waiting, packed, whole */
  const size_t members = (size_t)record->members;
  weight_file *f = NULL;
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "recording of weights"));
  *recording = (cls_recording){.self = f,
                               .at_end = true,
                               .prepare = prepare,
                               .open = open_file,
                               .look = look,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->weights = weights;
  f->file = -1;
  f->time.dataset = -1;
  CLS_TRY(cls_alloc(&f->members, members, sizeof *f->members, "recording of weights"));
  for (size_t m = 0; m < members; m++) f->members[m].data.dataset = -1;
  f->name = cls_format("weights_%s.h5", weights->name);
  CLS_CHECK(f->name, CLS_ERR_MEMORY, "out of memory for the name of a recording");
  recording->file = f->name;
  CLS_TRY(cls_record_steps(record, "record.weights: interval_ms", weights->interval_ms, 1, &f->interval));
  CLS_TRY(cls_weight_synapses_find(record, weights, &f->synapses));
  recording->interval = f->interval;
  recording->waiting_bytes =
      (double)f->synapses.n * record->members * COPIES * sizeof(float) / (double)f->interval;
  return CLS_OK;
}
