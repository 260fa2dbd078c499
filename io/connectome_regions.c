/* The table of regions that goes with a matrix: delimited text with a header, one region in a row. Columns
 * are found by name, in any order and case:
 *   name, label or region   index (1 ... n: the row of the matrix; without it rows are in order)
 *   x, y, z (mm; x_mm ...)  area (mm2; area_mm2)  volume (mm3; volume_mm3)  density (synapse_density)
 *   hemisphere or hemi (L, left, lh or 0; R, right, rh or 1)  cortical (1, true, yes; 0, false, no)  unit
 * Missing values are empty, n/a or -. Columns of other names are noted and left alone. */
#include "io/connectome_files.h"
#include "io/names.h"
#include "io/text_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, INDEX, X, Y, Z, AREA, VOLUME, DENSITY, HEMISPHERE, CORTICAL, UNIT, COLUMNS };
static const char *const columns[COLUMNS][4] = {[NAME] = {"name", "label", "region"},
                                                [INDEX] = {"index"},
                                                [X] = {"x", "x_mm"},
                                                [Y] = {"y", "y_mm"},
                                                [Z] = {"z", "z_mm"},
                                                [AREA] = {"area", "area_mm2"},
                                                [VOLUME] = {"volume", "volume_mm3"},
                                                [DENSITY] = {"density", "synapse_density"},
                                                [HEMISPHERE] = {"hemisphere", "hemi"},
                                                [CORTICAL] = {"cortical"},
                                                [UNIT] = {"unit"}};

typedef struct {
  cls_text_table text;
  int64_t column[COLUMNS]; /* its field; -1: absent */
  uint32_t fields;
  bool *seen; /* [regions]: rows that are filled in */
  cls_connectome *table;
} region_reader;

/* ---- the header ---- */

static int find_column(const char *field, int *rank) {
  for (int c = 0; c < COLUMNS; c++)
    for (int k = 0; k < 4 && columns[c][k]; k++)
      if (cls_text_same(field, columns[c][k])) {
        *rank = k;
        return c;
      }
  return -1;
}

/* Of several names for a region (BIDS tables have index, name and label) the first of our list is taken. */
static cls_status read_header(region_reader *r, cls_notes *notes) {
  const cls_text_table *t = &r->text;
  char *others = NULL;
  int best = 4;
  bool got;
  cls_status status = CLS_OK;
  CLS_TRY(cls_text_next(&r->text, &got));
  CLS_CHECK(got, CLS_ERR_INPUT, "%s: empty: expected a table of regions with a header", t->path);
  r->fields = t->n;
  for (int c = 0; c < COLUMNS; c++) r->column[c] = -1;
  for (uint32_t i = 0; i < t->n && status == CLS_OK; i++) {
    int rank = 0;
    const int c = find_column(t->field[i], &rank);
    if (c == NAME && r->column[NAME] >= 0 && rank != best) {
      if (rank < best) r->column[NAME] = i;
      best = rank < best ? rank : best;
    } else if (c >= 0 && r->column[c] >= 0) {
      status = cls_fail(CLS_ERR_INPUT, "%s:%llu: columns %lld and %u are both '%s': expected one", t->path,
                        (unsigned long long)t->number, (long long)r->column[c] + 1, i + 1, columns[c][0]);
    } else if (c >= 0) {
      r->column[c] = i;
      if (c == NAME) best = rank;
    } else {
      char *longer = cls_format("%s%s%.60s", others ? others : "", others ? ", " : "", t->field[i]);
      free(others);
      others = longer;
    }
  }
  if (status == CLS_OK && others)
    status = cls_note(notes, "regions: columns of %s left alone: %s", cls_path_base(t->path), others);
  free(others);
  CLS_TRY(status);
  bool any = false;
  for (int c = 0; c < COLUMNS; c++) any = any || (c != INDEX && r->column[c] >= 0);
  CLS_CHECK(
      any, CLS_ERR_INPUT,
      "%s:%llu: a header without any known column: expected some of name, x, y, z, area, volume, density, "
      "hemisphere, cortical, unit",
      t->path, (unsigned long long)t->number);
  const int places = (r->column[X] >= 0) + (r->column[Y] >= 0) + (r->column[Z] >= 0);
  CLS_CHECK(places == 0 || places == 3, CLS_ERR_INPUT,
            "%s:%llu: %d of the columns x, y, z: expected all or none", t->path,
            (unsigned long long)t->number, places);
  return CLS_OK;
}

/* ---- values ---- */

static const char *field_of(const region_reader *r, int c) {
  return r->column[c] >= 0 ? r->text.field[r->column[c]] : "";
}

static cls_status fail_value(const region_reader *r, int c, const char *expected) {
  return cls_fail(CLS_ERR_INPUT, "%s:%llu: %s is \"%.40s\": expected %s", r->text.path,
                  (unsigned long long)r->text.number, columns[c][0], field_of(r, c), expected);
}

