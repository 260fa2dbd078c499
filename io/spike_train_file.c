#include "io/spike_train_file.h"
#include "io/spike_train_reader.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  cls_spike_train_options options; /* with strings of its own */
} source;

/* Whether the file begins with nothing but text: HDF5 begins with a byte above 127. A file that is not there
 * is left to the reader of HDF5 to complain about. */
static bool looks_like_text(const char *path) {
  char start[256];
  FILE *file = fopen(path, "r");
  if (!file) return false;
  size_t n = fread(start, 1, sizeof start, file);
  fclose(file);
  for (size_t i = 0; i < n; i++)
    if ((start[i] & 0x80) || (start[i] < ' ' && !strchr("\t\r\n", start[i])) || start[i] == 0) return false;
  return n > 0;
}

/* Step of a time that is not negative. */
static uint64_t step_of(double t, double dt) {
  double step = ceil(t / dt - 1e-6) - 1;
  return step < 0 ? 0 : step < 0x1p62 ? (uint64_t)step : UINT64_MAX;
}

typedef struct {
  double time[CLS_TRAIN_CHUNK], last;
  int64_t node[CLS_TRAIN_CHUNK];
  uint64_t step[CLS_TRAIN_CHUNK], neuron[CLS_TRAIN_CHUNK];
  uint64_t first; /* number of the chunk's first spike in the file */
} buffers;

/* Spike i of the chunk; spikes are numbered from 1 in messages. */
static cls_status check_spike(const cls_train_reader *r, const buffers *b, int i) {
  unsigned long long number = (unsigned long long)b->first + (unsigned long long)i + 1;
  double before = i > 0 ? b->time[i - 1] : b->last;
  CLS_CHECK(isfinite(b->time[i]) && b->time[i] >= 0, CLS_ERR_INPUT,
            "%s: spike %llu is at %.10g ms: expected a time of at least 0 ms", r->path, number, b->time[i]);
  CLS_CHECK(
      !r->by_time || b->time[i] >= before, CLS_ERR_INPUT,
      "%s: spike %llu is at %.10g ms after one at %.10g ms, but the file says sorting = by_time: expected "
      "times that ascend",
      r->path, number, b->time[i], before);
  CLS_CHECK(b->node[i] >= 0, CLS_ERR_INPUT,
            "%s: spike %llu is of no node: expected a whole number of at least 0", r->path, number);
  return CLS_OK;
}

/* Chooses from a chunk the spikes of the population that are within the run. Where `limit` is not 0, nodes
 * that drive none of so many neurons are refused. */
static cls_status choose(const source *from, const cls_train_reader *r, uint64_t limit, buffers *b, int n,
                         int *kept) {
  const cls_spike_train_options *o = &from->options;
  *kept = 0;
  for (int i = 0; i < n; i++) {
    CLS_TRY(check_spike(r, b, i));
    uint64_t node = (uint64_t)b->node[i], step = step_of(b->time[i], o->dt_ms);
    bool ours = node >= r->first && node - r->first < r->count;
    if (!ours && r->count < UINT64_MAX) continue; /* of other populations of the file */
    if (limit && !o->ignore_outside)
      CLS_CHECK(
          ours && node - r->first < limit, CLS_ERR_INPUT,
          "%s: spike %llu is of node %llu: expected %llu ... %llu, one for each neuron (node_first: the "
          "node of neuron 0; outside: ignore leaves others out)",
          o->path, (unsigned long long)b->first + (unsigned long long)i + 1, (unsigned long long)node,
          (unsigned long long)r->first, (unsigned long long)(r->first + limit - 1));
    if (!ours || step >= o->steps) continue;
    b->step[*kept] = step;
    b->neuron[(*kept)++] = node - r->first;
  }
  return CLS_OK;
}

static cls_status read_chunks(const source *from, cls_train_reader *r, uint64_t limit, buffers *b,
                              cls_trains_sink sink, void *context) {
  if (from->options.node_first >= 0) r->first = (uint64_t)from->options.node_first;
  for (;;) {
    int n, kept;
    CLS_TRY(r->text ? cls_train_next_text(r, b->time, b->node, &n)
                    : cls_train_next_hdf5(r, b->time, b->node, &n));
    if (n == 0) return CLS_OK;
    CLS_TRY(choose(from, r, limit, b, n, &kept));
    b->last = b->time[n - 1];
    b->first += (uint64_t)n;
    if (kept > 0) CLS_TRY(sink(context, b->step, b->neuron, kept));
  }
}

static cls_status read_all(const source *from, uint64_t limit, cls_trains_sink sink, void *context) {
  cls_train_reader r;
  buffers *b = NULL;
  const char *path = from->options.path, *population = from->options.population;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  cls_status status = looks_like_text(path) ? cls_train_open_text(path, population, &r)
                                            : cls_train_open_hdf5(path, population, &r);
  if (status == CLS_OK) status = cls_alloc(&b, 1, sizeof *b, "spikes being read");
  if (status == CLS_OK) status = read_chunks(from, &r, limit, b, sink, context);
  free(b);
  cls_train_close(&r);
  return status;
}

static cls_status scan(void *self, cls_trains_sink sink, void *context) {
  return read_all(self, 0, sink, context);
}

static cls_status count(void *context, const uint64_t *step, const uint64_t *neuron, int n) {
  (void)step, (void)neuron;
  *(uint64_t *)context += (uint64_t)n;
  return CLS_OK;
}

cls_status cls_spike_train_check(const cls_trains *trains, uint64_t n, uint64_t *spikes) {
  *spikes = 0;
  return read_all(trains->self, n, count, spikes);
}

/* ---- the source ---- */

static void destroy(void *self) {
  source *s = self;
  free((char *)s->options.path);
  free((char *)s->options.population);
  free(s);
}

cls_status cls_spike_train_create(const cls_spike_train_options *options, cls_trains **trains) {
  source *made = NULL;
  CLS_TRY(cls_alloc(&made, 1, sizeof *made, "source of spikes"));
  made->options = *options;
  made->options.path = cls_format("%s", options->path);
  made->options.population = options->population ? cls_format("%s", options->population) : NULL;
  *trains = NULL;
  cls_status status = cls_alloc(trains, 1, sizeof **trains, "source of spikes");
  if (status == CLS_OK && (!made->options.path || (options->population && !made->options.population)))
    status = cls_fail(CLS_ERR_MEMORY, "out of memory for the name of %.60s", options->path);
  if (status != CLS_OK) {
    destroy(made);
    free(*trains);
    *trains = NULL;
    return status;
  }
  **trains = (cls_trains){.self = made, .scan = scan, .destroy = destroy};
  return CLS_OK;
}
