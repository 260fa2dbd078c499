/* A connectome from a matrix of weights and one of lengths, whatever format they come in. Everything goes by
 * entries that are not 0, so a voxel-level connectome takes memory in proportion to its tracts. */
#include "io/connectome_files.h"
#include "io/matrix_file.h"
#include "io/names.h"
#include "io/sidecar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Matrices on their way to a connectome. */
typedef struct {
  const char *path;
  const cls_connectome_options *options;
  const cls_connectome *table; /* of regions; NULL */
  cls_notes *notes;
  cls_matrix weights, lengths;
  bool dropped; /* the weights' row and column of unassigned streamlines */
  double to_mm; /* one unit of length */
  uint32_t n;   /* regions */
  char **names; /* [n]; NULL: the file has none */
} assembly;

/* ---- one file ---- */

/* tck2connectome begins its file with its own command line, options shortened as the user liked. */
static bool by_mrtrix(const cls_matrix *m) { return m->comment && strstr(m->comment, "tck2connectome"); }

static char **names_of(const cls_matrix *m) { return m->column_names ? m->column_names : m->row_names; }

static cls_status check_labels(const char *path, const cls_matrix *m) {
  if (!m->row_names || !m->column_names) return CLS_OK;
  for (uint64_t i = 0; i < m->rows; i++)
    CLS_CHECK(strcmp(m->row_names[i], m->column_names[i]) == 0, CLS_ERR_INPUT,
              "%s: row %llu is %s, column %llu is %s: expected rows and columns in the same order", path,
              (unsigned long long)i + 1, m->row_names[i], (unsigned long long)i + 1, m->column_names[i]);
  return CLS_OK;
}

static cls_status read_square(assembly *a, const char *path, const char *variable, cls_matrix *m) {
  CLS_TRY(cls_matrix_read(path, &(cls_matrix_request){.variable = variable, .sparse = true}, m));
  CLS_CHECK(m->rows == m->columns, CLS_ERR_INPUT,
            "%s: %s%s%llu rows and %llu columns: expected a square matrix", path,
            m->variable ? m->variable : "", m->variable ? ": " : "", (unsigned long long)m->rows,
            (unsigned long long)m->columns);
  CLS_TRY(check_labels(path, m));
  CLS_CHECK(!m->directed || a->options->orientation == CLS_ROW_IS_TARGET, CLS_ERR_INPUT,
            "%s: names source and target in its header: expected no other orientation beside it", path);
  return cls_note(a->notes, "%s: %s%s%s%llu x %llu, %llu entries", cls_path_base(path),
                  m->variable ? "variable " : "", m->variable ? m->variable : "", m->variable ? ", " : "",
                  (unsigned long long)m->rows, (unsigned long long)m->columns,
                  (unsigned long long)m->n_entries);
}

/* ---- unassigned streamlines ---- */

static bool has_unassigned(const assembly *a, const char **why) {
  const cls_matrix *m = &a->weights;
  char **names = names_of(m);
  *why = "as asked for";
  if (a->options->unassigned != CLS_UNASSIGNED_AUTO) return a->options->unassigned == CLS_UNASSIGNED_DROP;
  *why = "named so";
  if (names && cls_text_same(names[0], "unassigned")) return true;
  *why = "which the command in the first line says are kept";
  if (by_mrtrix(m) && strstr(m->comment, " -k")) return true;
  *why = "one more than there are in the table of regions";
  return a->table && !names && m->rows == (uint64_t)a->table->n_regions + 1;
}

static void drop_first(cls_matrix *m, uint64_t *entries, double *sum) {
  uint64_t kept = 0;
  for (uint64_t k = 0; k < m->n_entries; k++) {
    cls_entry e = m->entries[k];
    if (e.row == 0 || e.column == 0) {
      *sum += e.value;
      continue;
    }
    m->entries[kept++] = (cls_entry){e.row - 1, e.column - 1, e.value};
  }
  *entries = m->n_entries - kept;
  m->n_entries = kept;
  char **lists[2] = {m->row_names, m->column_names};
  for (int l = 0; l < 2; l++) {
    if (!lists[l]) continue;
    free(lists[l][0]);
    memmove(lists[l], lists[l] + 1, (m->rows - 1) * sizeof *lists[l]);
  }
  m->rows--;
  m->columns--;
}

