#include "io/edges_file.h"
#include "io/hdf5_column.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
  PIECE = 1 << 16,        /* rows read at a time */
  LEAST_GRANULE = 4096,   /* rows whose least and greatest target are known; at least so many */
  MOST_GRANULES = 8192,   /* of a list: what a rank keeps of it does not grow */
  WINDOW = 1 << 24,       /* targets whose synapses are counted at a time */
  MOST_INDEGREE = 1 << 24 /* sums of 32 bits leave 128 steps for a weight */
};

typedef struct {
  cls_edge_table table; /* first: a table is its file */
  cls_edges_limits limits;
  hid_t file;
  char *name;
  cls_h5_column source, target, weight, delay;
  bool sorted;
  uint32_t granules, granule; /* number of them; rows of each */
  uint32_t (*span)[2];        /* least and greatest target of each */
} edges_file;

/* The rows of one piece. */
typedef struct {
  int64_t *source, *target;
  double *weight, *delay;
} piece;

static void free_piece(piece *p) {
  free(p->source);
  free(p->target);
  free(p->weight);
  free(p->delay);
}

static cls_status make_piece(const edges_file *f, uint64_t rows, piece *p) {
  *p = (piece){0};
  cls_status status = cls_alloc(&p->source, rows, sizeof *p->source, "piece of a list of synapses");
  if (status == CLS_OK)
    status = cls_alloc(&p->target, rows, sizeof *p->target, "piece of a list of synapses");
  if (status == CLS_OK && f->weight.name)
    status = cls_alloc(&p->weight, 2 * rows, sizeof *p->weight, "piece of a list of synapses");
  if (status == CLS_OK && f->delay.name)
    status = cls_alloc(&p->delay, rows, sizeof *p->delay, "piece of a list of synapses");
  if (status != CLS_OK) free_piece(p);
  return status;
}

/* All columns but the targets. */
static cls_status read_rest(const edges_file *f, uint64_t first, uint64_t n, piece *p) {
  CLS_TRY(cls_h5_column_integers(&f->source, first, n, p->source));
  if (f->weight.name) CLS_TRY(cls_h5_column_numbers(&f->weight, first, n, p->weight));
  if (f->delay.name) CLS_TRY(cls_h5_column_numbers(&f->delay, first, n, p->delay));
  return CLS_OK;
}

/* ---- reading a range of targets ---- */

/* Hands rows [from, to) of a piece that starts at row `first` of the list to the sink, where their targets
 * are asked for. `at`: row of the piece at which the columns other than the targets begin. */
static cls_status emit(const edges_file *f, const piece *p, uint64_t first, uint64_t at, uint64_t to,
                       int64_t low, int64_t high, cls_edge_sink sink, void *context) {
  cls_edge batch[CLS_EDGE_BATCH];
  int n = 0;
  for (uint64_t i = at; i < to; i++) {
    if (p->target[i] < low || p->target[i] > high) continue;
    uint64_t k = i - at;
    CLS_CHECK(p->source[k] >= 0 && (uint64_t)p->source[k] < f->limits.sources, CLS_ERR_IO,
              "%s: row %llu: has changed since it was read first", f->source.name,
              (unsigned long long)(first + i));
    cls_edge *edge = &batch[n++];
    *edge =
        (cls_edge){.number = first + i, .source = (uint32_t)p->source[k], .target = (uint32_t)p->target[i]};
    for (int r = 0; r < f->table.weights; r++)
      edge->weight[r] = p->weight[k * (uint64_t)f->table.weights + (uint64_t)r];
    if (p->delay) edge->delay_ms = p->delay[k];
    if (n < CLS_EDGE_BATCH) continue;
    CLS_TRY(sink(context, batch, n));
    n = 0;
  }
  return n > 0 ? sink(context, batch, n) : CLS_OK;
}

static cls_status read_piece(const edges_file *f, uint64_t first, uint64_t n, int64_t low, int64_t high,
                             piece *p, cls_edge_sink sink, void *context) {
  CLS_TRY(cls_h5_column_integers(&f->target, first, n, p->target));
  uint64_t at = 0, to = n;
  while (at < n && (p->target[at] < low || p->target[at] > high)) at++;
  while (to > at && (p->target[to - 1] < low || p->target[to - 1] > high)) to--;
  if (at == to) return CLS_OK;
  CLS_TRY(read_rest(f, first + at, to - at, p));
  return emit(f, p, first, at, to, low, high, sink, context);
}