/* NaN where it is missing. */
static cls_status take_number(const region_reader *r, int c, bool negative, double *value) {
  if (!cls_text_number(field_of(r, c), value) || isinf(*value)) return fail_value(r, c, "a number");
  if (!negative && *value < 0) return fail_value(r, c, "a number >= 0");
  return CLS_OK;
}

static cls_status take_choice(const region_reader *r, int c, const char *const *zero, const char *const *one,
                              const char *expected, int8_t *value) {
  double number;
  const char *text = field_of(r, c);
  *value = -1;
  if (cls_text_number(text, &number)) {
    if (number == 0 || number == 1) *value = (int8_t)number;
    return number == 0 || number == 1 || isnan(number) ? CLS_OK : fail_value(r, c, expected);
  }
  for (; *zero; zero++)
    if (cls_text_same(text, *zero)) *value = 0;
  for (; *one; one++)
    if (cls_text_same(text, *one)) *value = 1;
  return *value >= 0 ? CLS_OK : fail_value(r, c, expected);
}

static cls_status take_words(const region_reader *r, cls_connectome *t, uint32_t i) {
  if (r->column[NAME] >= 0) {
    if (!*field_of(r, NAME)) return fail_value(r, NAME, "a name");
    t->names[i] = cls_format("%s", field_of(r, NAME));
    CLS_CHECK(t->names[i], CLS_ERR_MEMORY, "out of memory for names of regions");
  }
  if (r->column[UNIT] >= 0) {
    double value;
    const bool missing = cls_text_number(field_of(r, UNIT), &value) && isnan(value);
    CLS_TRY(cls_connectome_add_units(t));
    t->unit[i] = cls_format("%s", missing ? "" : field_of(r, UNIT));
    CLS_CHECK(t->unit[i], CLS_ERR_MEMORY, "out of memory for units of regions");
  }
  return CLS_OK;
}

static cls_status take_row(region_reader *r, uint32_t row) {
  static const char *const left[] = {"l", "lh", "left", NULL}, *const right[] = {"r", "rh", "right", NULL};
  static const char *const no[] = {"false", "no", NULL}, *const yes[] = {"true", "yes", NULL};
  cls_connectome *t = r->table;
  const unsigned long long line = r->text.number;
  CLS_CHECK(r->text.n == r->fields, CLS_ERR_INPUT, "%s:%llu: %u fields: expected %u as in the header",
            r->text.path, line, r->text.n, r->fields);
  uint32_t i = row;
  if (r->column[INDEX] >= 0) {
    double number;
    if (!cls_text_number(field_of(r, INDEX), &number) || !(number >= 1 && number <= t->n_regions) ||
        number != floor(number))
      return fail_value(r, INDEX, "a row of the matrix: 1 ... the number of regions in the table");
    i = (uint32_t)number - 1;
    if (r->seen[i]) return fail_value(r, INDEX, "each row of the matrix once");
  }
  r->seen[i] = true;
  for (int k = 0; k < 3; k++) CLS_TRY(take_number(r, X + k, true, &t->centre_mm[i][k]));
  CLS_TRY(take_number(r, AREA, false, &t->area_mm2[i]));
  CLS_TRY(take_number(r, VOLUME, false, &t->volume_mm3[i]));
  CLS_TRY(take_number(r, DENSITY, false, &t->synapse_density[i]));
  CLS_TRY(take_choice(r, HEMISPHERE, left, right, "L or R", &t->hemisphere[i]));
  CLS_TRY(take_choice(r, CORTICAL, no, yes, "0 or 1", &t->cortical[i]));
  return take_words(r, t, i);
}

/* ---- the table ---- */

static cls_status count_rows(const char *path, uint64_t *rows) {
  cls_text_table text;
  bool got = true;
  *rows = 0;
  CLS_TRY(cls_text_open(path, &text));
  cls_status status = cls_text_next(&text, &got); /* the header */
  while (status == CLS_OK && got) {
    status = cls_text_next(&text, &got);
    *rows += status == CLS_OK && got;
  }
  cls_text_close(&text);
  CLS_TRY(status);
  CLS_CHECK(*rows > 0 && *rows < UINT32_MAX, CLS_ERR_INPUT,
            "%s: %llu regions: expected a header and at least 1", path, (unsigned long long)*rows);
  return CLS_OK;
}

static cls_status read_table(region_reader *r, cls_notes *notes) {
  bool got;
  uint32_t row = 0, renamed = 0;
  CLS_TRY(read_header(r, notes));
  for (;; row++) {
    CLS_TRY(cls_text_next(&r->text, &got));
    if (!got || row == r->table->n_regions) break; /* a file that grew meanwhile is cut */
    CLS_TRY(take_row(r, row));
  }
  CLS_CHECK(row == r->table->n_regions, CLS_ERR_INPUT, "%s: changed while it was read", r->text.path);
  if (r->column[NAME] < 0) return CLS_OK;
  CLS_TRY(cls_names_make_unique(r->table->names, r->table->n_regions, &renamed));
  return renamed ? cls_note(notes, "regions: %u repeated names are numbered", renamed) : CLS_OK;
}