static cls_status drop_unassigned(assembly *a) {
  const char *why;
  uint64_t entries = 0;
  double sum = 0;
  if (!has_unassigned(a, &why)) return CLS_OK;
  CLS_CHECK(a->weights.rows > 1, CLS_ERR_INPUT, "%s: 1 row: expected another one beside the unassigned",
            a->path);
  drop_first(&a->weights, &entries, &sum);
  a->dropped = true;
  return cls_note(a->notes,
                  "row and column 1 hold unassigned streamlines (%s): dropped, %llu entries, sum %.6g", why,
                  (unsigned long long)entries, sum);
}

/* ---- names, and the regions of a list of entries ---- */

static cls_status copy_names(char *const *from, uint32_t n, char ***to) {
  CLS_TRY(cls_alloc(to, n, sizeof **to, "region names"));
  for (uint32_t i = 0; i < n; i++) {
    (*to)[i] = cls_format("%s", from[i]);
    CLS_CHECK((*to)[i], CLS_ERR_MEMORY, "out of memory for region names");
  }
  return CLS_OK;
}

/* Entries of `m` become numbered as names[0 ... n-1] has the names of its rows. */
static cls_status renumber(const char *path, cls_matrix *m, char *const *names, uint32_t n, const char *of) {
  cls_named *sorted = NULL;
  uint32_t *place = NULL;
  CLS_TRY(cls_names_sort(names, n, &sorted));
  cls_status status = cls_alloc(&place, m->rows, sizeof *place, "places of regions");
  for (uint64_t i = 0; i < m->rows && status == CLS_OK; i++) {
    place[i] = cls_names_find(sorted, n, names_of(m)[i]);
    if (place[i] == CLS_NO_NAME)
      status =
          cls_fail(CLS_ERR_INPUT, "%s: region %s is not among the %u of %s", path, names_of(m)[i], n, of);
  }
  for (uint64_t k = 0; k < m->n_entries && status == CLS_OK; k++) {
    m->entries[k].row = place[m->entries[k].row];
    m->entries[k].column = place[m->entries[k].column];
  }
  free(place);
  free(sorted);
  return status == CLS_OK ? cls_matrix_sort(path, m) : status;
}

/* Which regions there are, and their names. A list of entries leaves out regions without any: the table has
 * them. */
static cls_status find_regions(assembly *a) {
  cls_matrix *m = &a->weights;
  const cls_connectome *table = a->table;
  a->n = (uint32_t)m->rows;
  uint32_t renamed = 0;
  if (!m->listed || !table) {
    if (!names_of(m)) return CLS_OK;
    CLS_TRY(copy_names(names_of(m), a->n, &a->names));
    CLS_TRY(cls_names_make_unique(a->names, a->n, &renamed));
    return renamed ? cls_note(a->notes, "%u repeated region names are numbered", renamed) : CLS_OK;
  }
  if (!names_of(m)) {
    if (a->n < table->n_regions) a->n = table->n_regions;
    return CLS_OK;
  }
  CLS_CHECK(table->names[0], CLS_ERR_INPUT, "%s: has no names: expected those of the regions in %s",
            a->options->regions, a->path);
  CLS_TRY(renumber(a->path, m, table->names, table->n_regions, a->options->regions));
  a->n = table->n_regions;
  return copy_names(table->names, a->n, &a->names);
}

/* ---- lengths ---- */

static cls_status find_unit(assembly *a) {
  static const double mm[] = {
      [CLS_UNIT_UNSTATED] = 1, [CLS_UNIT_MM] = 1, [CLS_UNIT_CM] = 10, [CLS_UNIT_M] = 1000};
  static const char *const names[] = {"mm", "mm", "cm", "m"};
  cls_length_unit unit = a->options->lengths_unit, found = CLS_UNIT_UNSTATED;
  cls_sidecar side;
  cls_status status = cls_sidecar_read(a->options->lengths, &side);
  if (status == CLS_OK && side.units) {
    for (int u = CLS_UNIT_MM; u <= CLS_UNIT_M; u++)
      if (strcmp(side.units, names[u]) == 0) found = (cls_length_unit)u;
    if (found == CLS_UNIT_UNSTATED)
      status = cls_fail(CLS_ERR_INPUT, "%s: Units: %.40s: expected mm, cm or m", side.path, side.units);
    else if (unit != CLS_UNIT_UNSTATED && unit != found)
      status = cls_fail(CLS_ERR_INPUT, "%s: Units: %s: expected %s as lengths_unit says", side.path,
                        side.units, names[unit]);
    else
      unit = found;
  }
  cls_sidecar_free(&side);
  CLS_TRY(status);
  a->to_mm = mm[unit];
  return cls_note(a->notes, "lengths are in %s%s", names[unit],
                  found != CLS_UNIT_UNSTATED  ? " as the JSON file beside them says"
                  : unit == CLS_UNIT_UNSTATED ? ", which nobody states"
                                              : "");
}