static cls_status read_range(void *self, uint64_t first, uint64_t n, cls_edge_sink sink, void *context) {
  const edges_file *f = self;
  if (n == 0 || f->table.n == 0) return CLS_OK;
  int64_t low = (int64_t)first, high = (int64_t)(first + n - 1);
  uint64_t rows = f->granule < PIECE ? f->granule : PIECE;
  piece p;
  CLS_TRY(make_piece(f, rows, &p));
  cls_status status = CLS_OK;
  for (uint32_t g = 0; g < f->granules && status == CLS_OK; g++) {
    if ((int64_t)f->span[g][1] < low || (int64_t)f->span[g][0] > high) continue;
    uint64_t begin = (uint64_t)g * f->granule, end = begin + f->granule;
    if (end > f->table.n) end = f->table.n;
    for (uint64_t at = begin; at < end && status == CLS_OK; at += rows)
      status = read_piece(f, at, end - at < rows ? end - at : rows, low, high, &p, sink, context);
  }
  free_piece(&p);
  return status;
}

/* ---- opening ---- */

static void destroy(void *self) {
  edges_file *f = self;
  cls_h5_column_close(&f->source);
  cls_h5_column_close(&f->target);
  cls_h5_column_close(&f->weight);
  cls_h5_column_close(&f->delay);
  cls_h5_close_input(f->file);
  free(f->span);
  free(f->name);
  free(f);
}

static cls_status open_column(edges_file *f, const char *path, const char *group, const char *dataset,
                              bool needed, bool integers, int most_width, cls_h5_column *column) {
  bool root = strcmp(group, "/") == 0;
  char *name = cls_format("%s%s/%s", group[0] == '/' ? "" : "/", root ? "" : group, dataset);
  CLS_CHECK(name, CLS_ERR_MEMORY, "%s: no memory for the name of a dataset", path);
  cls_status status = CLS_OK;
  if (needed || cls_h5_has(f->file, name))
    status = cls_h5_column_open(f->file, path, name, integers, most_width, column);
  free(name);
  return status;
}

static cls_status check_length(const edges_file *f, const cls_h5_column *column) {
  CLS_CHECK(!column->name || column->n == f->target.n, CLS_ERR_INPUT,
            "%s: %llu rows: expected %llu, as many as target_id has", column->name,
            (unsigned long long)column->n, (unsigned long long)f->target.n);
  return CLS_OK;
}

static cls_status open_all(edges_file *f, const char *path, const char *group) {
  CLS_TRY(cls_h5_open_input(path, &f->file));
  CLS_CHECK(strcmp(group, "/") == 0 || cls_h5_has(f->file, group), CLS_ERR_INPUT,
            "%s: %s: there is no such group", path, group);
  int receptors = f->limits.port->receptors;
  CLS_TRY(open_column(f, path, group, "target_id", true, true, 1, &f->target));
  CLS_TRY(cls_h5_column_check_stored(&f->target));
  CLS_TRY(open_column(f, path, group, "source_id", true, true, 1, &f->source));
  CLS_TRY(open_column(f, path, group, "weight", false, false, receptors, &f->weight));
  CLS_TRY(open_column(f, path, group, "delay_ms", false, false, 1, &f->delay));
  CLS_TRY(check_length(f, &f->source));
  CLS_TRY(check_length(f, &f->weight));
  CLS_TRY(check_length(f, &f->delay));
  f->table.n = f->target.n;
  f->table.weights = f->weight.name ? f->weight.width : 0;
  f->table.delays = f->delay.name != NULL;
  f->granule = LEAST_GRANULE;
  while ((f->table.n + f->granule - 1) / f->granule > MOST_GRANULES) {
    CLS_CHECK(f->granule <= UINT32_MAX / 2, CLS_ERR_LIMIT, "%s: %llu synapses: expected at most 2^44",
              f->name, (unsigned long long)f->table.n);
    f->granule *= 2;
  }
  f->granules = (uint32_t)((f->table.n + f->granule - 1) / f->granule);
  CLS_TRY(cls_alloc(&f->span, f->granules, sizeof *f->span, "index of a list of synapses"));
  f->table.bytes = sizeof *f + f->granules * sizeof *f->span;
  return CLS_OK;
}

cls_status cls_edges_file_open(const char *path, const char *group, const cls_edges_limits *limits,
                               cls_edge_table **table) {
  edges_file *f;
  *table = NULL;
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "list of synapses"));
  f->file = -1;
  f->limits = *limits;
  f->name = cls_format("%s: %s", path, group);
  if (!f->name) {
    free(f);
    return cls_fail(CLS_ERR_MEMORY, "%s: no memory for the name of a list", path);
  }
  f->table = (cls_edge_table){.self = f, .name = f->name, .read = read_range, .destroy = destroy};
  *table = &f->table;
  return open_all(f, path, group);
}

/* ---- the scan ---- */

typedef struct {
  edges_file *f;
  piece p;
  uint32_t *count; /* per target of the window */
  int64_t last;    /* target of the row before, -1: none */
  uint64_t run;    /* rows with that target in a row */
  XXH3_state_t *hash[4];
} scan;

