/* Nodes: which are virtual, which type each has, and where it stands among those of its type. */
#include "io/sonata_files.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 };

cls_status sonata_note(sonata_circuit *circuit, const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  char *longer = cls_format("%s%s\n", circuit->summary->notes ? circuit->summary->notes : "", line);
  CLS_CHECK(longer, CLS_ERR_MEMORY, "no memory for notes about a circuit");
  free(circuit->summary->notes);
  circuit->summary->notes = longer;
  return CLS_OK;
}

/* ---- members ---- */

/* A name that means one type only: pop_name or model_name where no other type of the population has it; else
 * the id. Letters, digits and _ + - only. */
static const char *short_name(const sonata_types *types, size_t row) {
  static const char *const columns[] = {"pop_name", "model_name"};
  const char *id = types->cell[row * types->columns + (size_t)types->id];
  for (int k = 0; k < 2; k++) {
    const char *name = sonata_type_text(types, row, columns[k]);
    bool good = name && name[0] && strlen(name) < 64;
    for (const char *c = name; good && *c; c++)
      good = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-", *c) != NULL;
    for (size_t other = 1; good && other < types->rows; other++) {
      const char *its = sonata_type_text(types, other, columns[k]);
      good = other == row || !its || strcmp(its, name) != 0;
    }
    if (good) return name;
  }
  return id;
}

static char ei_of(const sonata_types *types, size_t row) {
  const char *ei = sonata_type_text(types, row, "ei");
  if (!ei) return 0;
  return ei[0] == 'e' || ei[0] == 'E' ? 'E' : ei[0] == 'i' || ei[0] == 'I' ? 'I' : 0;
}

/* The member for nodes of the type in `row`: the type's own, or the one of all virtual nodes, which files of
 * spikes number together. */
static cls_status find_member(sonata_population *p, size_t row, uint32_t *member) {
  size_t key = p->is_virtual ? 0 : row;
  char type = ei_of(p->types, row);
  for (*member = 0; *member < p->n_members; ++*member) {
    sonata_member *m = &p->members[*member];
    if (m->row != key) continue;
    if (m->type != type) m->type = 0; /* virtual nodes of several types */
    return CLS_OK;
  }
  CLS_TRY(cls_grow(&p->members, &p->member_capacity, p->n_members + 1, sizeof *p->members, "populations"));
  p->members[p->n_members++] = (sonata_member){.row = key, .type = type};
  return CLS_OK;
}

/* One type: the population's own name; several: the type's after a dot. */
static cls_status name_members(sonata_population *p) {
  for (size_t k = 0; k < p->n_members; k++) {
    sonata_member *m = &p->members[k];
    m->name = p->n_members == 1 ? cls_format("%s", p->name)
                                : cls_format("%s.%s", p->name, short_name(p->types, m->row));
    CLS_CHECK(m->name, CLS_ERR_MEMORY, "no memory for the name of a population");
  }
  return CLS_OK;
}

static cls_status append_run(sonata_population *p, uint64_t first, uint32_t member) {
  CLS_TRY(cls_grow(&p->runs, &p->run_capacity, p->n_runs + 1, sizeof *p->runs, "runs of nodes"));
  p->runs[p->n_runs++] = (sonata_run){first, p->members[member].n, member};
  return CLS_OK;
}

/* ---- types of nodes ---- */

/* Row of a type in the table, and whether its nodes are virtual. */
static cls_status find_type(const sonata_population *p, const cls_h5_column *types, uint64_t node, int64_t id,
                            size_t *row, bool *is_virtual) {
  *row = sonata_type_row(p->types, id);
  CLS_CHECK(*row > 0, CLS_ERR_INPUT, "%s: row %llu: type %lld is not in %s", types->name,
            (unsigned long long)node, (long long)id, p->types->path);
  const char *model = sonata_type_text(p->types, *row, "model_type");
  *is_virtual = model && strcmp(model, "virtual") == 0;
  CLS_CHECK(node == 0 || *is_virtual == p->is_virtual, CLS_ERR_INPUT,
            "%s: row %llu: virtual and other nodes in one population: expected one kind", types->name,
            (unsigned long long)node);
  return CLS_OK;
}