/* Lengths, as rows and columns of the weights. */
static cls_status read_lengths(assembly *a) {
  const cls_connectome_options *o = a->options;
  cls_matrix *m = &a->lengths;
  uint64_t entries = 0;
  double sum = 0;
  if (!o->lengths) {
    CLS_CHECK(o->lengths_unit == CLS_UNIT_UNSTATED, CLS_ERR_INPUT,
              "%s: lengths_unit is stated, but there is no file of lengths", a->path);
    return cls_note(a->notes, "no lengths of tracts are given");
  }
  CLS_TRY(find_unit(a));
  CLS_TRY(read_square(a, o->lengths, o->lengths_variable, m));
  if (a->dropped && m->rows == a->weights.rows + 1) drop_first(m, &entries, &sum);
  CLS_CHECK(m->rows == a->n || (m->listed && m->rows < a->n), CLS_ERR_INPUT,
            "%s: %llu rows and columns: expected %u as in the weights, %s", o->lengths,
            (unsigned long long)m->rows, a->n, a->path);
  for (uint64_t k = 0; k < m->n_entries; k++)
    CLS_CHECK(!(m->entries[k].value < 0), CLS_ERR_INPUT,
              "%s: row %u, column %u: the length is %g: expected a number >= 0", o->lengths,
              m->entries[k].row + 1 + a->dropped, m->entries[k].column + 1 + a->dropped, m->entries[k].value);
  if (!names_of(m) || !a->names) return CLS_OK;
  uint32_t renamed;
  CLS_TRY(cls_names_make_unique(names_of(m), (uint32_t)m->rows, &renamed));
  return renumber(o->lengths, m, a->names, a->n, a->path);
}

static int compare_place(const cls_entry *e, uint32_t row, uint32_t column) {
  if (e->row != row) return e->row < row ? -1 : 1;
  return (e->column > column) - (e->column < column);
}

