/* Edges as lists for rule explicit: counted per (type, source population, target population), then written.
 * Twice through the file, piece by piece. */
#include "io/sonata_edges.h"
#include "io/hdf5_file.h"
#include <math.h>
#include <stdlib.h>

enum {
  BUFFER_BYTES = 64 << 20, /* of all lists together, between writes */
  MOST_PAIRS = 1 << 24     /* types times pairs of populations */
};

/* Edges of one list that wait to be written. */
typedef struct {
  uint32_t *source, *target;
  double *weight, *delay;
  uint64_t n, written;
} edge_list;

/* The lists of one edge population: the projections from `first` on. */
typedef struct {
  sonata_edges edges;
  hid_t out;
  sonata_projections *projections;
  size_t first, pairs, buffer;
  uint32_t *list_of; /* [pair] 1 + number of the list, 0: none */
  uint64_t *count;   /* [pair] edges */
  edge_list *lists;
} edge_lists;

static size_t lists_of(const edge_lists *l) { return l->projections->n - l->first; }

/* ---- counting ---- */

static cls_status add_projection(edge_lists *l, size_t pair, uint64_t n) {
  sonata_projections *all = l->projections;
  const sonata_edges *e = &l->edges;
  size_t row = pair / (e->source->n_members * e->target->n_members);
  uint32_t from = (uint32_t)(pair / e->target->n_members % e->source->n_members);
  uint32_t to = (uint32_t)(pair % e->target->n_members);
  CLS_TRY(cls_grow(&all->projections, &all->capacity, all->n + 1, sizeof *all->projections, "projections"));
  sonata_projection *made = &all->projections[all->n++];
  *made = (sonata_projection){.source = e->source,
                              .target = e->target,
                              .source_member = from,
                              .target_member = to,
                              .n = n,
                              .delay_ms = e->listed_delays ? NAN : e->type[row].delay};
  made->name =
      cls_format("%s/%s/%s->%s", e->name, e->types->cell[row * e->types->columns + (size_t)e->types->id],
                 e->source->members[from].name, e->target->members[to].name);
  CLS_CHECK(made->name, CLS_ERR_MEMORY, "no memory for the name of a projection");
  l->list_of[pair] = (uint32_t)lists_of(l);
  return CLS_OK;
}

static cls_status count_edges(edge_lists *l) {
  sonata_edges *e = &l->edges;
  sonata_edge_memory memory = {0};
  sonata_edge_place place;
  l->pairs = e->types->rows * e->source->n_members * e->target->n_members;
  CLS_CHECK(l->pairs <= MOST_PAIRS, CLS_ERR_LIMIT,
            "%s: /edges/%s: %zu types between %zu and %zu populations: expected at most %d combinations",
            e->path, e->name, e->types->rows - 1, e->source->n_members, e->target->n_members, MOST_PAIRS);
  CLS_TRY(cls_alloc(&l->list_of, l->pairs, sizeof *l->list_of, "lists of edges"));
  CLS_TRY(cls_alloc(&l->count, l->pairs, sizeof *l->count, "numbers of edges"));
  for (uint64_t first = 0; first < e->target_id.n; first += SONATA_PIECE) {
    uint64_t n = e->target_id.n - first < SONATA_PIECE ? e->target_id.n - first : SONATA_PIECE;
    CLS_TRY(sonata_edges_read_ends(e, first, n));
    for (uint64_t i = 0; i < n; i++) {
      CLS_TRY(sonata_edges_place(e, first + i, i, &memory, &place));
      l->count[place.pair]++;
    }
  }
  for (size_t pair = 0; pair < l->pairs; pair++)
    if (l->count[pair] > 0) CLS_TRY(add_projection(l, pair, l->count[pair]));
  e->circuit->summary->edges += e->target_id.n;
  e->circuit->summary->projections += (uint32_t)lists_of(l);
  return CLS_OK;
}

/* ---- writing ---- */

