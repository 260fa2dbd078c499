/* Edges: counted per (type, source population, target population), then written as lists for rule explicit.
 * Twice through the file, piece by piece. */
#include "io/hdf5_file.h"
#include "io/sonata_files.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  PIECE = 1 << 15,         /* edges read at a time */
  MOST_SPREAD = 8 * PIECE, /* rows of an edge group that a piece may be spread over */
  BUFFER_BYTES = 64 << 20, /* of all lists together, between writes */
  MOST_GROUPS = 256,       /* edge groups of a population */
  MOST_PAIRS = 1 << 24     /* types times pairs of populations */
};

/* What edges of a group have of their own. */
enum { NSYNS, WEIGHT, DELAY, N_OWN };
static const char *const own_names[N_OWN] = {"nsyns", "syn_weight", "delay"};
typedef struct {
  cls_h5_column own[N_OWN]; /* name NULL: the type's */
} edge_group;

/* What edges of a type have in common. */
typedef struct {
  double weight, delay, nsyns, sign; /* sign 0: that of the source; NaN: not said */
} edge_type;

/* One piece of edges. */
typedef struct {
  int64_t *source, *target, *type, *group, *index;
  double *value; /* [N_OWN][PIECE] */
  double *slab;  /* [MOST_SPREAD] */
} edge_piece;

/* Edges of one list that wait to be written. */
typedef struct {
  uint32_t *source, *target;
  double *weight, *delay;
  uint64_t n, written;
} edge_list;

typedef struct {
  sonata_circuit *circuit;
  const char *path, *name; /* of the file and the edge population */
  hid_t file, out;
  sonata_types types;
  edge_type *type; /* per row of the types */
  const sonata_population *source, *target;
  cls_h5_column source_id, target_id, type_id, group_id, group_index;
  edge_group group[MOST_GROUPS];
  bool listed_delays;
  edge_piece piece;
  uint32_t *list_of; /* [row][source member][target member]: 1 + number of the list, 0: none yet */
  uint64_t *count;   /* the same: edges */
  size_t pairs;
  edge_list *lists; /* of the projections [first_projection, projections->n) */
  size_t first_projection, buffer;
  sonata_projections *projections;
} edge_reader;

/* ---- opening ---- */