/* Nodes [first, first + n) have these types; the last one's is remembered, as most follow their like. */
typedef struct {
  int64_t id;
  uint32_t member;
  bool any;
} last_type;

static cls_status take_types(sonata_population *p, const cls_h5_column *types, uint64_t first, uint64_t n,
                             const int64_t *id, last_type *last) {
  for (uint64_t i = 0; i < n; i++) {
    if (!last->any || id[i] != last->id) {
      size_t row;
      uint32_t member;
      bool is_virtual = false;
      CLS_TRY(find_type(p, types, first + i, id[i], &row, &is_virtual));
      p->is_virtual = is_virtual;
      CLS_TRY(find_member(p, row, &member));
      if (!last->any || member != last->member) CLS_TRY(append_run(p, first + i, member));
      *last = (last_type){id[i], member, true};
    }
    p->members[last->member].n++;
  }
  return CLS_OK;
}

/* Node ids, where they are stored, must be 0, 1, 2, ...: rows are what edges and spikes refer to. */
static cls_status check_ids(const cls_h5_column *ids, uint64_t first, uint64_t n, const int64_t *id) {
  for (uint64_t i = 0; i < n; i++)
    CLS_CHECK(id[i] == (int64_t)(first + i), CLS_ERR_INPUT,
              "%s: row %llu: %lld: expected nodes in the order of their ids, 0, 1, 2 ...", ids->name,
              (unsigned long long)(first + i), (long long)id[i]);
  return CLS_OK;
}

static cls_status read_types(sonata_population *p, const cls_h5_column *types, const cls_h5_column *ids) {
  int64_t *id;
  last_type last = {0};
  CLS_TRY(cls_alloc(&id, PIECE, sizeof *id, "types of nodes"));
  cls_status status = CLS_OK;
  for (uint64_t first = 0; first < p->n && status == CLS_OK; first += PIECE) {
    uint64_t n = p->n - first < PIECE ? p->n - first : PIECE;
    if (ids->name) {
      status = cls_h5_column_integers(ids, first, n, id);
      if (status == CLS_OK) status = check_ids(ids, first, n, id);
    }
    if (status == CLS_OK) status = cls_h5_column_integers(types, first, n, id);
    if (status == CLS_OK) status = take_types(p, types, first, n, id, &last);
  }
  free(id);
  return status;
}

static cls_status read_population(sonata_population *p, hid_t file, const char *path) {
  cls_h5_column types = {.dataset = -1}, ids = {.dataset = -1};
  char *type_name = cls_format("/nodes/%s/node_type_id", p->name), *id_name = NULL;
  cls_status status = type_name ? cls_h5_column_open(file, path, type_name, true, 1, &types)
                                : cls_fail(CLS_ERR_MEMORY, "no memory for the name of a dataset");
  if (status == CLS_OK) {
    p->n = types.n;
    id_name = cls_format("/nodes/%s/node_id", p->name);
    if (id_name && cls_h5_has(file, id_name)) status = cls_h5_column_open(file, path, id_name, true, 1, &ids);
  }
  if (status == CLS_OK && (p->n == 0 || p->n > UINT32_MAX))
    status = cls_fail(CLS_ERR_INPUT, "%s: %llu nodes: expected 1 ... %u", types.name,
                      (unsigned long long)p->n, UINT32_MAX);
  if (status == CLS_OK && ids.name && ids.n != p->n)
    status = cls_fail(CLS_ERR_INPUT, "%s: %llu rows: expected %llu", ids.name, (unsigned long long)ids.n,
                      (unsigned long long)p->n);
  if (status == CLS_OK) status = read_types(p, &types, &ids);
  if (status == CLS_OK) status = name_members(p);
  cls_h5_column_close(&types);
  cls_h5_column_close(&ids);
  free(type_name);
  free(id_name);
  return status;
}