static cls_status check_id(const cls_h5_column *column, uint64_t row, int64_t id, uint64_t n,
                           const char *population) {
  CLS_CHECK(id >= 0 && (uint64_t)id < n, CLS_ERR_INPUT,
            "%s: row %llu: %lld: expected 0 ... %llu, a neuron of '%s'", column->name,
            (unsigned long long)row, (long long)id, (unsigned long long)(n - 1), population);
  return CLS_OK;
}

static cls_status check_weight(edges_file *f, uint64_t row, int r, double weight) {
  const cls_port_info *port = f->limits.port;
  bool may_be_negative = port->signed_weights && port->receptors == 1;
  CLS_CHECK(fabs(weight) <= 1e300 && (weight >= 0 || may_be_negative), CLS_ERR_INPUT,
            "%s: row %llu: %g: expected a finite number%s%s", f->weight.name, (unsigned long long)row, weight,
            may_be_negative ? "" : " of at least 0, as receptors take of port ",
            may_be_negative ? "" : port->name);
  if (weight < f->table.min_weight[r]) f->table.min_weight[r] = weight;
  if (weight > f->table.max_weight[r]) f->table.max_weight[r] = weight;
  return CLS_OK;
}

static cls_status check_delay(edges_file *f, uint64_t row, double delay) {
  double dt = f->limits.dt_ms, steps = rint(delay / dt);
  CLS_CHECK(delay >= dt * (1 - 1e-9) && steps <= CLS_MAX_DELAY, CLS_ERR_INPUT,
            "%s: row %llu: %g ms: expected at least one step of %g ms and at most %d steps", f->delay.name,
            (unsigned long long)row, delay, dt, CLS_MAX_DELAY);
  if (delay < f->table.min_delay_ms) f->table.min_delay_ms = delay;
  if (delay > f->table.max_delay_ms) f->table.max_delay_ms = delay;
  return CLS_OK;
}

static void count_target(scan *s, uint64_t row, int64_t target) {
  edges_file *f = s->f;
  uint32_t t = (uint32_t)target, *span = f->span[row / f->granule];
  if (row % f->granule == 0) span[0] = span[1] = t;
  if (t < span[0]) span[0] = t;
  if (t > span[1]) span[1] = t;
  if (target < s->last) f->sorted = false;
  s->run = target == s->last ? s->run + 1 : 1;
  if (s->run > f->table.max_indegree) f->table.max_indegree = s->run; /* the in-degree, if sorted */
  s->last = target;
  if (t < WINDOW && s->count[t] < UINT32_MAX) s->count[t]++;
}

static cls_status scan_piece(scan *s, uint64_t first, uint64_t n) {
  edges_file *f = s->f;
  const piece *p = &s->p;
  CLS_TRY(cls_h5_column_integers(&f->target, first, n, p->target));
  CLS_TRY(read_rest(f, first, n, &s->p));
  for (uint64_t i = 0; i < n; i++) {
    uint64_t row = first + i;
    CLS_TRY(check_id(&f->source, row, p->source[i], f->limits.sources, f->limits.source_name));
    CLS_TRY(check_id(&f->target, row, p->target[i], f->limits.targets, f->limits.target_name));
    for (int r = 0; r < f->table.weights; r++)
      CLS_TRY(check_weight(f, row, r, p->weight[i * (uint64_t)f->table.weights + (uint64_t)r]));
    if (p->delay) CLS_TRY(check_delay(f, row, p->delay[i]));
    count_target(s, row, p->target[i]);
  }
  XXH3_64bits_update(s->hash[0], p->source, n * sizeof *p->source);
  XXH3_64bits_update(s->hash[1], p->target, n * sizeof *p->target);
  if (p->weight) XXH3_64bits_update(s->hash[2], p->weight, n * (size_t)f->table.weights * sizeof *p->weight);
  if (p->delay) XXH3_64bits_update(s->hash[3], p->delay, n * sizeof *p->delay);
  return CLS_OK;
}

/* The greatest in-degree of targets that were not counted during the scan: lists that are not sorted, onto
 * populations of more than a window. */
static cls_status count_windows(scan *s) {
  edges_file *f = s->f;
  for (uint64_t window = WINDOW; window < f->limits.targets; window += WINDOW) {
    memset(s->count, 0, WINDOW * sizeof *s->count);
    for (uint64_t first = 0; first < f->table.n; first += PIECE) {
      uint64_t n = f->table.n - first < PIECE ? f->table.n - first : PIECE;
      CLS_TRY(cls_h5_column_integers(&f->target, first, n, s->p.target));
      for (uint64_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)s->p.target[i] - window;
        if (at < WINDOW && s->count[at] < UINT32_MAX) s->count[at]++;
      }
    }
    for (uint32_t t = 0; t < WINDOW; t++)
      if (s->count[t] > f->table.max_indegree) f->table.max_indegree = s->count[t];
  }
  return CLS_OK;
}