cls_status cls_regions_read(const char *path, cls_notes *notes, cls_connectome **table) {
  uint64_t rows;
  region_reader r = {0};
  *table = NULL;
  CLS_TRY(count_rows(path, &rows));
  CLS_TRY(cls_connectome_create((uint32_t)rows, 0, &r.table));
  cls_status status = cls_alloc(&r.seen, rows, sizeof *r.seen, "regions of a table");
  if (status == CLS_OK) status = cls_text_open(path, &r.text);
  if (status == CLS_OK) {
    status = read_table(&r, notes);
    cls_text_close(&r.text);
  }
  free(r.seen);
  if (status == CLS_OK)
    *table = r.table;
  else
    cls_connectome_destroy(r.table);
  return status;
}

/* ---- from the table to the connectome ---- */

/* What the table does not know stays as it is. */
static cls_status fill_region(cls_connectome *c, uint32_t i, const cls_connectome *table, uint32_t j) {
  if (!isnan(table->centre_mm[j][0])) memcpy(c->centre_mm[i], table->centre_mm[j], sizeof c->centre_mm[i]);
  if (!isnan(table->area_mm2[j])) c->area_mm2[i] = table->area_mm2[j];
  if (!isnan(table->volume_mm3[j])) c->volume_mm3[i] = table->volume_mm3[j];
  if (!isnan(table->synapse_density[j])) c->synapse_density[i] = table->synapse_density[j];
  if (table->hemisphere[j] >= 0) c->hemisphere[i] = table->hemisphere[j];
  if (table->cortical[j] >= 0) c->cortical[i] = table->cortical[j];
  if (!table->unit) return CLS_OK;
  CLS_TRY(cls_connectome_add_units(c));
  char *unit = cls_format("%s", table->unit[j]);
  CLS_CHECK(unit, CLS_ERR_MEMORY, "out of memory for units of regions");
  free(c->unit[i]);
  c->unit[i] = unit;
  return CLS_OK;
}

static cls_status apply_in_order(const char *path, const cls_connectome *table, cls_notes *notes,
                                 cls_connectome *c) {
  CLS_CHECK(
      table->n_regions == c->n_regions, CLS_ERR_INPUT,
      "%s: %u regions: expected %u as in the connectome, since there are no names on both sides to go by",
      path, table->n_regions, c->n_regions);
  for (uint32_t i = 0; i < c->n_regions; i++) {
    CLS_TRY(fill_region(c, i, table, i));
    if (!table->names[i] || !c->names_made_up) continue;
    free(c->names[i]);
    c->names[i] = cls_format("%s", table->names[i]);
    CLS_CHECK(c->names[i], CLS_ERR_MEMORY, "out of memory for names of regions");
  }
  if (table->names[0]) c->names_made_up = false;
  return cls_note(notes, "regions: %s, row by row", cls_path_base(path));
}

static cls_status apply_by_name(const char *path, const cls_connectome *table, cls_notes *notes,
                                cls_connectome *c) {
  cls_named *sorted = NULL;
  char *missing = NULL;
  uint32_t n_missing = 0;
  CLS_TRY(cls_names_sort(table->names, table->n_regions, &sorted));
  cls_status status = CLS_OK;
  for (uint32_t i = 0; i < c->n_regions && status == CLS_OK; i++) {
    const uint32_t j = cls_names_find(sorted, table->n_regions, c->names[i]);
    if (j != CLS_NO_NAME) {
      status = fill_region(c, i, table, j);
    } else if (++n_missing <= 5) {
      char *longer = cls_format("%s%s%s", missing ? missing : "", missing ? ", " : "", c->names[i]);
      free(missing);
      missing = longer;
    }
  }
  if (status == CLS_OK && n_missing > 0)
    status = cls_fail(CLS_ERR_INPUT, "%s: has no row for %u of the %u regions of the connectome: %s%s", path,
                      n_missing, c->n_regions, missing ? missing : "", n_missing > 5 ? " ..." : "");
  free(sorted);
  free(missing);
  CLS_TRY(status);
  const uint32_t spare = table->n_regions - c->n_regions;
  return spare ? cls_note(notes, "regions: %s, by name; %u of its rows are not in the connectome",
                          cls_path_base(path), spare)
               : cls_note(notes, "regions: %s, by name", cls_path_base(path));
}

cls_status cls_regions_apply(const char *path, const cls_connectome *table, cls_notes *notes,
                             cls_connectome *c) {
  const bool named = table->names[0] && !c->names_made_up;
  return named ? apply_by_name(path, table, notes, c) : apply_in_order(path, table, notes, c);
}