static cls_status open_edge_column(edge_reader *r, const char *name, bool needed, bool integers,
                                   cls_h5_column *column) {
  char *full = cls_format("/edges/%s/%s", r->name, name);
  CLS_CHECK(full, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  cls_status status = CLS_OK;
  if (needed || cls_h5_has(r->file, full))
    status = cls_h5_column_open(r->file, r->path, full, integers, 1, column);
  free(full);
  return status;
}

/* The node population that a column of ids is about. */
static cls_status find_end(edge_reader *r, const char *name, const sonata_population **population) {
  char *full = cls_format("/edges/%s/%s", r->name, name), *text = NULL;
  CLS_CHECK(full, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  cls_status status = cls_h5_text_of(r->file, full, "node_population", &text);
  if (status == CLS_OK && !text)
    status = cls_fail(CLS_ERR_INPUT, "%s: %s: no attribute node_population", r->path, full);
  *population = text ? sonata_population_find(r->circuit, text) : NULL;
  if (status == CLS_OK && !*population)
    status =
        cls_fail(CLS_ERR_INPUT, "%s: %s: node_population '%s' is not in the circuit", r->path, full, text);
  free(full);
  free(text);
  return status;
}

static cls_status check_rows(const edge_reader *r, const cls_h5_column *column) {
  CLS_CHECK(!column->name || column->n == r->target_id.n, CLS_ERR_INPUT, "%s: %llu rows: expected %llu",
            column->name, (unsigned long long)column->n, (unsigned long long)r->target_id.n);
  return CLS_OK;
}

static cls_status open_groups(edge_reader *r) {
  char name[64];
  for (int g = 0; g < MOST_GROUPS; g++)
    for (int k = 0; k < N_OWN; k++) {
      snprintf(name, sizeof name, "%d/%s", g, own_names[k]);
      CLS_TRY(open_edge_column(r, name, false, false, &r->group[g].own[k]));
      if (k == DELAY && r->group[g].own[k].name) r->listed_delays = true;
    }
  return CLS_OK;
}

static cls_status open_columns(edge_reader *r) {
  CLS_TRY(open_edge_column(r, "source_node_id", true, true, &r->source_id));
  CLS_TRY(open_edge_column(r, "target_node_id", true, true, &r->target_id));
  CLS_TRY(open_edge_column(r, "edge_type_id", true, true, &r->type_id));
  CLS_TRY(open_edge_column(r, "edge_group_id", false, true, &r->group_id));
  CLS_TRY(open_edge_column(r, "edge_group_index", false, true, &r->group_index));
  CLS_TRY(check_rows(r, &r->source_id));
  CLS_TRY(check_rows(r, &r->type_id));
  CLS_TRY(check_rows(r, &r->group_id));
  CLS_TRY(check_rows(r, &r->group_index));
  CLS_TRY(find_end(r, "source_node_id", &r->source));
  CLS_TRY(find_end(r, "target_node_id", &r->target));
  CLS_CHECK(!r->target->is_virtual, CLS_ERR_INPUT, "%s: /edges/%s: edges onto virtual nodes of '%s'", r->path,
            r->name, r->target->name);
  return open_groups(r);
}

/* ---- types ---- */

/* The sign that a synapse model's file says; 0: there is no such file, or it says nothing. */
static cls_status read_sign(edge_reader *r, size_t row, double *sign) {
  const char *file = sonata_type_text(&r->types, row, "dynamics_params");
  const char *folder = r->circuit->config.synapse_models;
  *sign = 0;
  if (!file || !folder) return CLS_OK;
  char *path = cls_format("%s/%s", folder, file);
  CLS_CHECK(path, CLS_ERR_MEMORY, "no memory for a path");
  cJSON *tree = NULL;
  cls_status status = access(path, R_OK) == 0 ? sonata_json_read(path, &tree) : CLS_OK;
  free(path);
  CLS_TRY(status);
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(tree, "sign");
  if (cJSON_IsNumber(value)) *sign = value->valuedouble < 0 ? -1 : 1;
  cJSON_Delete(tree);
  return CLS_OK;
}

static cls_status read_type(edge_reader *r, size_t row) {
  edge_type *type = &r->type[row];
  const char *function = sonata_type_text(&r->types, row, "weight_function");
  bool found;
  CLS_TRY(sonata_type_number(&r->types, row, "syn_weight", &found, &type->weight));
  if (!found) type->weight = NAN;
  CLS_TRY(sonata_type_number(&r->types, row, "delay", &found, &type->delay));
  if (!found) type->delay = NAN;
  CLS_TRY(sonata_type_number(&r->types, row, "nsyns", &found, &type->nsyns));
  if (!found) type->nsyns = 1;
  if (function && strcmp(function, "wmax") != 0)
    CLS_TRY(sonata_note(r->circuit, "%s, type %s: weight_function %s is not computed: weights are syn_weight",
                        r->name, r->types.cell[row * r->types.columns + (size_t)r->types.id], function));
  return read_sign(r, row, &type->sign);
}

static cls_status read_all_types(edge_reader *r) {
  CLS_TRY(cls_alloc(&r->type, r->types.rows, sizeof *r->type, "edge types"));
  for (size_t row = 1; row < r->types.rows; row++) CLS_TRY(read_type(r, row));
  r->pairs = r->types.rows * r->source->n_members * r->target->n_members;
  CLS_CHECK(r->pairs <= MOST_PAIRS, CLS_ERR_LIMIT,
            "%s: /edges/%s: %zu types between %zu and %zu populations: expected at most %d combinations",
            r->path, r->name, r->types.rows - 1, r->source->n_members, r->target->n_members, MOST_PAIRS);
  CLS_TRY(cls_alloc(&r->list_of, r->pairs, sizeof *r->list_of, "lists of edges"));
  return cls_alloc(&r->count, r->pairs, sizeof *r->count, "numbers of edges");
}

/* ---- one edge ---- */

typedef struct {
  size_t row, pair; /* of the type; in list_of */
  uint32_t source_member, target_member;
  uint64_t source, target; /* neurons of their members */
} edge_place;

/* What lookups of the edge before are worth: most edges are like their neighbours. */
typedef struct {
  size_t source_run, target_run, row;
  int64_t type;
} edge_memory;

static cls_status place_edge(const edge_reader *r, uint64_t number, uint64_t i, edge_memory *memory,
                             edge_place *place) {
  const edge_piece *p = &r->piece;
  CLS_CHECK(p->source[i] >= 0 && (uint64_t)p->source[i] < r->source->n, CLS_ERR_INPUT,
            "%s: row %llu: %lld: expected 0 ... %llu, a node of '%s'", r->source_id.name,
            (unsigned long long)number, (long long)p->source[i], (unsigned long long)(r->source->n - 1),
            r->source->name);
  CLS_CHECK(p->target[i] >= 0 && (uint64_t)p->target[i] < r->target->n, CLS_ERR_INPUT,
            "%s: row %llu: %lld: expected 0 ... %llu, a node of '%s'", r->target_id.name,
            (unsigned long long)number, (long long)p->target[i], (unsigned long long)(r->target->n - 1),
            r->target->name);
  if (memory->row == 0 || p->type[i] != memory->type) {
    memory->row = sonata_type_row(&r->types, p->type[i]);
    memory->type = p->type[i];
  }
  CLS_CHECK(memory->row > 0, CLS_ERR_INPUT, "%s: row %llu: type %lld is not in %s", r->type_id.name,
            (unsigned long long)number, (long long)p->type[i], r->types.path);
  place->row = memory->row;
  sonata_node_find(r->source, (uint64_t)p->source[i], &memory->source_run, &place->source_member,
                   &place->source);
  sonata_node_find(r->target, (uint64_t)p->target[i], &memory->target_run, &place->target_member,
                   &place->target);
  place->pair = (place->row * r->source->n_members + place->source_member) * r->target->n_members +
                place->target_member;
  return CLS_OK;
}

/* ---- pieces ---- */

static cls_status make_piece(edge_reader *r) {
  edge_piece *p = &r->piece;
  int64_t **const ids[] = {&p->source, &p->target, &p->type, &p->group, &p->index};
  for (int k = 0; k < 5; k++) CLS_TRY(cls_alloc(ids[k], PIECE, sizeof **ids[k], "piece of edges"));
  CLS_TRY(cls_alloc(&p->value, N_OWN * PIECE, sizeof *p->value, "piece of edges"));
  return cls_alloc(&p->slab, MOST_SPREAD, sizeof *p->slab, "piece of edges");
}

static cls_status read_ids(edge_reader *r, uint64_t first, uint64_t n) {
  CLS_TRY(cls_h5_column_integers(&r->source_id, first, n, r->piece.source));
  CLS_TRY(cls_h5_column_integers(&r->target_id, first, n, r->piece.target));
  return cls_h5_column_integers(&r->type_id, first, n, r->piece.type);
}

/* One property of the edges of a piece that are in group g: rows of the group from the least to the greatest
 * index are read, and each edge takes its own. */
static cls_status read_own(edge_reader *r, uint64_t first, uint64_t n, int g, int k) {
  const cls_h5_column *own = &r->group[g].own[k];
  edge_piece *p = &r->piece;
  int64_t least = INT64_MAX, most = -1;
  for (uint64_t i = 0; i < n; i++) {
    if (p->group[i] != g) continue;
    CLS_CHECK(p->index[i] >= 0 && (uint64_t)p->index[i] < own->n, CLS_ERR_INPUT,
              "%s: edge %llu is row %lld of its group: expected 0 ... %llu", own->name,
              (unsigned long long)(first + i), (long long)p->index[i], (unsigned long long)(own->n - 1));
    if (p->index[i] < least) least = p->index[i];
    if (p->index[i] > most) most = p->index[i];
  }
  if (most < 0) return CLS_OK;
  CLS_CHECK(most - least < MOST_SPREAD, CLS_ERR_INPUT,
            "%s: edges %llu ... are spread over %lld rows of their group: expected them near each other",
            own->name, (unsigned long long)first, (long long)(most - least));
  CLS_TRY(cls_h5_column_numbers(own, (uint64_t)least, (uint64_t)(most - least + 1), p->slab));
  for (uint64_t i = 0; i < n; i++)
    if (p->group[i] == g) p->value[k * PIECE + (int)i] = p->slab[p->index[i] - least];
  return CLS_OK;
}

/* All properties: of the edge, or NaN, which means the type's. */
static cls_status read_values(edge_reader *r, uint64_t first, uint64_t n) {
  edge_piece *p = &r->piece;
  for (uint64_t i = 0; i < n; i++) {
    p->group[i] = 0;
    p->index[i] = (int64_t)(first + i);
  }
  if (r->group_id.name) CLS_TRY(cls_h5_column_integers(&r->group_id, first, n, p->group));
  if (r->group_index.name) CLS_TRY(cls_h5_column_integers(&r->group_index, first, n, p->index));
  for (uint64_t i = 0; i < n; i++)
    CLS_CHECK(p->group[i] >= 0 && p->group[i] < MOST_GROUPS, CLS_ERR_INPUT,
              "%s: row %llu: %lld: expected 0 ... %d", r->group_id.name, (unsigned long long)(first + i),
              (long long)p->group[i], MOST_GROUPS - 1);
  for (int k = 0; k < N_OWN * PIECE; k++) p->value[k] = NAN;
  for (int g = 0; g < MOST_GROUPS; g++)
    for (int k = 0; k < N_OWN; k++)
      if (r->group[g].own[k].name) CLS_TRY(read_own(r, first, n, g, k));
  return CLS_OK;
}

/* ---- counting ---- */

static cls_status add_projection(edge_reader *r, size_t pair, uint64_t n) {
  sonata_projections *all = r->projections;
  size_t row = pair / (r->source->n_members * r->target->n_members);
  uint32_t from = (uint32_t)(pair / r->target->n_members % r->source->n_members);
  uint32_t to = (uint32_t)(pair % r->target->n_members);
  CLS_TRY(cls_grow(&all->projections, &all->capacity, all->n + 1, sizeof *all->projections, "projections"));
  sonata_projection *made = &all->projections[all->n++];
  *made = (sonata_projection){.source = r->source,
                              .target = r->target,
                              .source_member = from,
                              .target_member = to,
                              .n = n,
                              .delay_ms = r->listed_delays ? NAN : r->type[row].delay};
  made->name =
      cls_format("%s/%s/%s->%s", r->name, r->types.cell[row * r->types.columns + (size_t)r->types.id],
                 r->source->members[from].name, r->target->members[to].name);
  CLS_CHECK(made->name, CLS_ERR_MEMORY, "no memory for the name of a projection");
  CLS_CHECK(r->listed_delays || !isnan(made->delay_ms), CLS_ERR_INPUT,
            "%s: type %s: no delay, neither of the type nor of its edges", r->types.path,
            r->types.cell[row * r->types.columns + (size_t)r->types.id]);
  r->list_of[pair] = (uint32_t)(all->n - r->first_projection);
  return CLS_OK;
}

static cls_status count_edges(edge_reader *r) {
  edge_memory memory = {0};
  edge_place place;
  for (uint64_t first = 0; first < r->target_id.n; first += PIECE) {
    uint64_t n = r->target_id.n - first < PIECE ? r->target_id.n - first : PIECE;
    CLS_TRY(read_ids(r, first, n));
    for (uint64_t i = 0; i < n; i++) {
      CLS_TRY(place_edge(r, first + i, i, &memory, &place));
      r->count[place.pair]++;
    }
  }
  for (size_t pair = 0; pair < r->pairs; pair++)
    if (r->count[pair] > 0) CLS_TRY(add_projection(r, pair, r->count[pair]));
  r->circuit->summary->edges += r->target_id.n;
  r->circuit->summary->projections += (uint32_t)(r->projections->n - r->first_projection);
  return CLS_OK;
}

/* ---- writing ---- */

static cls_status write_rows(edge_reader *r, const char *group, const char *dataset, hid_t type,
                             uint64_t first, uint64_t n, const void *values) {
  char *name = cls_format("/%s/%s", group, dataset);
  CLS_CHECK(name, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  cls_status status = cls_h5_rows_write(r->out, name, type, first, n, values);
  free(name);
  return status;
}

static cls_status flush(edge_reader *r, size_t number) {
  edge_list *list = &r->lists[number];
  const sonata_projection *p = &r->projections->projections[r->first_projection + number];
  if (list->n == 0) return CLS_OK;
  CLS_TRY(write_rows(r, p->name, "source_id", H5T_NATIVE_UINT32, list->written, list->n, list->source));
  CLS_TRY(write_rows(r, p->name, "target_id", H5T_NATIVE_UINT32, list->written, list->n, list->target));
  CLS_TRY(write_rows(r, p->name, "weight", H5T_NATIVE_DOUBLE, list->written, list->n, list->weight));
  if (r->listed_delays)
    CLS_TRY(write_rows(r, p->name, "delay_ms", H5T_NATIVE_DOUBLE, list->written, list->n, list->delay));
  list->written += list->n;
  list->n = 0;
  return CLS_OK;
}

static cls_status make_dataset(edge_reader *r, const sonata_projection *p, const char *dataset, hid_t type,
                               const char *units) {
  char *name = cls_format("/%s/%s", p->name, dataset);
  CLS_CHECK(name, CLS_ERR_MEMORY, "no memory for the name of a dataset");
  hsize_t n = p->n;
  cls_status status = cls_h5_table(r->out, name, type, 1, &n, NULL, units);
  free(name);
  return status;
}

static cls_status make_lists(edge_reader *r) {
  size_t n = r->projections->n - r->first_projection;
  CLS_TRY(cls_alloc(&r->lists, n, sizeof *r->lists, "lists of edges"));
  r->buffer = BUFFER_BYTES / (24 * (n ? n : 1));
  if (r->buffer > PIECE) r->buffer = PIECE;
  if (r->buffer < 64) r->buffer = 64;
  for (size_t k = 0; k < n; k++) {
    const sonata_projection *p = &r->projections->projections[r->first_projection + k];
    edge_list *list = &r->lists[k];
    CLS_TRY(cls_alloc(&list->source, r->buffer, sizeof *list->source, "list of edges"));
    CLS_TRY(cls_alloc(&list->target, r->buffer, sizeof *list->target, "list of edges"));
    CLS_TRY(cls_alloc(&list->weight, r->buffer, sizeof *list->weight, "list of edges"));
    CLS_TRY(cls_alloc(&list->delay, r->buffer, sizeof *list->delay, "list of edges"));
    CLS_TRY(make_dataset(r, p, "source_id", H5T_NATIVE_UINT32, NULL));
    CLS_TRY(make_dataset(r, p, "target_id", H5T_NATIVE_UINT32, NULL));
    CLS_TRY(make_dataset(r, p, "weight", H5T_NATIVE_DOUBLE, NULL));
    if (r->listed_delays) CLS_TRY(make_dataset(r, p, "delay_ms", H5T_NATIVE_DOUBLE, "ms"));
  }
  return CLS_OK;
}

static double own_or(double own, double of_type) { return isnan(own) ? of_type : own; }

static cls_status take_edge(edge_reader *r, uint64_t number, uint64_t i, const edge_place *place) {
  const edge_type *type = &r->type[place->row];
  const double *value = r->piece.value + i;
  double nsyns = own_or(value[NSYNS * PIECE], type->nsyns);
  double weight = own_or(value[WEIGHT * PIECE], type->weight),
         delay = own_or(value[DELAY * PIECE], type->delay);
  char source_type = r->source->members[place->source_member].type;
  double sign = type->sign != 0 ? type->sign : source_type == 'I' ? -1 : 1;
  CLS_CHECK(isfinite(weight) && isfinite(nsyns) && (!r->listed_delays || isfinite(delay)), CLS_ERR_INPUT,
            "%s: /edges/%s: edge %llu: syn_weight %g, nsyns %g, delay %g: expected numbers", r->path, r->name,
            (unsigned long long)number, weight, nsyns, delay);
  size_t at = r->list_of[place->pair] - 1u;
  edge_list *list = &r->lists[at];
  list->source[list->n] = (uint32_t)place->source;
  list->target[list->n] = (uint32_t)place->target;
  list->weight[list->n] = sign * weight * nsyns;
  list->delay[list->n] = delay;
  r->circuit->summary->synapses += (uint64_t)(nsyns > 0 ? nsyns : 0);
  return ++list->n == r->buffer ? flush(r, at) : CLS_OK;
}

static cls_status write_edges(edge_reader *r) {
  edge_memory memory = {0};
  edge_place place;
  CLS_TRY(make_lists(r));
  for (uint64_t first = 0; first < r->target_id.n; first += PIECE) {
    uint64_t n = r->target_id.n - first < PIECE ? r->target_id.n - first : PIECE;
    CLS_TRY(read_ids(r, first, n));
    CLS_TRY(read_values(r, first, n));
    for (uint64_t i = 0; i < n; i++) {
      CLS_TRY(place_edge(r, first + i, i, &memory, &place));
      CLS_TRY(take_edge(r, first + i, i, &place));
    }
  }
  for (size_t k = 0; k < r->projections->n - r->first_projection; k++) CLS_TRY(flush(r, k));
  return CLS_OK;
}

/* Where nothing says whether synapses excite or inhibit. */
static cls_status note_signs(edge_reader *r) {
  bool unsaid = false;
  for (size_t row = 1; row < r->types.rows; row++) unsaid = unsaid || r->type[row].sign == 0;
  for (size_t k = 0; k < r->source->n_members && unsaid; k++) {
    const sonata_member *m = &r->source->members[k];
    if (m->type == 0)
      CLS_TRY(sonata_note(r->circuit,
                          "%s: '%s' is neither excitatory nor inhibitory (column ei): weights are "
                          "taken as they are",
                          r->name, m->name));
  }
  return CLS_OK;
}

/* ---- together ---- */

static void free_reader(edge_reader *r) {
  cls_h5_column *const columns[] = {&r->source_id, &r->target_id, &r->type_id, &r->group_id, &r->group_index};
  for (int k = 0; k < 5; k++) cls_h5_column_close(columns[k]);
  for (int g = 0; g < MOST_GROUPS; g++)
    for (int k = 0; k < N_OWN; k++) cls_h5_column_close(&r->group[g].own[k]);
  for (size_t k = 0; r->lists && k < r->projections->n - r->first_projection; k++) {
    free(r->lists[k].source);
    free(r->lists[k].target);
    free(r->lists[k].weight);
    free(r->lists[k].delay);
  }
  free(r->lists);
  free(r->piece.source);
  free(r->piece.target);
  free(r->piece.type);
  free(r->piece.group);
  free(r->piece.index);
  free(r->piece.value);
  free(r->piece.slab);
  free(r->type);
  free(r->list_of);
  free(r->count);
  free(r);
}

static cls_status read_population(edge_reader *r) {
  CLS_TRY(open_columns(r));
  CLS_TRY(read_all_types(r));
  CLS_TRY(make_piece(r));
  CLS_TRY(count_edges(r));
  CLS_TRY(note_signs(r));
  return write_edges(r);
}

static cls_status import_population(sonata_circuit *circuit, const char *path, const char *name, hid_t file,
                                    const sonata_types *types, hid_t out, sonata_projections *made) {
  edge_reader *r;
  CLS_TRY(cls_alloc(&r, 1, sizeof *r, "reader of edges"));
  r->circuit = circuit;
  r->path = path;
  r->name = name;
  r->file = file;
  r->out = out;
  r->types = *types; /* borrowed */
  r->projections = made;
  r->first_projection = made->n;
  cls_status status = read_population(r);
  free_reader(r);
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