static cls_status write_rows(edge_lists *l, const char *group, const char *dataset, hid_t type,
                             uint64_t first, uint64_t n, const void *values) {
  char *name = cls_format("/%s/%s", group, dataset);
  CLS_CHECK(name, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  cls_status status = cls_h5_rows_write(l->out, name, type, first, n, values);
  free(name);
  return status;
}

static cls_status flush(edge_lists *l, size_t number) {
  edge_list *list = &l->lists[number];
  const char *name = l->projections->projections[l->first + number].name;
  if (list->n == 0) return CLS_OK;
  CLS_TRY(write_rows(l, name, "source_id", H5T_NATIVE_UINT32, list->written, list->n, list->source));
  CLS_TRY(write_rows(l, name, "target_id", H5T_NATIVE_UINT32, list->written, list->n, list->target));
  CLS_TRY(write_rows(l, name, "weight", H5T_NATIVE_DOUBLE, list->written, list->n, list->weight));
  if (l->edges.listed_delays)
    CLS_TRY(write_rows(l, name, "delay_ms", H5T_NATIVE_DOUBLE, list->written, list->n, list->delay));
  list->written += list->n;
  list->n = 0;
  return CLS_OK;
}

static cls_status make_dataset(edge_lists *l, const sonata_projection *p, const char *dataset, hid_t type,
                               const char *units) {
  char *name = cls_format("/%s/%s", p->name, dataset);
  CLS_CHECK(name, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  hsize_t n = p->n;
  cls_status status = cls_h5_table(l->out, name, type, 1, &n, NULL, units);
  free(name);
  return status;
}

static cls_status make_list(edge_lists *l, size_t number) {
  const sonata_projection *p = &l->projections->projections[l->first + number];
  edge_list *list = &l->lists[number];
  CLS_TRY(cls_alloc(&list->source, l->buffer, sizeof *list->source, "list of edges"));
  CLS_TRY(cls_alloc(&list->target, l->buffer, sizeof *list->target, "list of edges"));
  CLS_TRY(cls_alloc(&list->weight, l->buffer, sizeof *list->weight, "list of edges"));
  CLS_TRY(cls_alloc(&list->delay, l->buffer, sizeof *list->delay, "list of edges"));
  CLS_TRY(make_dataset(l, p, "source_id", H5T_NATIVE_UINT32, NULL));
  CLS_TRY(make_dataset(l, p, "target_id", H5T_NATIVE_UINT32, NULL));
  CLS_TRY(make_dataset(l, p, "weight", H5T_NATIVE_DOUBLE, NULL));
  return l->edges.listed_delays ? make_dataset(l, p, "delay_ms", H5T_NATIVE_DOUBLE, "ms") : CLS_OK;
}

static cls_status make_lists(edge_lists *l) {
  size_t n = lists_of(l);
  CLS_TRY(cls_alloc(&l->lists, n, sizeof *l->lists, "lists of edges"));
  l->buffer = BUFFER_BYTES / (24 * (n ? n : 1));
  if (l->buffer > SONATA_PIECE) l->buffer = SONATA_PIECE;
  if (l->buffer < 64) l->buffer = 64;
  for (size_t k = 0; k < n; k++) CLS_TRY(make_list(l, k));
  return CLS_OK;
}

static cls_status take_edge(edge_lists *l, uint64_t number, uint64_t i, const sonata_edge_place *place) {
  size_t at = l->list_of[place->pair] - 1u;
  edge_list *list = &l->lists[at];
  double nsyns;
  CLS_TRY(
      sonata_edges_value(&l->edges, number, i, place, &nsyns, &list->weight[list->n], &list->delay[list->n]));
  list->source[list->n] = (uint32_t)place->source;
  list->target[list->n] = (uint32_t)place->target;
  l->edges.circuit->summary->synapses += (uint64_t)(nsyns > 0 ? nsyns : 0);
  return ++list->n == l->buffer ? flush(l, at) : CLS_OK;
}

static cls_status write_edges(edge_lists *l) {
  sonata_edges *e = &l->edges;
  sonata_edge_memory memory = {0};
  sonata_edge_place place;
  CLS_TRY(make_lists(l));
  for (uint64_t first = 0; first < e->target_id.n; first += SONATA_PIECE) {
    uint64_t n = e->target_id.n - first < SONATA_PIECE ? e->target_id.n - first : SONATA_PIECE;
    CLS_TRY(sonata_edges_read_ends(e, first, n));
    CLS_TRY(sonata_edges_read_values(e, first, n));
    for (uint64_t i = 0; i < n; i++) {
      CLS_TRY(sonata_edges_place(e, first + i, i, &memory, &place));
      CLS_TRY(take_edge(l, first + i, i, &place));
    }
  }
  for (size_t k = 0; k < lists_of(l); k++) CLS_TRY(flush(l, k));
  return CLS_OK;
}

/* ---- together ---- */

static void free_lists(edge_lists *l) {
  for (size_t k = 0; l->lists && k < lists_of(l); k++) {
    free(l->lists[k].source);
    free(l->lists[k].target);
    free(l->lists[k].weight);
    free(l->lists[k].delay);
  }
  free(l->lists);
  free(l->list_of);
  free(l->count);
  sonata_edges_close(&l->edges);
  free(l);
}

static cls_status import_population(sonata_circuit *circuit, const char *path, const char *name, hid_t file,
                                    const sonata_types *types, hid_t out, sonata_projections *made) {
  edge_lists *l;
  CLS_TRY(cls_alloc(&l, 1, sizeof *l, "lists of edges"));
  l->out = out;
  l->projections = made;
  l->first = made->n;
  cls_status status = sonata_edges_open(circuit, file, path, name, types, &l->edges);
  if (status == CLS_OK) status = count_edges(l);
  if (status == CLS_OK) status = write_edges(l);
  free_lists(l);
  return status;
}

static cls_status import_file(sonata_circuit *circuit, const sonata_file *f, hid_t out,
                              sonata_projections *made) {
  hid_t file = -1;
  char **names = NULL;
  size_t n = 0;
  sonata_types types = {0};
  CLS_CHECK(f->types, CLS_ERR_INPUT, "%s: no edge_types_file: expected one", f->file);
  cls_status status = sonata_types_read(f->types, "edge_type_id", &types);
  if (status == CLS_OK) status = cls_h5_open_input(f->file, &file);
  if (status == CLS_OK) status = cls_h5_members(file, f->file, "/edges", &names, &n);
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    status = import_population(circuit, f->file, names[i], file, &types, out, made);
  cls_h5_free_members(names, n);
  cls_h5_close_input(file);
  sonata_types_free(&types);
  return status;
}

cls_status sonata_edges_import(sonata_circuit *circuit, const char *path, sonata_projections *made) {
  hid_t out;
  CLS_TRY(cls_h5_create(path, &out));
  cls_status status = cls_h5_text(out, "/", "format", "callosum-network");
  if (status == CLS_OK) status = cls_h5_text(out, "/", "origin", circuit->config.origin);
  if (status == CLS_OK) status = cls_h5_text(out, "/", "callosum_version", CLS_VERSION);
  for (size_t i = 0; i < circuit->config.n_edges && status == CLS_OK; i++)
    status = import_file(circuit, &circuit->config.edges[i], out, made);
  if (status == CLS_OK) return cls_h5_close(out);
  H5Fclose(out);
  return status;
}