/* The entry at a place; 0 where there is none. */
static double value_at(const cls_matrix *m, uint32_t row, uint32_t column) {
  uint64_t low = 0, high = m->n_entries;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (compare_place(&m->entries[middle], row, column) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < m->n_entries && compare_place(&m->entries[low], row, column) == 0 ? m->entries[low].value : 0;
}

typedef struct {
  uint64_t own, mirrored, none; /* tracts by where their length is from; of tracts between regions */
} length_counts;

/* Length of the tract of entry `e`: its own, else that of the other direction, which is the same bundle. */
static cls_status length_of(const assembly *a, const cls_entry *e, length_counts *counts, double *length_mm) {
  const cls_matrix *m = &a->lengths;
  double length = value_at(m, e->row, e->column);
  const bool own = length != 0;
  if (!own && e->row != e->column) length = value_at(m, e->column, e->row);
  if (e->row == e->column && isnan(length)) length = 0;
  CLS_CHECK(!isnan(length), CLS_ERR_INPUT,
            "%s: row %u, column %u: the length is no number on a tract of weight %g: expected one >= 0",
            a->options->lengths, e->row + 1 + a->dropped, e->column + 1 + a->dropped, e->value);
  if (e->row != e->column) {
    counts->own += own;
    counts->mirrored += !own && length > 0;
    counts->none += length == 0;
  }
  *length_mm = length * a->to_mm;
  return CLS_OK;
}

static cls_status note_lengths(const assembly *a, const length_counts *counts) {
  const uint64_t tracts = counts->own + counts->mirrored + counts->none;
  uint64_t unused = 0, missing = 0;
  const cls_matrix *m = &a->lengths;
  if (!a->options->lengths) return CLS_OK;
  for (uint64_t k = 0; k < m->n_entries; k++) {
    const cls_entry *e = &m->entries[k];
    if (value_at(&a->weights, e->row, e->column) > 0 || value_at(&a->weights, e->column, e->row) > 0)
      continue;
    unused += !isnan(e->value);
    missing += isnan(e->value);
  }
  if (unused > 0)
    CLS_TRY(
        cls_note(a->notes, "%llu lengths where there is no tract are left out", (unsigned long long)unused));
  if (missing > 0)
    CLS_TRY(cls_note(a->notes, "%llu lengths are not numbers, none of them on a tract",
                     (unsigned long long)missing));
  if (counts->mirrored > 0)
    CLS_TRY(cls_note(a->notes,
                     "%llu of %llu tracts have no length of their own and get that of the other direction",
                     (unsigned long long)counts->mirrored, (unsigned long long)tracts));
  if (counts->none > 0)
    CLS_TRY(cls_note(a->notes, "%llu of %llu tracts have length 0, which means unknown",
                     (unsigned long long)counts->none, (unsigned long long)tracts));
  return CLS_OK;
}

/* ---- the connectome ---- */

static cls_status check_weights(const assembly *a, uint64_t *tracts) {
  *tracts = 0;
  for (uint64_t k = 0; k < a->weights.n_entries; k++) {
    const cls_entry *e = &a->weights.entries[k];
    CLS_CHECK(e->value > 0 && isfinite(e->value), CLS_ERR_INPUT,
              "%s: row %u, column %u: the weight is %g: expected a finite number >= 0", a->path,
              e->row + 1 + a->dropped, e->column + 1 + a->dropped, e->value);
    ++*tracts;
  }
  return CLS_OK;
}

static cls_status fill_tracts(const assembly *a, cls_connectome *c) {
  length_counts counts = {0};
  for (uint64_t k = 0; k < a->weights.n_entries; k++) {
    const cls_entry *e = &a->weights.entries[k];
    c->source[k] = e->column;
    c->weight[k] = e->value;
    c->row[e->row + 1] = k + 1;
    CLS_TRY(length_of(a, e, &counts, &c->length_mm[k]));
  }
  for (uint32_t i = 0; i < c->n_regions; i++) /* rows without entries */
    if (c->row[i + 1] < c->row[i]) c->row[i + 1] = c->row[i];
  return note_lengths(a, &counts);
}

static cls_status fill_regions(assembly *a, cls_connectome *c) {
  int digits = 3;
  for (uint32_t n = 1000; n <= a->n && n < 1000000000; n *= 10) digits++;
  c->names_made_up = !a->names;
  for (uint32_t i = 0; i < a->n; i++) {
    c->area_mm2[i] = c->volume_mm3[i] = NAN;
    c->names[i] = a->names ? cls_format("%s", a->names[i]) : cls_format("R%0*u", digits, i + 1);
    CLS_CHECK(c->names[i], CLS_ERR_MEMORY, "out of memory for region names");
  }
  c->origin = cls_format("%s", cls_path_base(a->path));
  CLS_CHECK(c->origin, CLS_ERR_MEMORY, "out of memory for the origin of a connectome");
  if (a->names || (a->table && a->table->names[0])) return CLS_OK;
  return cls_note(a->notes, "regions have no names: they are called %s to %s", c->names[0],
                  c->names[a->n - 1]);
}

/* A few bytes can claim any number of regions: most must have something to say. */
static cls_status check_size(const assembly *a) {
  const uint64_t most = (1 << 20) + 16 * a->weights.n_entries;
  CLS_CHECK(a->weights.rows <= most, CLS_ERR_INPUT,
            "%s: %llu regions and %llu entries: expected at most %llu regions, 2^20 and 16 for each entry",
            a->path, (unsigned long long)a->weights.rows, (unsigned long long)a->weights.n_entries,
            (unsigned long long)most);
  return CLS_OK;
}

static cls_status assemble(assembly *a, cls_connectome **c) {
  uint64_t tracts;
  CLS_TRY(read_square(a, a->path, a->options->variable, &a->weights));
  CLS_TRY(check_size(a));
  CLS_CHECK(a->options->format != CLS_FORMAT_BIDS || names_of(&a->weights), CLS_ERR_INPUT,
            "%s: no names of regions: expected them in a header, as in BIDS", a->path);
  CLS_TRY(drop_unassigned(a));
  CLS_TRY(check_weights(a, &tracts));
  CLS_TRY(find_regions(a));
  CLS_TRY(read_lengths(a));
  CLS_TRY(cls_connectome_create(a->n, tracts, c));
  CLS_TRY(fill_regions(a, *c));
  return fill_tracts(a, *c);
}

cls_status cls_connectome_read_matrices(const char *path, const cls_connectome_options *options,
                                        const cls_connectome *table, cls_notes *notes, bool *upper_only,
                                        cls_connectome **connectome) {
  assembly a = {.path = path, .options = options, .table = table, .notes = notes, .to_mm = 1};
  *connectome = NULL;
  cls_status status = assemble(&a, connectome);
  *upper_only =
      options->format == CLS_FORMAT_MRTRIX || (by_mrtrix(&a.weights) && !strstr(a.weights.comment, " -sy"));
  cls_matrix_free(&a.weights);
  cls_matrix_free(&a.lengths);
  for (uint32_t i = 0; a.names && i < a.n; i++) free(a.names[i]);
  free(a.names);
  if (status != CLS_OK) {
    cls_connectome_destroy(*connectome);
    *connectome = NULL;
  }
  return status;
}