/* ---- files ---- */

static cls_status add_population(sonata_circuit *c, const char *name, sonata_types *types, hid_t file,
                                 const char *path) {
  CLS_CHECK(!sonata_population_find(c, name), CLS_ERR_INPUT, "%s: node population '%s' is there twice", path,
            name);
  CLS_TRY(cls_grow(&c->populations, &c->population_capacity, c->n_populations + 1, sizeof *c->populations,
                   "node populations"));
  sonata_population *p = &c->populations[c->n_populations++];
  *p = (sonata_population){.name = cls_format("%s", name), .types = types};
  CLS_CHECK(p->name, CLS_ERR_MEMORY, "no memory for the name of a population");
  CLS_TRY(read_population(p, file, path));
  c->summary->nodes += p->is_virtual ? 0 : p->n;
  c->summary->virtual_nodes += p->is_virtual ? p->n : 0;
  c->summary->populations += (uint32_t)p->n_members;
  return CLS_OK;
}

static cls_status read_file(sonata_circuit *c, const sonata_file *f, sonata_types *types) {
  CLS_CHECK(f->types, CLS_ERR_INPUT, "%s: no node_types_file: expected one", f->file);
  CLS_TRY(sonata_types_read(f->types, "node_type_id", types));
  hid_t file;
  char **names = NULL;
  size_t n = 0;
  CLS_TRY(cls_h5_open_input(f->file, &file));
  cls_status status = cls_h5_members(file, f->file, "/nodes", &names, &n);
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    status = add_population(c, names[i], types, file, f->file);
  cls_h5_free_members(names, n);
  cls_h5_close_input(file);
  return status;
}

cls_status sonata_nodes_read(sonata_circuit *c) {
  CLS_TRY(cls_alloc(&c->node_types, c->config.n_nodes, sizeof *c->node_types, "tables of node types"));
  for (size_t i = 0; i < c->config.n_nodes; i++)
    CLS_TRY(read_file(c, &c->config.nodes[i], &c->node_types[i]));
  CLS_CHECK(c->n_populations > 0, CLS_ERR_INPUT, "%s: the circuit has no nodes", c->config.origin);
  return CLS_OK;
}

void sonata_nodes_free(sonata_circuit *c) {
  for (size_t i = 0; i < c->n_populations; i++) {
    sonata_population *p = &c->populations[i];
    for (size_t k = 0; k < p->n_members; k++) free(p->members[k].name);
    free(p->members);
    free(p->runs);
    free(p->name);
  }
  free(c->populations);
  for (size_t i = 0; c->node_types && i < c->config.n_nodes; i++) sonata_types_free(&c->node_types[i]);
  free(c->node_types);
}

const sonata_population *sonata_population_find(const sonata_circuit *circuit, const char *name) {
  for (size_t i = 0; i < circuit->n_populations; i++)
    if (strcmp(circuit->populations[i].name, name) == 0) return &circuit->populations[i];
  return NULL;
}

void sonata_node_find(const sonata_population *p, uint64_t id, size_t *run, uint32_t *member,
                      uint64_t *index) {
  size_t r = *run;
  bool here = r < p->n_runs && p->runs[r].first <= id && (r + 1 == p->n_runs || id < p->runs[r + 1].first);
  if (!here) {
    size_t low = 0, high = p->n_runs; /* the run is in [low, high) */
    while (high - low > 1) {
      size_t middle = low + (high - low) / 2;
      if (p->runs[middle].first <= id)
        low = middle;
      else
        high = middle;
    }
    r = *run = low;
  }
  *member = p->runs[r].member;
  *index = p->runs[r].index + (id - p->runs[r].first);
}