static cls_status finish_scan(scan *s, uint64_t counted) {
  edges_file *f = s->f;
  if (!f->sorted) {
    f->table.max_indegree = 0;
    for (uint64_t t = 0; t < counted; t++)
      if (s->count[t] > f->table.max_indegree) f->table.max_indegree = s->count[t];
    CLS_TRY(count_windows(s));
  }
  CLS_CHECK(f->table.max_indegree < MOST_INDEGREE, CLS_ERR_INPUT,
            "%s: %llu synapses onto one neuron: expected at most %d", f->target.name,
            (unsigned long long)f->table.max_indegree, MOST_INDEGREE - 1);
  f->table.checksum = cls_mix64(f->table.n);
  for (int k = 0; k < 4; k++)
    f->table.checksum = cls_mix64(f->table.checksum ^ XXH3_64bits_digest(s->hash[k]));
  return CLS_OK;
}

static cls_status scan_all(scan *s) {
  edges_file *f = s->f;
  uint64_t counted = f->limits.targets < WINDOW ? f->limits.targets : WINDOW;
  CLS_TRY(make_piece(f, PIECE, &s->p));
  CLS_TRY(cls_alloc(&s->count, counted, sizeof *s->count, "numbers of synapses per target"));
  for (int k = 0; k < 4; k++) {
    s->hash[k] = XXH3_createState();
    CLS_CHECK(s->hash[k], CLS_ERR_MEMORY, "%s: no memory for a checksum", f->name);
    XXH3_64bits_reset(s->hash[k]);
  }
  for (uint64_t first = 0; first < f->table.n; first += PIECE)
    CLS_TRY(scan_piece(s, first, f->table.n - first < PIECE ? f->table.n - first : PIECE));
  return finish_scan(s, counted);
}

cls_status cls_edges_file_scan(cls_edge_table *table) {
  edges_file *f = table->self;
  scan s = {.f = f, .last = -1};
  bool any = table->n > 0;
  for (int r = 0; r < 2; r++) {
    table->min_weight[r] = any && table->weights > r ? INFINITY : 0;
    table->max_weight[r] = any && table->weights > r ? -INFINITY : 0;
  }
  table->min_delay_ms = any && table->delays ? INFINITY : 0;
  f->sorted = true;
  cls_status status = scan_all(&s);
  if (!any && table->delays) table->min_delay_ms = table->max_delay_ms = f->limits.dt_ms;
  free_piece(&s.p);
  free(s.count);
  for (int k = 0; k < 4; k++) XXH3_freeState(s.hash[k]);
  return status;
}

bool cls_edges_file_is_sorted(const cls_edge_table *table) {
  return ((const edges_file *)table->self)->sorted;
}

/* ---- on all ranks ---- */

cls_status cls_edges_file_share(const cls_world *world, cls_edge_table *table) {
  edges_file *f = table->self;
  struct {
    uint64_t n, max_indegree, checksum;
    double weight[4], delay[2];
    int32_t weights, delays, sorted;
  } own = {table->n,
           table->max_indegree,
           table->checksum,
           {table->min_weight[0], table->min_weight[1], table->max_weight[0], table->max_weight[1]},
           {table->min_delay_ms, table->max_delay_ms},
           table->weights,
           table->delays,
           f->sorted},
    all = own;
  CLS_CHECK(MPI_Bcast(&all, sizeof all, MPI_BYTE, 0, world->comm) == MPI_SUCCESS, CLS_ERR_MPI,
            "%s: broadcast failed", table->name);
  cls_status status = CLS_OK;
  if (all.n != own.n || all.weights != own.weights || all.delays != own.delays)
    status = cls_fail(CLS_ERR_IO, "%s: is not the same file on all ranks", table->name);
  CLS_TRY(cls_agree(world->comm, status));
  table->max_indegree = all.max_indegree;
  table->checksum = all.checksum;
  for (int r = 0; r < 2; r++) {
    table->min_weight[r] = all.weight[r];
    table->max_weight[r] = all.weight[2 + r];
  }
  table->min_delay_ms = all.delay[0];
  table->max_delay_ms = all.delay[1];
  f->sorted = all.sorted;
  CLS_CHECK(MPI_Bcast(f->span, (int)(f->granules * sizeof *f->span), MPI_BYTE, 0, world->comm) == MPI_SUCCESS,
            CLS_ERR_MPI, "%s: broadcast failed", table->name);
  return CLS_OK;
}
